"""Units: parsed, converted and combined by pint; its registry is loaded on first use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_USUAL_SYMBOLS = {"l": "L", "a": "year"}  # pint's symbols of litre and year are seldom read so


class UnitError(ValueError):
    """A unit is not known, or does not fit."""


@cache
def _default_registry() -> Any:
    import pint

    try:
        return pint.UnitRegistry(cache_folder=":auto:")
    except OSError:  # no writable cache directory: parsing the definitions takes 0.15 s longer
        return pint.UnitRegistry()


class Units:
    """The units of one case: pint's own plus those that the case defines.

    Examples
    --------
    >>> units = Units({"pelt": "count"})
    >>> units.check("kilopelt / year")
    >>> units.ratio("mol/L*s", "1/s")
    'mole * second ** 2 / liter'
    >>> units.quantity("3 1/min", "1/s")
    0.05
    >>> round(units.quantity("20 degC", "kelvin"), 9)
    293.15
    """

    def __init__(self, definitions: Mapping[str, str] | None = None):
        self.definitions = dict(definitions or {})
        if self.definitions:
            import pint

            self.registry = pint.UnitRegistry()
            for name, meaning in self.definitions.items():
                try:
                    self.registry.define(f"{name} = {meaning}")
                    self.registry.Unit(name).dimensionality  # noqa: B018 - looks up what `meaning` names
                except Exception as error:  # pint raises many kinds, all of them about the definition
                    raise UnitError(f'cannot define unit "{name}" as "{meaning}": {error}') from None
        else:
            self.registry = _default_registry()

    def unit(self, text: str) -> Any:
        """Parse a unit."""
        try:
            return self.registry.Unit(text)
        except Exception as error:  # pint raises many kinds, all of them about the text
            raise UnitError(f'"{text}" is not a known unit ({error})') from None

    def check(self, text: str) -> None:
        """Raise `UnitError` unless ``text`` is a unit."""
        self.unit(text)

    def of_time(self, text: str) -> bool:
        """Tell whether ``text`` is a unit in which time may run: of time, or none."""
        return self.unit(text).dimensionality in ({}, {"[time]": 1})

    def known(self, text: str) -> bool:
        """Tell whether ``text`` is a unit."""
        try:
            self.unit(text)
        except UnitError:
            return False
        return True

    def quantity(self, text: str, unit: str) -> float:
        """Return the number of ``unit`` in a quantity such as ``"3 1/min"``."""
        number, _, given = text.strip().partition(" ")
        try:
            value = float(number)
        except ValueError:
            raise UnitError(
                f'"{text}" is not a quantity: expected a number and a unit, "0.5 {unit}"'
            ) from None
        if not math.isfinite(value):
            raise UnitError(f'"{text}" is not a finite number')
        given = given.strip() or unit
        self.factor(given, unit)
        return float(self.registry.convert(value, self.unit(given), self.unit(unit)))

    def factor(self, given: str, wanted: str) -> float:
        """Return how many ``wanted`` one ``given`` is."""
        source, target = self.unit(given), self.unit(wanted)
        if source.dimensionality != target.dimensionality:
            raise UnitError(
                f'unit "{given}" ({source.dimensionality}) does not fit "{wanted}" ({target.dimensionality})'
            )
        return float(self.registry.convert(1.0, source, target))

    def ratio(self, numerator: str, denominator: str) -> str:
        """Return the unit of a derivative."""
        return str(self.unit(numerator) / self.unit(denominator))

    def product(self, first: str, second: str) -> str:
        """Return the unit of an integral."""
        return str(self.unit(first) * self.unit(second))

    def short(self, unit: str) -> str:
        """Return the compact symbol of a unit, empty for a pure number."""
        symbols = f"{self.unit(unit):~P}"
        for rare, usual in _USUAL_SYMBOLS.items():
            symbols = re.sub(rf"(?<![^\W\d_]){rare}(?![^\W\d_])", usual, symbols)
        return symbols.replace("dimensionless", "")
