"""Every kind of bad input: one clear message with file, line or key; exit code 2; nothing written."""

from __future__ import annotations

import sys
import warnings

import pytest

import solvers.cli
from solvers.cli import _warning

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
    "not finite as a text": ("value = 0.5", 'value = "nan 1/s"', "nan", ["parameters.rate.value", "finite"]),
    "text outside bounds": ("value = 0.5", 'value = "50 1/s"', "50 1/s", ["50 is outside its bounds"]),
    "array outside bounds": ("value = 0.5", "value = [1.0, 50.0]", "50.0", ["50 at index (1,)"]),
    "time in metres": ('unit = "s"\n', 'unit = "m"\n', '"m"', ["time.unit", "unit of time"]),
    "negative seed": ("[objective]", "[validate]\nseed = -1\n[objective]", "seed", ["integer >= 0"]),
    "state called t": ("[states.x]", "[states.t]\ninitial = 1.0\n[states.x]", "[states.t]", ["the time"]),
    "logarithms of negative times": (
        "span = [0.0, 2.0]",
        'span = [-3.0, -1.0]\nspacing = "log"\nfirst = -2.0',
        "first",
        ["time.first", "positive"],
    ),
    "no times": (
        'kind = "final"\ncomponent = "x"',
        'kind = "function"\nfunction = "misfit"\ntimes = []',
        "times",
        ["increasing times"],
    ),
    "a name without letters": ("[objective]", '[objective]\nname = "."', "name =", ["a letter or a digit"]),
    "two objectives in one file": (
        "[objective]",
        '[[objective]]\nname = "a/b"\nkind = "final"\ncomponent = "x"\n[[objective]]\nname = "a b"',
        '"a b"',
        ["objective[1].name", "same file names"],
    ),
    "model that is no Python file": ('"decay.py"', '"data.csv"', "data.csv", ["model.file", ".py"]),
    "folder for a file": ('file = "decay.py"', 'file = "."', "file =", ["is a folder"]),
    "an array from two places": (
        "value = 0.5",
        'value = { file = "a.npy", function = "a" }',
        "a.npy",
        ["parameters.rate.value", "expected a number"],
    ),
    "calibration of an array": (
        'value = 0.5\nunit = "1/s"\nbounds = [0.0, 10.0]\n',
        'value = [0.5]\nunit = "1/s"\n[calibrate]\nstart = { rate = 1.0 }\n',
        "start",
        ["calibrate.start.rate", "single number"],
    ),
    "calibration from outside the bounds": (
        "[objective]",
        "[calibrate]\nstart = { rate = 50.0 }\n[objective]",
        "start",
        ["calibrate.start.rate", "50 is outside the bounds [0, 10]"],
    ),
    "calibration in a unit that does not fit": (
        "[objective]",
        '[calibrate]\nstart = { rate = "1 m" }\n[objective]',
        "start",
        ["calibrate.start.rate", "does not fit"],
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
    "raises on two lines": ("return -rate * y", "raise ValueError('a\\nb')", "raise", ["ValueError: a b"]),
    "exits": ("return -rate * y", "raise SystemExit(0)", "SystemExit", ["SystemExit"]),
    "exits on import": ("import numpy as np", "raise SystemExit(0)", "SystemExit", ["SystemExit"]),
    "complex": ("return -rate * y", "return 1j * y", "def rhs", ["complex"]),
    "ragged": ("return -rate * y", "return [[1], [1, 2]]", "def rhs", ["list"]),
    "wrong length later": (
        "return -rate * y",
        "return -rate * y if t < 1 else [0.0, 1.0]",
        "def rhs",
        ["shape (2,)", "(1,)"],
    ),
    "random": ("return -rate * y", "return np.random.rand() * y", "def rhs", ["different values"]),
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
    "two columns of one name": ("time,x", "x,x", "x,x", ["two columns"]),
    "only the start": (
        "0.5,1.5\n1.0,1.3\n2.0,0.7\n",
        "0.0,1.5\n",
        "0.0,1.5",
        ["column time", "after the start"],
    ),
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


@pytest.mark.parametrize("command", ["run", "validate"])
def test_an_empty_name(bench, command):
    result = bench.invoke(command, "")
    assert result.exit_code == 2
    assert "got nothing" in result.output


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


FUNCTIONS = {
    "nothing": ("pass", ["misfit", "NoneType"]),
    "an array": ("return sol.y[0]", ["misfit", "shape (1,)"]),
    "a text": ("return 'a'", ["misfit", "str"]),
    "not a number": ("return np.log(-sol.y[0, -1])", ["misfit", "nan"]),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_fault_of_an_objective_function(bench, name):
    body, words = FUNCTIONS[name]
    bench.change('kind = "final"\ncomponent = "x"', 'kind = "function"\nfunction = "misfit"')
    bench.change("return np.sum(sol.y[0] ** 2)", body, "decay.py")
    output = refused(bench)
    assert f"decay.py:{bench.line('def misfit', 'decay.py')}: " in output
    for word in words:
        assert word in output


def test_an_integrand_that_is_no_number(bench):
    bench.change('kind = "final"\ncomponent = "x"', 'kind = "integral"\nfunction = "stored"')
    bench.change("return y[0] ** 2", "return y**2", "decay.py")
    assert "stored must return a single number; it returned an array of shape (1,)" in refused(bench)


@pytest.mark.parametrize("file", ["decay.toml", "decay.py", "data.csv"])
def test_bytes_that_are_no_text(bench, file):
    bench.change('kind = "final"\ncomponent = "x"', LEAST_SQUARES)
    (bench.folder / file).write_bytes(b"\x00\xff\xfe")
    output = refused(bench)
    assert len(output.strip().splitlines()) == 1
    assert file in output


def test_a_byte_order_mark_is_no_fault(bench):
    bench.change('kind = "final"\ncomponent = "x"', LEAST_SQUARES)
    for file in ("decay.toml", "decay.py", "data.csv"):
        path = bench.folder / file
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert bench.run().exit_code == 0


@pytest.mark.parametrize("content", [b"", b"no array"])
def test_a_damaged_array(bench, content):
    (bench.folder / "a.npy").write_bytes(content)
    bench.change('initial = "x0"', 'initial = { file = "a.npy" }')
    assert 'cannot read an array from "a.npy": not a .npy file of numbers' in refused(bench)


def test_a_temperature_is_converted_with_its_offset(bench):
    bench.change('value = 2.0\nunit = "mol/L"', 'value = "20 degC"\nunit = "kelvin"')
    bench.change('unit = "mol/L"', 'unit = "kelvin"')
    result = bench.run()
    assert result.exit_code == 0
    assert " 293.15 " in result.output


def test_a_single_objective_is_number_zero(bench):
    assert "objective.component: unknown state" in refused(bench, "--set", "objective.0.component=z")


def test_an_override_is_blamed_only_for_its_own_key(bench):
    bench.change("rtol = 1.0e-10", 'rtol = "small"')
    lines = refused(bench, "--set", "solver.rt=1").splitlines()
    assert sum(f"{bench.case}:{bench.line('small')}: solver.rtol" in line for line in lines) == 1
    assert sum("--set solver.rt=1: unknown key" in line for line in lines) == 1


def test_every_parameter_fixed(bench):
    for text in ("value = 0.5", "value = 2.0"):
        bench.change(text, f"{text}\nfixed = true")
    assert "nothing to differentiate" in refused(bench)


def test_a_folder_where_a_result_must_go(bench):
    (bench.folder / "out" / "decay.h5").mkdir(parents=True)
    result = bench.run()
    assert result.exit_code == 2
    assert "a folder is where a result must go" in result.output
    assert bench.written == ["decay.h5"]


def test_a_failed_run_leaves_the_results_of_another_alone(bench, monkeypatch):
    from solvers.studies import run

    def meanwhile(*arguments):
        (bench.folder / "out" / "other.h5").write_text("of another process")
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_examine", meanwhile)
    result = bench.run()
    assert result.exit_code == 130
    assert result.output == "interrupted; earlier results are as they were\n"
    assert bench.written == ["other.h5"]


def test_too_large_is_told_in_one_line(bench):
    result = bench.run("--set", "time.samples=100000000000000")
    assert result.exit_code == 1
    assert result.output.startswith("failed: not enough memory")
    assert bench.written == []


def test_a_run_does_not_keep_quiet_about_a_gradient_that_differs(bench):
    bench.change("[objective]", "[validate]\nrtol = 1.0e-300\n[objective]")
    result = bench.run()
    assert result.exit_code == 1
    assert "central differences" in result.output
    assert "FAILED" in result.output


def test_a_fault_of_a_model_is_found_from_its_own_folder(bench, monkeypatch):
    monkeypatch.chdir(bench.folder)
    bench.change("return -rate * y", "return -rate * y * missing", "decay.py")
    result = bench.invoke("run", "decay.toml")
    assert result.exit_code == 2
    assert result.output == "error: decay.py:5: rhs raised NameError: name 'missing' is not defined\n"


def test_a_model_imports_what_lies_beside_it(bench, monkeypatch, tmp_path):
    (bench.folder / "helper_of_decay.py").write_text("def slope(rate, y):\n    return -rate * y\n")
    bench.change("import numpy as np", "import numpy as np\nfrom helper_of_decay import slope", "decay.py")
    bench.change("return -rate * y", "return slope(rate, y)", "decay.py")
    before = list(sys.path)
    assert bench.run().exit_code == 0
    assert sys.path == before
    assert "helper_of_decay" not in sys.modules


@pytest.mark.parametrize("content", [b"[case", b"case = 3", b"\xff"])
def test_list_goes_on_after_a_file_that_is_no_case(bench, monkeypatch, content):
    folder = bench.folder / "cases"
    folder.mkdir()
    (folder / "a_broken_one.toml").write_bytes(content)
    monkeypatch.chdir(bench.folder)
    result = bench.invoke("list")
    assert result.exit_code == 2
    assert "robertson" in result.stdout
    assert "a_broken_one.toml" in result.output


def test_warnings_take_one_line(bench):
    usual = warnings.formatwarning
    bench.change("return -rate * y", "warnings.warn('a\\nb')\n    return -rate * y", "decay.py")
    bench.change("import numpy as np", "import warnings", "decay.py")
    with pytest.warns(UserWarning, match="a\nb"):
        bench.run()
    assert warnings.formatwarning is usual
    assert _warning("a\nb", UserWarning, "/x/model.py", 3) == "warning: /x/model.py:3: a b\n"
    assert _warning("a", UserWarning, solvers.cli.__file__, 3) == "warning: a\n"
