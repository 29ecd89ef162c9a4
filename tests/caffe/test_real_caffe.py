"""The cases of `layer_modes.py` on real Caffe and on ours, where BVLC's `caffe` can be imported."""

from __future__ import annotations

import faulthandler
import importlib
import os

import numpy as np
import pytest

import dgnam.caffe
from dgnam.errors import CaffeError
from tests.caffe.golden import error
from tests.caffe.layer_case import TEST, TRAIN, Case, compute, normal, positive
from tests.caffe.layer_modes import CASES, REFUSED

FORWARD, GRADIENT = 1e-5, 1e-4


@pytest.fixture(scope="module")
def real():
    with pytest.MonkeyPatch.context() as patch:
        # Read as it is imported, and not left to the trainings that other tests start and read the log of.
        patch.setenv("GLOG_minloglevel", os.environ.get("GLOG_minloglevel", "2"))  # noqa: SIM112  (its own spelling)
        # Not "caffe" alone: a test may have put this folder's parent on the path, and this folder has that name.
        pytest.importorskip("caffe._caffe", reason="needs BVLC's Caffe with its Python interface")
        caffe = importlib.import_module("caffe")
    if caffe.Net is dgnam.caffe.Net:
        pytest.skip("needs BVLC's Caffe, and `caffe` is an alias of dgnam.caffe here")
    caffe.set_mode_cpu()
    return caffe


@pytest.fixture
def both(real, tmp_path):
    def run(name: str, case: Case):
        return [compute(caffe, name, case, tmp_path / "net.prototxt") for caffe in (dgnam.caffe, real)]

    return run


@pytest.mark.parametrize("name", CASES)
def test_numbers(name, both):
    ours, theirs = both(name, CASES[name])
    assert ours.outputs == theirs.outputs
    assert list(ours.blobs) == list(theirs.blobs)
    assert worst(ours.blobs, theirs.blobs) <= FORWARD
    assert worst(ours.params_after, theirs.params_after) <= FORWARD
    assert worst(ours.bottom_diffs, theirs.bottom_diffs) <= GRADIENT
    assert worst(ours.param_diffs, theirs.param_diffs) <= GRADIENT


def worst(ours, theirs) -> float:
    """The largest error among arrays, or lists of arrays, by name."""
    assert ours.keys() == theirs.keys()
    pairs = [
        pair
        for name, them in theirs.items()
        for pair in (zip(ours[name], them, strict=True) if isinstance(them, list) else [(ours[name], them)])
    ]
    return max((error(us, them) for us, them in pairs), default=0.0)


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name, real, tmp_path):
    _, case = REFUSED[name]
    assert not survives(lambda: compute(real, name, case, tmp_path / "net.prototxt"))
    with pytest.raises(CaffeError):
        compute(dgnam.caffe, name, case, tmp_path / "net.prototxt")


def survives(work) -> bool:
    """Whether a child process comes through `work`; real Caffe aborts its process where a check fails."""
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "filler",
    [
        'type: "uniform" min: -1 max: 3',
        'type: "gaussian" mean: 2 std: 3',
        'type: "gaussian" std: 1 sparse: 50',
        'type: "positive_unitball"',
        *(f'type: "{kind}" variance_norm: {norm}' for kind in ("xavier", "msra") for norm in ("FAN_OUT", "AVERAGE")),
        'type: "xavier"',
        'type: "msra"',
        'type: "bilinear"',
    ],
)
def test_fillers_have_one_distribution(filler, real, tmp_path):
    """Mean, deviation and share of zeros of 25,600 weights."""
    options = f"convolution_param {{ num_output: 400 kernel_size: 4 weight_filler {{ {filler} }} }}"
    file = tmp_path / "net.prototxt"
    file.write_text(Case("Convolution", options, {"x": normal(1, 4, 5, 5)}).prototxt)
    ours, theirs = (caffe.Net(str(file), TEST).params["l"][0].data for caffe in (dgnam.caffe, real))
    spread = theirs.std() / np.sqrt(theirs.size)
    assert abs(ours.mean() - theirs.mean()) <= 6 * spread
    assert ours.std() == pytest.approx(theirs.std(), rel=0.04)
    assert (ours == 0).mean() == pytest.approx((theirs == 0).mean(), abs=0.02)


def test_dropout_in_train_has_one_distribution(real, tmp_path):
    """The values that are let through, and how many."""
    case = Case("Dropout", "dropout_param { dropout_ratio: 0.3 }", {"x": positive(1000)}, phase=TRAIN)
    for caffe in (dgnam.caffe, real):
        result = compute(caffe, "dropout", case, tmp_path / "net.prototxt")
        through = result.blobs["y"] != 0
        assert through.mean() == pytest.approx(0.7, abs=0.06)
        for out, source in ((result.blobs["y"], result.inputs["x"]), (result.bottom_diffs["x"], result.top_diffs["y"])):
            assert np.allclose(out, np.where(through, source / 0.7, 0), rtol=1e-6)


def test_both_live_in_one_process(real):
    assert importlib.import_module("caffe") is real
    assert real.Net is not dgnam.caffe.Net
