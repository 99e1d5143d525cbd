"""The schema of a case file: every table, every key, its type, default and meaning.

pydantic checks a case against these classes; ``docs/cases.md`` shows the same text. What depends on more
than one key (names that refer to each other, units that must fit) is checked in ``crosscheck``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Quantity = Number | StrictStr


class FromFunction(BaseModel):
    """An array computed by a function of the model file, called without arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    function: StrictStr = Field(description="function of the model file; returns the array")


class FromFile(BaseModel):
    """An array stored beside the case."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: StrictStr = Field(description="a .npy or .csv file beside the case")


def key(default: Any, description: str, expects: str, **limits: Any) -> Any:
    """Declare a key: its default (`...` where it is required), its meaning and its accepted values."""
    return Field(default, description=description, json_schema_extra={"expects": expects}, **limits)


class Table(BaseModel):
    """A table that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Info(Table):
    """[case]: what the study is about."""

    title: StrictStr = key(..., "one line that names the study", "text")
    description: StrictStr = key("", "a few sentences", "text")
    source: StrictStr = key("", "where model and data come from", "text")


class ModelTable(Table):
    """[model]: the Python file with the plain NumPy functions."""

    file: StrictStr = key(..., "Python file beside the case", "a file name")
    function: Name = key(
        "rhs", "right-hand side `f(t, y, ...)`; further arguments are parameter names", "a function name"
    )


class State(Table):
    """[states.NAME]: one component of the state (a number or a field), in the order of `y`."""

    initial: Quantity | list | FromFunction | FromFile = key(
        ...,
        "initial value: a number, the name of a parameter, an array, or where an array comes from",
        'a number, a quantity such as "1 mol/L", a parameter name, an array, {function = "..."} '
        'or {file = "..."}',
    )
    unit: StrictStr = key("dimensionless", "unit of the component", "a unit")


class Parameter(Table):
    """[parameters.NAME]: one parameter (a number or a field) of the model."""

    value: Quantity | list | FromFunction | FromFile = key(
        ...,
        "value: a number, a quantity with a unit, an array, or where an array comes from",
        'a number, a quantity such as "0.04 1/s", an array, {function = "..."} or {file = "..."}',
    )
    unit: StrictStr = key("dimensionless", "unit of the value", "a unit")
    bounds: tuple[Quantity, Quantity] | None = key(None, "lowest and highest value", "[lowest, highest]")
    scale: Literal["linear", "log"] = key(
        "linear", "how calibration steps: in the value or its logarithm", '"linear" or "log"'
    )
    fixed: StrictBool = key(False, "true leaves the parameter out of the gradient", "true or false")
    description: StrictStr = key("", "what it is", "text")


class Time(Table):
    """[time]: when the simulation starts and ends, and which times are kept for plots and the file."""

    span: tuple[Quantity, Quantity] = key(..., "start and end", "[start, end]")
    unit: StrictStr = key("s", "unit of time", "a unit of time")
    samples: StrictInt = key(200, "number of stored times", "an integer >= 2", ge=2)
    spacing: Literal["linear", "log"] = key("linear", "how stored times are spaced", '"linear" or "log"')
    first: Number | None = key(
        None, "first stored time after the start when spacing is log", "a time > start"
    )


class Solver(Table):
    """[solver]: the time-stepping method and its settings."""

    method: StrictStr = key(..., "name of the method, as in `solvers.solve_ivp`", "a method name")
    rtol: Number = key(1e-6, "relative tolerance", "a number in (0, 1)", gt=0, lt=1)
    atol: Number | dict[str, Number] = key(
        1e-9, "absolute tolerance: one number, or a table by state", "a number > 0 or {state = number}"
    )
    n_steps: StrictInt | None = key(
        None, "take this many equal steps, whatever the tolerances", "an integer >= 1", ge=1
    )
    max_steps: StrictInt | None = key(None, "an adaptive method stops here", "an integer >= 1", ge=1)
    checkpoints: StrictInt | None = key(
        None, "states kept in memory for the gradient; all of them when absent", "an integer >= 1", ge=1
    )


class Objective(Table):
    """What all kinds of objectives have in common."""

    name: StrictStr = key("", "label in tables and files", "text")
    end: Quantity | None = key(None, "horizon, when it is not the end of the time span", "a time in the span")


class Final(Objective):
    """kind = "final": the last value of one state component."""

    kind: Literal["final"]
    component: StrictStr = key(..., "a state with a single value", "a state name")


class Integral(Objective):
    """kind = "integral": the integral over time of a state component or of a model function."""

    kind: Literal["integral"]
    component: StrictStr | None = key(None, "a state with a single value", "a state name")
    function: Name | None = key(None, "function `g(t, y, ...)` of the model file", "a function name")
    unit: StrictStr = key("dimensionless", "unit of the function's value", "a unit")


