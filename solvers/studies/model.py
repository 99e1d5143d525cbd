"""The model file of a case: imported, its functions bound to parameter names, and tried once."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tokenize
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from solvers.studies.config import FromFile, FromFunction
from solvers.studies.crosscheck import names_parameter, parse_quantity
from solvers.studies.load import Case
from solvers.studies.locate import Path as KeyPath
from solvers.studies.problems import BadInputError, Problem, nearest

Values = dict[str, Any]


class Model:
    """Functions, parameter values and initial state of a case.

    Attributes
    ----------
    free : dict
        Values of the parameters that are differentiated.
    fixed : dict
        Values of the other parameters.
    rhs : BoundFunction
        The right-hand side ``f(t, y, *parameters)``.
    """

    def __init__(self, case: Case):
        self.case = case
        self.path = case.beside(case.config.model.file)
        self.text = self._source()
        self.module = self._import()
        values = {
            name: self._array(item.value, item.unit, ("parameters", name, "value"))
            for name, item in case.config.parameters.items()
        }
        self.free = {name: value for name, value in values.items() if not case.config.parameters[name].fixed}
        self.fixed = {name: value for name, value in values.items() if name not in self.free}
        self._require_bounds(values)
        self._require_single_numbers()
        self.names = list(case.config.states)
        self._initials = {
            name: None
            if names_parameter(state)
            else self._array(state.initial, state.unit, ("states", name, "initial"))
            for name, state in case.config.states.items()
        }
        self.shape = self._common_shape(values)
        self.rhs = self.function(case.config.model.function, ("model", "function"), ("t", "y"))
        self._try_rhs()

    # values ---------------------------------------------------------------------------------------

    @property
    def scalar_states(self) -> bool:
        """Whether each state is a single number."""
        return self.shape == ()

    def index(self, state: str) -> Any:
        """Return the index of a state along the first axis of ``y``."""
        return self.names.index(state)

    def component(self, y: Any, state: str) -> Any:
        """Return one state out of ``y`` (with or without a last axis of times)."""
        return y if self.lone_field else y[self.names.index(state)]

    @property
    def lone_field(self) -> bool:
        """Whether the state is a single field, which is then ``y`` itself."""
        return len(self.names) == 1 and self.shape != ()

    def initial(self, theta: Values) -> Any:
        """Return the initial state for given values of the free parameters."""
        values = {**self.fixed, **theta}
        parts = [
            values[state.initial] if self._initials[name] is None else self._initials[name]
            for name, state in self.case.config.states.items()
        ]
        return (
            parts[0]
            if self.lone_field
            else np.stack([np.asarray(p) if isinstance(p, float) else p for p in parts])
        )

    def _array(self, value: Any, unit: str, path: KeyPath) -> Any:
        """Turn a value of the case file into a float or an array of floats."""
        if isinstance(value, FromFunction):
            return self._checked(self._computed(value.function, (*path, "function")), path)
        if isinstance(value, FromFile):
            return self._checked(self._read(value.file, (*path, "file")), path)
        if isinstance(value, list):
            return self._checked(value, path)
        return parse_quantity(value, unit, self.case.units)

    def _computed(self, name: str, path: KeyPath) -> Any:
        function = self._lookup(name, path)
        needed = [
            argument
            for argument in inspect.signature(function).parameters.values()
            if argument.default is argument.empty
            and argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        ]
        if needed:
            raise self.fault(
                function, f"{name}: expected {name}() without arguments, as it computes an array"
            )
        with self.blamed():
            return function()

    def _read(self, name: str, path: KeyPath) -> Any:
        file = self.case.beside(name)
        try:
            if file.suffix == ".npy":
                return np.load(file, allow_pickle=False)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an empty file is an error, told below
                return np.loadtxt(file, delimiter=",", ndmin=1, encoding="utf-8-sig")
        except (ValueError, OSError, EOFError) as error:
            reason = "not a .npy file of numbers" if file.suffix == ".npy" else error
            raise self.case.error(path, f'cannot read an array from "{name}": {reason}') from None

    def _checked(self, value: Any, path: KeyPath) -> np.ndarray:
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                raise TypeError(array.dtype)
        except (TypeError, ValueError):
            raise self.case.error(path, "expected an array of real numbers with equally long rows") from None
        if array.size == 0:
            raise self.case.error(path, "the array is empty")
        array = np.array(array, dtype=float)
        if not np.all(np.isfinite(array)):
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise self.case.error(
                path, f"the array holds {array[where]} at index {where}; expected finite numbers"
            )
        return array

    def _require_bounds(self, values: Values) -> None:
        """Check the entries of arrays; bounds of numbers were checked with the case file."""
        for name, item in self.case.config.parameters.items():
            if item.bounds is None or np.ndim(values[name]) == 0:
                continue
            low, high = (parse_quantity(bound, item.unit, self.case.units) for bound in item.bounds)
            outside = np.argwhere((values[name] < low) | (values[name] > high))
            if outside.size:
                where = tuple(int(i) for i in outside[0])
                message = (
                    f"{values[name][where]:g} at index {where} is outside the bounds [{low:g}, {high:g}]"
                )
                raise self.case.error(("parameters", name, "value"), message)

    def _require_single_numbers(self) -> None:
        """Check that fits and published gradients name parameters that are single numbers."""
        config = self.case.config
        places: list[KeyPath] = []
        if config.calibrate is not None:
            places += [("calibrate", "start", name) for name in config.calibrate.start]
        for index, item in enumerate(config.validation.reference):
            places += [("validate", "reference", index, "gradient", name) for name in item.gradient]
        for path in places:
            shape = np.shape(self.free[path[-1]])
            if shape != ():
                raise self.case.error(
                    path, f'parameter "{path[-1]}" is an array of shape {shape}; expected a single number'
                )

    def _common_shape(self, values: Values) -> tuple[int, ...]:
        shapes = {
            name: np.shape(values[state.initial] if self._initials[name] is None else self._initials[name])
            for name, state in self.case.config.states.items()
        }
        first, shape = next(iter(shapes.items()))
        for name, other in shapes.items():
            if other != shape:
                raise self.case.error(
                    ("states", name, "initial"),
                    f'shape {other} differs from shape {shape} of state "{first}"',
                )
        return shape

    # functions ------------------------------------------------------------------------------------

    def function(self, name: str, path: KeyPath, leading: tuple[str, ...]) -> BoundFunction:
        """Look up a function of the model file whose further arguments are parameter names."""
        function = self._lookup(name, path)
        arguments = list(inspect.signature(function).parameters.values())
        wanted = f"{name}({', '.join(leading)}, ...) where ... are parameter names"
        if any(
            argument.kind not in (argument.POSITIONAL_ONLY, argument.POSITIONAL_OR_KEYWORD)
            for argument in arguments
        ) or len(arguments) < len(leading):
            raise self.fault(function, f"{name}: expected {wanted}, got {name}{inspect.signature(function)}")
        known = {**self.free, **self.fixed}
        names = [argument.name for argument in arguments[len(leading) :]]
        unknown = [
            Problem(
                f'argument "{argument}" of {name} is not a parameter of the case; {nearest(argument, known)}',
                str(self.path),
                _line(function),
            )
            for argument in names
            if argument not in known
        ]
        if unknown:
            raise BadInputError(unknown)
        return BoundFunction(function, tuple(names), self)

    def _lookup(self, name: str, path: KeyPath) -> Callable:
        function = getattr(self.module, name, None)
        if not inspect.isfunction(function):
            own = [
                key
                for key, value in vars(self.module).items()
                if inspect.isfunction(value) and value.__module__ == self.module.__name__
            ]
            raise self.case.error(path, f'{self.path.name} has no function "{name}"; {nearest(name, own)}')
        return function

    def _source(self) -> str:
        try:
            with tokenize.open(self.path) as file:  # heeds an encoding that the file declares
                return file.read()
        except (SyntaxError, UnicodeDecodeError) as error:
            raise BadInputError(
                Problem(f"not a text in Python's encoding: {error}", str(self.path))
            ) from None
        except OSError as error:
            raise BadInputError(Problem(f"cannot read this file: {error.strerror}", str(self.path))) from None

    def _import(self) -> ModuleType:
        name = f"diffsci_case_{self.path.stem}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickle look their module up here
        try:
            with self.blamed(), _modules_beside(self.path.resolve().parent):
                spec.loader.exec_module(module)
        except SyntaxError as error:
            raise BadInputError(
                Problem(f"not valid Python: {error.msg}", str(self.path), error.lineno)
            ) from None
        return module

    def fault(self, function: Callable, message: str) -> BadInputError:
        """Return the error for a function of the model file."""
        return BadInputError(Problem(message, str(self.path), _line(function)))

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Turn an exception raised inside the model file into a message with its line there."""
        try:
            yield
        except (BadInputError, KeyboardInterrupt, SyntaxError):
            raise
        except (Exception, SystemExit) as error:
            here = str(self.path.resolve())
            frames = [
                frame
                for frame in traceback.extract_tb(error.__traceback__)
                if str(Path(frame.filename).resolve()) == here
            ]
            if not frames:
                raise
            message = f"{frames[-1].name} raised {type(error).__name__}: {error}"
            raise BadInputError(Problem(message, str(self.path), frames[-1].lineno)) from error

    # one call before anything long starts -----------------------------------------------------------

    def _try_rhs(self) -> None:
        y0 = self.initial(self.free)
        start = parse_quantity(self.case.config.time.span[0], self.case.config.time.unit, self.case.units)
        with self.blamed():
            slope = self.rhs(start, y0.copy(), self.free)
            again = self.rhs(start, y0.copy(), self.free)
        name = self.rhs.function.__name__
        try:
            if slope is None:
                raise TypeError("no value")
            if np.iscomplexobj(slope):
                raise TypeError("complex numbers")
            slope, again = np.asarray(slope, dtype=float), np.asarray(again, dtype=float)
        except (TypeError, ValueError):
            raise self.fault(
                self.rhs.function,
                f"{name} must return real numbers shaped like y, {y0.shape}; it returned {_described(slope)}",
            ) from None
        if slope.shape != y0.shape:
            raise self.fault(
                self.rhs.function,
                f"{name} returned shape {slope.shape}; "
                f"expected the shape of y, {y0.shape} ({', '.join(self.names)})",
            )
        if not np.array_equal(slope, again, equal_nan=True):
            raise self.fault(
                self.rhs.function,
                f"{name} returned different values when called twice with the same arguments; it must depend "
                "on nothing else (no random numbers, no counters)",
            )
        bad = [state for state in self.names if not np.all(np.isfinite(self.component(slope, state)))]
        if bad:
            raise self.fault(
                self.rhs.function,
                f"{name} returned a value that is not finite for "
                f"{', '.join(bad)} at the start, t = {start:g}",
            )


class BoundFunction:
    """A function of the model file with the names of the parameters that it takes."""

    def __init__(self, function: Callable, names: tuple[str, ...], model: Model):
        self.function, self.names, self._model = function, names, model

    def fault(self, message: str) -> BadInputError:
        """Return the error that blames this function."""
        return self._model.fault(self.function, message)

    @property
    def line(self) -> int:
        """Where the function stands in the model file."""
        return _line(self.function)

    def args(self, theta: Values) -> tuple:
        """Return the parameter values in the order in which the function takes them."""
        return tuple(theta[name] if name in theta else self._model.fixed[name] for name in self.names)

    def __call__(self, *args: Any) -> Any:
        """Call with the leading arguments and, last, the free parameters."""
        *leading, theta = args
        return self.function(*leading, *self.args(theta))


@contextmanager
def _modules_beside(folder: Path) -> Iterator[None]:
    """Let a model file import modules that lie beside it, without mixing up those of different cases."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and Path(file).resolve().is_relative_to(folder):
                del sys.modules[name]


def _described(value: Any) -> str:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return "complex numbers" if kind == "c" else type(value).__name__


def _line(function: Callable) -> int:
    return function.__code__.co_firstlineno
