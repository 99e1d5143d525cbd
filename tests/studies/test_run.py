"""``diffsci run``: what it prints and what it leaves on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from solvers.studies.output import appearing_in

REFERENCE = """
[[validate.reference]]
value = {value}
gradient = {{ rate = {slope} }}
rtol = 1.0e-7
source = "closed form"
"""
VALUE = 2.0 * np.exp(-1.0)  # x0 exp(-rate t) at t = 2
SLOPES = {"rate": -2.0 * VALUE, "x0": np.exp(-1.0)}


def test_tables_and_files(bench):
    result = bench.run()
    assert result.exit_code == 0, result.output
    assert bench.written == ["decay.h5", "gradient.png", "trajectories.png", "vcurve.png"]
    row = next(line.split() for line in result.output.splitlines() if line.strip().startswith("rate"))
    assert row[:3] == ["rate", "0.5", "1/s"]
    np.testing.assert_allclose([float(row[3]), float(row[5])], SLOPES["rate"], rtol=1e-7)
    np.testing.assert_allclose(float(row[4]), -1.0, rtol=1e-3)  # elasticity
    assert float(row[6]) >= 9  # digits on frozen steps


def test_the_file_describes_itself(bench):
    assert bench.run("--set", "solver.rtol=1e-11").exit_code == 0
    with h5py.File(bench.folder / "out" / "decay.h5") as file:
        assert file.attrs["format"] == "diffsci study"
        assert file["inputs/config"].asstr()[()] == bench.case.read_text()
        assert file["inputs/model"].asstr()[()] == (bench.folder / "decay.py").read_text()
        assert list(file["inputs"].attrs["overrides"]) == ["solver.rtol=1e-11"]
        assert file["inputs/solver"].attrs["rtol"] == 1e-11
        assert file["provenance"].attrs["version_numpy"] == np.__version__
        assert file["trajectory/t"].attrs["unit"] == "s"
        assert file["trajectory/x"].attrs["unit"] == "mol/L"
        np.testing.assert_allclose(
            file["trajectory/x"], 2.0 * np.exp(-0.5 * file["trajectory/t"][()]), rtol=1e-8
        )
        objective = file["objectives/final x"]
        np.testing.assert_allclose(objective["value"], VALUE, rtol=1e-8)
        for name, slope in SLOPES.items():
            np.testing.assert_allclose(objective[f"gradient/{name}"], slope, rtol=1e-8)
        assert objective["gradient/rate"].attrs["unit"] == "mole * second / liter"
        assert set(objective["v_curves"]) == {"rate", "x0"}
        assert len(objective["finite_differences"]) == 2


OBJECTIVES = {
    "final": ('kind = "final"\ncomponent = "x"', VALUE, SLOPES["rate"]),
    "integral of a state": (
        'kind = "integral"\ncomponent = "x"',
        4.0 * (1 - np.exp(-1.0)),
        4.0 * np.exp(-1.0) * 2.0 - 8.0 * (1 - np.exp(-1.0)),
    ),
    "integral of a function": (
        'kind = "integral"\nfunction = "stored"',
        4.0 * (1 - np.exp(-2.0)),
        8.0 * 2.0 * np.exp(-2.0) - 8.0 * (1 - np.exp(-2.0)),
    ),
    "function": (
        'kind = "function"\nfunction = "misfit"\ntimes = [1.0, 2.0]',
        4.0 * (np.exp(-1.0) + np.exp(-2.0)),
        -4.0 * (2.0 * np.exp(-1.0) + 4.0 * np.exp(-2.0)),
    ),
    "a shorter horizon": (
        'kind = "final"\ncomponent = "x"\nend = "1 s"',
        2.0 * np.exp(-0.5),
        -2.0 * np.exp(-0.5),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_against_closed_forms(bench, name):
    text, value, slope = OBJECTIVES[name]
    bench.change('kind = "final"\ncomponent = "x"', text)
    result = bench.run()
    assert result.exit_code == 0, result.output
    with h5py.File(bench.folder / "out" / "decay.h5") as file:
        (objective,) = file["objectives"].values()
        np.testing.assert_allclose(objective["value"], value, rtol=1e-7)
        np.testing.assert_allclose(objective["gradient/rate"], slope, rtol=1e-7)


@pytest.mark.parametrize("noise", ["normal", "lognormal"])
def test_least_squares_against_closed_forms(bench, noise):
    bench.change(
        'kind = "final"\ncomponent = "x"',
        f'kind = "least_squares"\ndata = "data.csv"\ncolumns = {{ x = "x" }}\nnoise = "{noise}"\nsigma = 0.5',
    )
    assert bench.run().exit_code == 0
    times, data = np.array([0.5, 1.0, 2.0]), np.array([1.5, 1.3, 0.7])
    model = 2.0 * np.exp(-0.5 * times)
    residual, slope = model - data, -times * model
    if noise == "lognormal":
        residual, slope = np.log(model / data), -times
    with h5py.File(bench.folder / "out" / "decay.h5") as file:
        (objective,) = file["objectives"].values()
        np.testing.assert_allclose(objective["value"], 2.0 * np.sum(residual**2), rtol=1e-7)
        np.testing.assert_allclose(objective["gradient/rate"], 4.0 * np.sum(residual * slope), rtol=1e-7)


def test_published_values_decide_the_exit_code(bench):
    original = bench.case.read_text()
    bench.case.write_text(original + REFERENCE.format(value=VALUE, slope=SLOPES["rate"]))
    assert bench.run().exit_code == 0
    bench.case.write_text(original + REFERENCE.format(value=VALUE, slope=1.001 * SLOPES["rate"]))
    result = bench.run()
    assert result.exit_code == 1
    assert "FAILED" in result.output


def test_a_parameter_that_is_not_used_is_pointed_out(bench):
    bench.change("[parameters.x0]", "[parameters.idle]\nvalue = 1.0\n[parameters.x0]")
    result = bench.run()
    assert result.exit_code == 0, result.output
    assert "idle is not used by final x" in result.output


def test_a_simulation_that_fails_says_when_and_where(bench):
    bench.change("return -rate * y", "return rate * y**2 * 10.0", "decay.py")  # infinite at t = 0.1
    result = bench.run()
    assert result.exit_code == 1
    assert "failed: the simulation failed" in result.output
    assert "t = 0.1" in result.output
    assert "'x'" in result.output
    assert bench.written == []


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_model_that_turns_into_nan_is_bad_input(bench):
    bench.change("return -rate * y", "return -rate * y * np.sqrt(1.0 - t)", "decay.py")
    result = bench.run()
    assert result.exit_code == 2, result.output
    assert f"decay.py:{bench.line('def rhs', 'decay.py')}: the simulation failed" in result.output
    assert "not finite" in result.output
    assert "'x'" in result.output
    assert bench.written == []


def test_calibration_finds_the_parameters_that_made_the_data(bench):
    times = np.array([0.25, 0.5, 1.0, 1.5, 2.0])
    rows = (
        "\n".join(f"{t},{3.0 * np.exp(-0.8 * t)!r}" for t in times.tolist())
        .replace("np.float64(", "")
        .replace(")", "")
    )
    (bench.folder / "data.csv").write_text(f"time,x\n{rows}\n")
    bench.change(
        'kind = "final"\ncomponent = "x"',
        'kind = "least_squares"\ndata = "data.csv"\ncolumns = { x = "x" }\nsigma = 0.1\n'
        "[calibrate]\nstart = { rate = 0.1, x0 = 1.0 }\n"
        '[calibrate.expect]\nparameters = { rate = 0.8, x0 = 3.0 }\nrtol = 1.0e-4\nsource = "made so"',
    )
    result = bench.run()
    assert result.exit_code == 0, result.output
    assert "converged" in result.output
    assert "calibration.png" in bench.written
    with h5py.File(bench.folder / "out" / "decay.h5") as file:
        np.testing.assert_allclose(file["calibration/fitted/rate"], 0.8, rtol=1e-4)
        assert file["calibration/fitted/rate"].attrs["start"] == 0.1


def test_fields_are_probed_and_drawn(bench):
    (bench.folder / "decay.py").write_text(
        "import numpy as np\n\n\ndef rhs(t, y, rate):\n"
        "    return 0.1 * (np.roll(y, 1, 0) - 2.0 * y + np.roll(y, -1, 0)) - rate * y\n\n\n"
        "def start():\n    return np.exp(-((np.arange(24.0).reshape(6, 4) - 9.0) ** 2) / 30.0)\n\n\n"
        "def misfit(sol):\n    return np.sum(sol.y[..., -1] ** 2)\n"
    )
    bench.change("value = 2.0", 'value = { function = "start" }')
    bench.change('kind = "final"\ncomponent = "x"', 'kind = "function"\nfunction = "misfit"')
    result = bench.run()
    assert result.exit_code == 0, result.output
    assert bench.written == ["decay.h5", "fields.png", "gradient.png", "vcurve.png"]
    rows = [
        line.split() for line in result.output.splitlines() if "random direction" in line or " x0[" in line
    ]
    assert len(rows) == 5
    assert all(float(row[-1]) >= 6 for row in rows)


def test_an_interruption_leaves_earlier_results(tmp_path):
    (tmp_path / "result.txt").write_text("earlier")

    def interrupted(folder):
        with appearing_in(folder) as scratch:
            (scratch / "result.txt").write_text("half")
            raise KeyboardInterrupt

    for folder in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(KeyboardInterrupt):
            interrupted(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]
    assert (tmp_path / "result.txt").read_text() == "earlier"


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_control_c_is_one_line_and_code_130(bench):
    bench.change(
        "import numpy as np",
        "import time\n\nimport numpy as np\n\nprint('begun', flush=True)\ntime.sleep(30)",
        "decay.py",
    )
    command = [sys.executable, "-m", "diffsci", "run", str(bench.case), "-o", str(bench.folder / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "interrupted; earlier results are as they were\n"
    assert bench.written == []


def test_results_that_cannot_be_written_are_bad_input(bench):
    (bench.folder / "file").write_text("")
    result = bench.invoke("run", str(bench.case), "-o", str(bench.folder / "file" / "out"))
    assert result.exit_code == 2
    assert "cannot write results here" in result.output


def test_states_of_different_units_name_them_in_the_legend(bench):
    from solvers.studies.find import find_case
    from solvers.studies.load import load_case
    from solvers.studies.plots import _trajectories
    from solvers.studies.run import run_study

    bench.change("[parameters.rate]", '[states.z]\ninitial = 1.0\nunit = "kelvin"\n[parameters.rate]')
    axes = _trajectories(*run_study(load_case(find_case(str(bench.case))))).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x (mol/L)", "z (K)"]
    assert axes.get_ylabel() == "state"
    bench.change('"kelvin"', '"mol/L"')
    axes = _trajectories(*run_study(load_case(find_case(str(bench.case))))).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "z"]
    assert axes.get_ylabel() == "state (mol/L)"


def test_every_number_of_the_file_carries_its_unit(bench):
    import h5py

    bench.change("[objective]", "[calibrate]\nstart = { rate = 1.0 }\n[objective]")
    bench.run()
    with h5py.File(bench.folder / "out" / "decay.h5") as file:
        bare = []
        file.visititems(
            lambda name, item: (
                bare.append(name)
                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "unit" not in item.attrs
                else None
            )
        )
        assert bare == []
        assert list(file["inputs/parameters/rate"].attrs["bounds"]) == [0.0, 10.0]
        rows = file["objectives/final x/finite_differences"][:]
        assert [row["unit"].decode() for row in rows] == ["mole * second / liter", "dimensionless"]