class LeastSquares(Objective):
    """kind = "least_squares": half the sum of squared, scaled misfits to a data table."""

    kind: Literal["least_squares"]
    data: StrictStr = key(..., "CSV file beside the case, with a header line", "a file name")
    time: StrictStr = key("time", "column with the times", "a column name")
    columns: dict[str, StrictStr] = key(
        ..., "which column observes which state", "{state = column}", min_length=1
    )
    noise: Literal["normal", "lognormal"] = key(
        "normal", "misfit of values, or of their logarithms", '"normal" or "lognormal"'
    )
    sigma: Number | dict[str, Number | StrictStr] = key(
        1.0,
        "standard deviation: one number, or by state a number or a column of the table",
        "a number > 0 or {state = number or column}",
    )


class UserFunction(Objective):
    """kind = "function": a function of the solution, written in the model file."""

    kind: Literal["function"]
    function: Name = key(
        ..., "function `g(sol, ...)` of the model file that returns a number", "a function name"
    )
    unit: StrictStr = key("dimensionless", "unit of its value", "a unit")
    times: list[Quantity] | None = key(
        None, "times in `sol.t`; only the end when absent", "an increasing list of times"
    )


AnyObjective = Annotated[Final | Integral | LeastSquares | UserFunction, Field(discriminator="kind")]


class Reference(Table):
    """[[validate.reference]]: published values that the study must reproduce."""

    objective: StrictStr = key("", "name of the objective; the first when absent", "an objective's name")
    value: Number | None = key(None, "value of the objective", "a number")
    gradient: dict[str, Number] = key({}, "entries of its gradient", "{parameter = number}")
    rtol: Number = key(1e-6, "largest relative deviation", "a number > 0", gt=0)
    source: StrictStr = key(..., "where the values were published", "text")


class Validate(Table):
    """[validate]: how the gradient is checked."""

    rtol: Number = key(
        1e-6, "largest relative deviation from finite differences on frozen steps", "a number > 0", gt=0
    )
    free_rtol: Number = key(1e-3, "the same with steps free to move", "a number > 0", gt=0)
    directions: StrictInt = key(2, "random directions in which a field is checked", "an integer >= 1", ge=1)
    entries: StrictInt = key(3, "single entries of a field that are checked", "an integer >= 0", ge=0)
    complex_step: StrictBool = key(True, "check the model's derivative by complex steps", "true or false")
    seed: StrictInt = key(0, "seed of the random directions", "an integer >= 0", ge=0)
    reference: list[Reference] = key([], "published values", "[[validate.reference]] tables")


class Plot(Table):
    """[plot]: what the pictures show."""

    states: list[StrictStr] | None = key(None, "states shown; all when absent", "a list of state names")
    magnify: dict[str, Number] = key({}, "factors that bring small states into view", "{state = factor}")


class Expect(Table):
    """[calibrate.expect]: published estimates that a calibration must come near."""

    parameters: dict[str, Number] = key(..., "published estimates", "{parameter = number}", min_length=1)
    rtol: Number = key(0.1, "largest relative deviation", "a number > 0", gt=0)
    source: StrictStr = key(..., "where they were published", "text")


class Calibrate(Table):
    """[calibrate]: fit parameters by minimising an objective with its gradient."""

    objective: StrictStr = key("", "name of the objective; the first when absent", "an objective's name")
    method: Literal["L-BFGS-B", "TNC", "SLSQP", "trust-constr"] = key(
        "L-BFGS-B", "method of scipy.optimize.minimize", "a method that takes bounds"
    )
    start: dict[str, Quantity] = key(
        ..., "the parameters to fit, and where to start", "{parameter = number}", min_length=1
    )
    max_iterations: StrictInt = key(200, "the optimiser stops here", "an integer >= 1", ge=1)
    gtol: Number = key(1e-5, "largest entry of the projected gradient at the end", "a number > 0", gt=0)
    expect: Expect | None = key(None, "published estimates", "a [calibrate.expect] table")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class CaseConfig(Table):
    """A whole case file."""

    case: Info = key(..., "what the study is about", "a [case] table")
    units: dict[Name, StrictStr] = key({}, "further units: name = definition", '{pelt = "count"}')
    model: ModelTable = key(..., "the model file", "a [model] table")
    states: dict[Name, State] = key(..., "components of the state", "[states.NAME] tables", min_length=1)
    parameters: dict[Name, Parameter] = key({}, "parameters of the model", "[parameters.NAME] tables")
    time: Time = key(..., "time span", "a [time] table")
    solver: Solver = key(..., "method and settings", "a [solver] table")
    objective: Annotated[list[AnyObjective], BeforeValidator(_as_list)] = key(
        ..., "what is differentiated", "an [objective] table or several [[objective]]", min_length=1
    )
    validation: Validate = Field(
        Validate(),
        alias="validate",
        description="how the gradient is checked",
        json_schema_extra={"expects": "a [validate] table"},
    )
    plot: Plot = key(Plot(), "what the pictures show", "a [plot] table")
    calibrate: Calibrate | None = key(None, "fit parameters", "a [calibrate] table")
