"""ADBench's own fixtures: values and derivatives of its four objectives, by its metric.

The expected numbers are those of https://github.com/microsoft/ADBench (MIT licence), test/cpp.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import diffsci as ds
from benchmarks.adbench import bundle, gmm, hand, lstm

DATA = Path(__file__).resolve().parents[2] / "benchmarks" / "data" / "adbench"
EXPECTED = json.loads((DATA / "adbench_fixtures.json").read_text())
TOLERANCE = 1e-11


def distance(found, expected):
    """ADBench's metric, the largest of ``|x - y| / max(1, |x| + |y|)``."""
    x, y = np.ravel(found), np.ravel(expected)
    assert x.shape == y.shape
    return np.max(np.abs(x - y) / np.maximum(1.0, np.abs(x) + np.abs(y)))


@pytest.fixture(params=[lambda f: f, ds.jit], ids=["eager", "compiled"])
def run(request):
    return request.param


def test_gmm(run):
    mixture = gmm.read(DATA / "gmm_test.txt")
    value, gradient = run(ds.value_and_grad(gmm.objective, argnums=(0, 1, 2)))(*mixture)
    assert distance(value, EXPECTED["gmm_test"]["F"]) < TOLERANCE
    assert distance(np.concatenate([g.ravel() for g in gradient]), EXPECTED["gmm_test"]["J"]) < TOLERANCE


def test_bundle_adjustment(run):
    scene = bundle.read(DATA / "ba_test.txt")
    expected = EXPECTED["ba_test"]
    errors = bundle.residuals(*scene)
    assert distance(errors, expected["reproj_err"] + expected["w_err"]) < TOLERANCE
    blocks = run(ds.jacobian(bundle.residuals, argnums=(0, 1, 2)))(*scene)
    rows = np.concatenate([block.reshape(len(errors), -1) for block in blocks], axis=1)
    assert list(rows.shape) == expected["shape"]
    n, m, p = len(scene.cameras), len(scene.points), len(scene.weights)
    entries = []
    for k, (camera, point) in enumerate(scene.seen):
        columns = [11 * camera + np.arange(11), 11 * n + 3 * point + np.arange(3), [11 * n + 3 * m + k]]
        entries += [rows[2 * k + axis, np.concatenate(columns)] for axis in range(2)]
    entries += [rows[2 * p + k, [11 * n + 3 * m + k]] for k in range(p)]
    assert distance(np.concatenate(entries), expected["vals"]) < TOLERANCE
    assert np.count_nonzero(rows) <= len(expected["vals"])


def test_bundle_adjustment_in_blocks(run):
    rng = np.random.default_rng(0)
    scene = bundle.read(DATA / "ba_test.txt")
    cameras = scene.cameras * rng.uniform(0.9, 1.1, scene.cameras.shape)
    cameras[1, :3] = 0.0  # no rotation: another branch
    seen = scene.seen[scene.seen[:, 0] != 1]
    arrays = (
        cameras[seen[:, 0]],
        scene.points[seen[:, 1]],
        scene.weights[: len(seen)],
        scene.features[: len(seen)],
    )
    block = ds.jacobian(bundle.reprojection_error, argnums=(0, 1, 2))
    together = run(ds.vmap(block))(*arrays)
    for k, one in enumerate(zip(*arrays, strict=True)):
        for found, expected in zip(together, block(*one), strict=True):
            assert distance(found[k], expected) < TOLERANCE


def test_lstm():
    model = lstm.read(DATA / "lstm_l2_c1024.txt")
    value, gradient = ds.value_and_grad(lstm.objective, argnums=(0, 1))(*model)
    assert distance(value, EXPECTED["lstm_l2_c1024"]["F"]) < 1e-8  # printed with eight digits
    assert distance(np.concatenate([g.ravel() for g in gradient]), EXPECTED["lstm_l2_c1024"]["J"]) < TOLERANCE


def test_lstm_compiled_on_a_short_sequence():
    model = lstm.read(DATA / "lstm_l2_c1024.txt")
    short = model._replace(sequence=model.sequence[:6])
    eager = ds.value_and_grad(lstm.objective, argnums=(0, 1))(*short)
    value, gradient = ds.jit(ds.value_and_grad(lstm.objective, argnums=(0, 1)))(*short)
    assert distance(value, eager[0]) < TOLERANCE
    assert all(distance(a, b) < TOLERANCE for a, b in zip(gradient, eager[1], strict=True))


@pytest.mark.slow
def test_lstm_compiled():
    model = lstm.read(DATA / "lstm_l2_c1024.txt")
    value, gradient = ds.jit(ds.value_and_grad(lstm.objective, argnums=(0, 1)))(*model)
    assert distance(value, EXPECTED["lstm_l2_c1024"]["F"]) < 1e-8  # printed with eight digits
    assert distance(np.concatenate([g.ravel() for g in gradient]), EXPECTED["lstm_l2_c1024"]["J"]) < TOLERANCE


def test_hand_simple(run):
    model = hand.read_hand(DATA / "hand")
    measured = hand.read_measured(DATA / "hand_test.txt", barycentric=False)
    assert distance(hand.simple(measured.theta, model, measured), EXPECTED["hand_simple"]["F"]) < TOLERANCE
    rows = run(ds.jacobian(hand.simple))(measured.theta, model, measured)
    assert distance(rows, EXPECTED["hand_simple"]["J"]) < TOLERANCE


def test_hand_complicated(run):
    model = hand.read_hand(DATA / "hand")
    measured = hand.read_measured(DATA / "hand_complicated.txt", barycentric=True)
    errors = hand.complicated(measured.us, measured.theta, model, measured)
    assert distance(errors, EXPECTED["hand_complicated"]["F"]) < TOLERANCE
    by_us, by_theta = run(ds.jacobian(hand.complicated, argnums=(0, 1)))(
        measured.us, measured.theta, model, measured
    )
    own = [by_us[3 * k : 3 * k + 3, k] for k in range(len(measured.us))]  # a point has its own two
    rows = np.concatenate([np.concatenate(own), by_theta], axis=1)
    assert distance(rows, EXPECTED["hand_complicated"]["J"]) < TOLERANCE
