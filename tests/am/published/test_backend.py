"""The backends of the published loop, on the small models; BVLC's own if it can be imported."""

import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import dgnam.caffe
from dgnam import zoo
from dgnam.am import (
    CaffeTarget,
    GeneratorPrior,
    Job,
    Stop,
    Unit,
    act_range_bounds,
    find_backend,
    gather,
    one_by_one,
    open_net,
    random_code,
    released,
    synthesize,
)
from dgnam.am.published import loop
from dgnam.am.published.backend import backend_name, real_caffe
from dgnam.caffe.proto import read_caffemodel
from dgnam.errors import DgnamError

JOBS = [Job(Unit("fc8", unit), seed, released(n_iters=4)) for unit, seed in ((0, 0), (90, 1))]


def bounds():
    return act_range_bounds(zoo.get("deepsim-fc6-mini").act_range())


def mini_nets(backend):
    entries = zoo.get("caffenet-mini"), zoo.get("deepsim-fc6-mini")
    return [open_net(backend, entry.prototxt, entry.weights_path()) for entry in entries]


def test_bvlcs_caffe_gets_a_state_dict_as_a_caffemodel(tmp_path):
    entry = zoo.get("caffenet-mini")
    torch.save(zoo.load("caffenet-mini").state_dict(), tmp_path / "net.pt")
    seen = []
    stand_in = ModuleType("caffe")
    stand_in.TEST, stand_in.set_mode_cpu = 1, lambda: None
    stand_in.Net = lambda prototxt, phase, weights: seen.append(read_caffemodel(weights))
    open_net(stand_in, entry.prototxt, tmp_path / "net.pt")
    expected = zoo.load("caffenet-mini").weights()
    assert all(np.array_equal(a, b) for n, w in expected.items() for a, b in zip(w, seen[0][n], strict=True))


@pytest.fixture(scope="module")
def bvlc() -> ModuleType:
    try:
        return real_caffe()
    except ImportError as error:
        pytest.skip(f"BVLC's caffe can't be imported: {error}")


class TestFinding:
    def test_ours(self):
        assert find_backend("dgnam") is dgnam.caffe
        assert backend_name(dgnam.caffe) == "dgnam"

    def test_an_unknown_one(self):
        with pytest.raises(DgnamError, match="backend 'cafe': give one of caffe"):
            find_backend("cafe")

    def test_auto_prefers_bvlcs(self, monkeypatch):
        stand_in = ModuleType("caffe")
        stand_in.Net = SimpleNamespace
        monkeypatch.setitem(sys.modules, "caffe", stand_in)
        assert find_backend("auto") is find_backend("caffe") is stand_in
        assert backend_name(stand_in) == "caffe"

    @pytest.mark.parametrize(("asked", "seen"), [(None, "2"), ("0", "0")])
    def test_bvlcs_logs_errors_alone_unless_asked(self, monkeypatch, tmp_path, asked, seen):
        (tmp_path / "caffe.py").write_text("import os\nNet, seen = object, os.environ['GLOG_minloglevel']\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "caffe", raising=False)
        if asked is None:
            monkeypatch.delenv("GLOG_minloglevel", raising=False)
        else:
            monkeypatch.setenv("GLOG_minloglevel", asked)
        assert find_backend("caffe").seen == seen
        assert ("GLOG_minloglevel" in os.environ) == (asked is not None)
        del sys.modules["caffe"]

    @pytest.mark.parametrize("served", [None, dgnam.caffe, ModuleType("caffe")])
    def test_without_bvlcs(self, monkeypatch, served):
        """Nothing there, `import caffe` served by dgnam.caffe, and another package of that name."""
        monkeypatch.setitem(sys.modules, "caffe", served)
        assert find_backend("auto") is dgnam.caffe
        with pytest.raises(DgnamError, match="backend 'caffe': BVLC's caffe cannot be imported here"):
            find_backend("caffe")


def test_one_by_one_is_the_batch_loop():
    """The first step from the same codes agrees; later ones go apart where float noise flips a ReLU or a maximum."""
    jobs = [Job(job.unit, job.seed, released(n_iters=1)) for job in JOBS]
    ours = one_by_one(*mini_nets(dgnam.caffe), jobs, clip=bounds(), progress=False)
    target, prior = CaffeTarget(zoo.load("caffenet-mini")), GeneratorPrior(zoo.load("deepsim-fc6-mini"))
    batch = gather(synthesize(target, prior, jobs, clip=bounds(), progress=False))
    assert ours.indices == batch.indices
    assert np.allclose(ours.images, batch.images, atol=1e-3)
    assert np.allclose(ours.activations, batch.activations, rtol=1e-4)
    assert np.abs(ours.codes - batch.codes).max() / np.abs(batch.codes).max() < 6e-3
    assert ours.steps.tolist() == batch.steps.tolist() == [1, 1]


def test_one_by_one_records_what_the_loop_gives():
    target, generator = mini_nets(dgnam.caffe)
    result = one_by_one(target, generator, JOBS, clip=bounds(), progress=False)
    job = JOBS[1]
    trace = loop.synthesize(target, generator, job.unit, random_code(job.seed, (1, 384)), job.settings, clip=bounds())
    assert np.array_equal(result.codes[1], trace.codes[-1])
    assert np.array_equal(result.images[1], trace.image[0])
    assert np.array_equal(result.activations[1], trace.activations.astype(np.float32))


def test_a_job_that_stops_early_leaves_nan(linear_target, linear_generator):
    linear_target.gradient = 0.0
    result = one_by_one(linear_target, linear_generator, JOBS[:1] * 2, clip=None, progress=False)
    assert result.activations.shape == (2, 1)
    assert result.steps.tolist() == [1, 1]
    assert result.stopped.tolist() == [Stop.ZERO_GRADIENT] * 2


def test_bvlcs_backend_takes_the_same_step(bvlc):
    """Both backends in one process: each step of ours from the code that BVLC's stood at."""
    theirs, ours = mini_nets(bvlc), mini_nets(dgnam.caffe)
    job, clip = JOBS[0], bounds()
    code = random_code(job.seed, (1, 384))
    errors = []
    for i in range(6):
        options = job.unit, code, released().step_size(i), job.settings.regularizer, clip
        real, own = loop.advance(*theirs, *options), loop.advance(*ours, *options)
        assert np.abs(own.image - real.image).max() / np.abs(real.image).max() < 1e-5
        assert own.activation == pytest.approx(real.activation, rel=1e-4)
        errors.append(np.abs(own.code - real.code).max() / np.abs(real.code).max())
        code = real.code
    assert min(errors) < 2e-5, errors
    assert max(errors) < 3e-2, errors


def test_the_backends_mix(bvlc):
    """A target of one backend behind a generator of the other."""
    (target, _), (_, generator) = mini_nets(bvlc), mini_nets(dgnam.caffe)
    mixed = one_by_one(target, generator, JOBS[:1], clip=bounds(), progress=False)
    assert mixed.images.shape == (1, 3, 56, 56)
    assert np.isfinite(mixed.activations).all()
