"""Every kind of bad input: one clear message with file, line or key; exit code 2; nothing written."""

from __future__ import annotations

import pytest

LEAST_SQUARES = 'kind = "least_squares"\ndata = "data.csv"\ncolumns = { x = "x" }'


def refused(bench, *arguments: str) -> str:
    """Run, insist on exit code 2, one `error:` line for each fault, no traceback and no files."""
    result = bench.run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ")
    assert "Traceback" not in result.output
    assert bench.written == []
    return result.output


# (text of the case, its replacement, text whose line is named or None, words of the message)
CASES = {
    "unknown key": ("rtol =", "rtoll =", "rtoll", ["solver.rtoll", 'did you mean "rtol"']),
    "unknown table": ("[time]", "[tim]", "[tim]", ["tim", 'did you mean "time"']),
    "missing key": ("span = [0.0, 2.0]\n", "", "[time]", ["time.span", "missing", "[start, end]"]),
    "wrong type": ("rtol = 1.0e-10", 'rtol = "small"', "rtol", ["solver.rtol", "number", '"small"']),
    "boolean for number": (
        "value = 0.5",
        "value = true",
        "value = true",
        ["parameters.rate.value", "got true"],
    ),
    "not finite": ("value = 0.5", "value = nan", "value = nan", ["parameters.rate.value", "nan"]),
    "unknown unit": ('unit = "1/s"', 'unit = "1/sec0nd"', "1/sec0nd", ["parameters.rate.unit", "known unit"]),
    "unit that does not fit": (
        "value = 0.5",
        'value = "3 m"',
        "3 m",
        ["parameters.rate.value", "does not fit"],
    ),
    "units of state and parameter": (
        'unit = "mol/L"\n\n[time]',
        'unit = "mol/m^3"\n\n[time]',
        'initial = "x0"',
        ["states.x.initial", "same unit"],
    ),
    "unknown method": ('"Tsit5"', '"Tsit6"', "Tsit6", ["solver.method", 'did you mean "Tsit5"']),
    "no steps for a fixed-step method": ('"Tsit5"', '"RK4"', "[solver]", ["solver", "n_steps"]),
    "unknown parameter": ('"x0"', '"x1"', 'initial = "x1"', ["states.x.initial", "x0"]),
    "unknown state": ('component = "x"', 'component = "y"', "component", ["component", "valid: x"]),
    "unknown kind": ('kind = "final"', 'kind = "finale"', "kind", ["kind", 'did you mean "final"']),
    "no kind": ('kind = "final"\n', "", "[objective]", ["kind", "integral"]),
    "missing model file": ('"decay.py"', '"decoy.py"', "decoy", ["model.file", 'did you mean "decay.py"']),
    "missing function": (
        'file = "decay.py"',
        'file = "decay.py"\nfunction = "rsh"',
        "rsh",
        ["model.function", 'did you mean "rhs"'],
    ),
    "missing data": (
        'kind = "final"\ncomponent = "x"',
        LEAST_SQUARES.replace("data.csv", "dat.csv"),
        "dat.csv",
        ["data.csv"],
    ),
    "span backwards": ("[0.0, 2.0]", "[2.0, 0.0]", "span", ["time.span", "not after"]),
    "bounds backwards": ("[0.0, 10.0]", "[10.0, 0.0]", "bounds", ["parameters.rate.bounds", "below"]),
    "value outside bounds": ("value = 0.5", "value = 50.0", "value = 50.0", ["outside its bounds"]),
    "horizon outside the span": (
        'component = "x"',
        'component = "x"\nend = 5.0',
        "end = 5.0",
        ["not inside"],
    ),
    "tolerance by an unknown state": (
        "atol = 1.0e-12",
        "atol = { z = 1.0e-12 }",
        "atol",
        ['"z"', "valid: x"],
    ),
    "bad name": ("[parameters.rate]", '[parameters."a b"]', "a b", ['"a b"', "name"]),
    "not TOML": ("[case]", "[case", None, ["not valid TOML", "line 1"]),
    "reference to an unknown objective": (
        "[objective]",
        '[[validate.reference]]\nobjective = "G"\nvalue = 1.0\nsource = "-"\n[objective]',
        'objective = "G"',
        ["validate.reference[0].objective", "final x"],
    ),
    "calibration of an unknown parameter": (
        "[objective]",
        "[calibrate]\nstart = { rat = 1.0 }\n[objective]",
        "start",
        ["calibrate.start.rat", 'did you mean "rate"'],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_the_case_file(bench, name):
    old, new, marked, words = CASES[name]
    bench.change(old, new)
    output = refused(bench)
    assert len(output.strip().splitlines()) == 1
    if marked is not None:
        assert f"{bench.case}:{bench.line(marked)}: " in output
    for word in words:
        assert word in output


def test_all_faults_are_told_at_once_in_the_order_of_the_file(bench):
    for old, new in (
        ('"x0"', '"x1"'),
        ('"1/s"', '"1/sss"'),
        ('"Tsit5"', '"Tsit6"'),
        ('component = "x"', 'component = "z"'),
    ):
        bench.change(old, new)
    lines = refused(bench).strip().splitlines()
    assert len(lines) == 4
    numbers = [int(line.split(".toml:")[1].split(":")[0]) for line in lines]
    assert numbers == sorted(numbers)


MODELS = {
    "raises": ("return -rate * y", "return 1 / 0 * y", "1 / 0", ["ZeroDivisionError", "rhs"]),
    "raises in an import": (
        "import numpy as np",
        "import nunpy as np",
        "nunpy",
        ["ModuleNotFoundError", "nunpy"],
    ),
    "wrong length": ("return -rate * y", "return [0.0, 1.0]", "def rhs", ["shape (2,)", "(1,)"]),
    "nothing": ("return -rate * y", "pass", "def rhs", ["rhs", "NoneType"]),
    "not finite": ("return -rate * y", "return np.log(-y)", "def rhs", ["not finite for x", "t = 0"]),
    "unknown argument": (
        "def rhs(t, y, rate)",
        "def rhs(t, y, rte)",
        "def rhs",
        ['"rte"', 'did you mean "rate"'],
    ),
    "too few arguments": (
        "def rhs(t, y, rate):\n    return -rate",
        "def rhs(t):\n    return -t",
        "def rhs",
        ["rhs(t, y, ...)"],
    ),
    "not Python": ("return -rate * y", "return -rate *", "-rate *", ["not valid Python"]),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", MODELS)
def test_a_fault_of_the_model(bench, name):
    old, new, marked, words = MODELS[name]
    bench.change(old, new, "decay.py")
    output = refused(bench)
    assert f"decay.py:{bench.line(marked, 'decay.py')}: " in output
    for word in words:
        assert word in output


TABLES = {
    "not a number": ("1.0,1.3", "1.0,n/a", "n/a", ["column x", '"n/a"']),
    "not finite": ("1.0,1.3", "1.0,inf", "inf", ["column x", "finite"]),
    "short row": ("1.0,1.3", "1.0", "1.0", ["expected 2 values"]),
    "outside the span": ("2.0,0.7", "3.0,0.7", "3.0", ["column time", "span"]),
    "not increasing": ("1.0,1.3", "0.5,1.3", "0.5,1.3", ["column time", "after"]),
    "negative under log-normal noise": ("1.0,1.3", "1.0,-1.3", "-1.3", ["column x", "positive"]),
    "no rows": ("0.5,1.5\n1.0,1.3\n2.0,0.7\n", "", None, ["at least one row"]),
    "other columns": ("time,x", "time,z", None, ['"x"', "valid: time, z"]),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_fault_of_the_data(bench, name):
    bench.change('kind = "final"\ncomponent = "x"', LEAST_SQUARES + '\nnoise = "lognormal"')
    old, new, marked, words = TABLES[name]
    bench.change(old, new, "data.csv")
    output = refused(bench)
    assert "data.csv" in output
    if marked is not None:
        assert f"data.csv:{bench.line(marked, 'data.csv')}: " in output
    for word in words:
        assert word in output


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("solver.metod=RK4", ["--set solver.metod=RK4", 'did you mean "method"']),
        ("parameters.rate.value='4 m'", ["--set parameters.rate.value", "does not fit"]),
        ("parameters.rate", ["KEY.KEY=VALUE"]),
        ("solver.rtol.x=1", ["solver.rtol is not a table"]),
    ],
)
def test_a_fault_of_an_override(bench, override, words):
    output = refused(bench, "--set", override)
    for word in words:
        assert word in output


def test_fields_of_different_shape(bench):
    bench.change('initial = "x0"', "initial = [1.0, 2.0, 3.0]")
    bench.change("[parameters.rate]", "[states.z]\ninitial = [1.0, 2.0]\n[parameters.rate]")
    assert "states.z.initial: shape (2,) differs from shape (3,)" in refused(bench)


def test_a_ragged_or_non_finite_array(bench):
    bench.change("value = 2.0", "value = [[1.0, 2.0], [3.0]]")
    assert "equally long rows" in refused(bench)
    bench.change("value = [[1.0, 2.0], [3.0]]", "value = [[1.0, 2.0], [3.0, inf]]")
    assert "inf at index (1, 1)" in refused(bench)


def test_an_unknown_case_names_the_nearest_shipped_one(bench):
    result = bench.invoke("run", "robertsn")
    assert result.exit_code == 2
    assert 'did you mean "robertson"' in result.output


def test_a_folder_without_cases(bench, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    result = bench.invoke("validate", str(empty))
    assert result.exit_code == 2
    assert "no case" in result.output


def test_validate_refuses_bad_input_too(bench):
    bench.change('"Tsit5"', '"Tsit6"')
    result = bench.invoke("validate", str(bench.case))
    assert result.exit_code == 2
    assert f"{bench.case}:{bench.line('Tsit6')}" in result.output
