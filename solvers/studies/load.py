"""From a case file to a checked :class:`Case`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from solvers.studies.config import CaseConfig
from solvers.studies.crosscheck import crosscheck
from solvers.studies.locate import Path as KeyPath
from solvers.studies.locate import key_lines, line_of
from solvers.studies.problems import BadInputError, Problem
from solvers.studies.schema_errors import explain
from solvers.studies.text import read_text
from solvers.studies.units import Units


@dataclass(frozen=True)
class Case:
    """A case file that passed all checks: its text, its settings and where each key stands."""

    path: Path
    text: str
    overrides: tuple[str, ...]
    config: CaseConfig
    units: Units
    lines: dict[KeyPath, int] = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def beside(self, name: str) -> Path:
        """Return a file beside the case."""
        return self.path.parent / name

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a problem located at a key of the file (or at the `--set` that changed it)."""
        return _located(self.path, self.lines, self.overrides, path, message)

    def error(self, path: KeyPath, message: str) -> BadInputError:
        """Return the error for one problem."""
        return BadInputError(self.problem(path, message))


def load_case(path: Path, overrides: Sequence[str] = ()) -> Case:
    """Read and check a case file; all its faults are raised together as one `BadInputError`."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(Problem(f"not valid TOML: {error}", str(path))) from None
    lines = key_lines(text)
    for override in overrides:
        _apply(override, data)

    def locate(findings: Iterable[tuple[KeyPath, str]]) -> list[Problem]:
        return [_located(path, lines, overrides, where, message) for where, message in findings]

    try:
        config = CaseConfig.model_validate(data)
    except ValidationError as error:
        raise BadInputError(_in_file_order(locate(explain(error, data)))) from None
    units, findings = crosscheck(config, path.parent)
    if findings:
        raise BadInputError(_in_file_order(locate(findings)))
    return Case(path, text, tuple(overrides), config, units, lines)


def _apply(override: str, data: dict[str, Any]) -> None:
    """Carry out one ``--set a.b=value``; the schema checks the outcome."""
    name, equals, value = override.partition("=")
    keys = [part.strip() for part in name.split(".")]
    if not equals or not all(keys):
        raise BadInputError(
            Problem("expected KEY.KEY=VALUE, for example parameters.k1.value=0.05", key=f"--set {override}")
        )
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        parsed = value  # a bare word is a text
    table: Any = data
    for depth, part in enumerate(keys):
        if keys[:depth] == ["objective"] and isinstance(table, dict) and part == "0":
            continue  # a single [objective] is number 0 of its kind
        if isinstance(table, list):
            if not part.isdigit() or int(part) >= len(table):
                raise BadInputError(
                    Problem(
                        f'expected an index below {len(table)} instead of "{part}"', key=f"--set {override}"
                    )
                )
            part = int(part)
        elif not isinstance(table, dict):  # a number or a text
            raise BadInputError(Problem(f"{'.'.join(keys[:depth])} is not a table", key=f"--set {override}"))
        if depth == len(keys) - 1:
            table[part] = parsed
        else:
            table = table.setdefault(part, {}) if isinstance(table, dict) else table[part]


def _located(
    path: Path, lines: dict[KeyPath, int], overrides: Sequence[str], where: KeyPath, message: str
) -> Problem:
    if where[:1] == ("objective",) and where[:2] not in lines and ("objective",) in lines:
        where = ("objective", *where[2:])  # a single [objective], not a list of them
    key = _dotted(where)
    for override in overrides:
        name = override.partition("=")[0].strip()
        if key == name or f"{_plain(where)}.".startswith(f"{name}."):
            return Problem(
                message, key=f"--set {override}" if _plain(where) == name else f"--set {override}: {key}"
            )
        if where not in lines and name.startswith(f"{_plain(where)}."):  # the override made this table
            return Problem(message, key=f"--set {override}: {key}")
    return Problem(message, str(path), line_of(lines, where), key)


def _plain(where: KeyPath) -> str:
    return ".".join(map(str, where))


def _dotted(where: KeyPath) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line or 0)
