"""Each task that an executor makes chunks for leaves the same folder on a cluster as in this process.

The cluster is played (see `tests/runs/executor/fake_ray.py`), and loses one of its three machines in the middle.
"""

from importlib import import_module

import numpy as np
import pytest
from PIL import Image

import dgnam
from dgnam.api.priors import open_prior
from dgnam.api.targets import open_target
from dgnam.errors import ChunksFailedError, DgnamError
from dgnam.runs.executor import RayExecutor, ray_dispatch

cloudpickle = pytest.importorskip("ray.cloudpickle", reason="needs the extra dgnam[ray]")

from tests.runs.executor.fake_ray import FakeRay  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def cluster(monkeypatch):
    """Three machines, of which the one that begins chunk 00002 is lost at that."""
    monkeypatch.setattr(ray_dispatch, "TURN", 0.01)
    fake = FakeRay(a=(1, 0), b=(1, 0), c=(1, 0))
    fake.deaths["00002"] = ["node"]
    monkeypatch.setattr(RayExecutor, "ray", fake)
    return fake


@pytest.fixture
def nets(tiny_nets):
    """The tiny nets as arguments."""
    return {
        "target": tiny_nets / "target.prototxt",
        "weights": tiny_nets / "target.h5",
        "prior": str(tiny_nets / "generator.prototxt"),
        "prior_weights": tiny_nets / "generator.h5",
        "clip": "none",
        "progress": False,
    }


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "events.jsonl"
    }


def check_same(function, how, tmp_path, cluster, resumed=True):
    """The task on a cluster and here, and, with `resumed`, a lost chunk of either made again on the other."""
    function(**how, folder=tmp_path / "local")
    function(**how, folder=tmp_path / "ray", executor="ray")
    whole = content(tmp_path / "local")
    assert content(tmp_path / "ray") == whole
    assert len(cluster.machines) == 2
    for before, after in (("ray", "local"), ("local", "ray")) if resumed else ():
        (tmp_path / before / "chunks" / sorted(path for path in whole if path.startswith("chunks/"))[0][7:]).unlink()
        function(**how, folder=tmp_path / before, executor=after, resume=True)
        assert content(tmp_path / before) == whole


def test_a_sweep(nets, tmp_path, cluster):
    how = {**nets, "objective": ["fc8:3", "conv5:2"], "n_iters": 3, "start_lr": [1.0, 4.0], "seeds": 2, "batch_size": 3}
    check_same(dgnam.visualize, {**how, "movies": ("gif",), "every": 1}, tmp_path, cluster)


def test_a_sweep_by_the_published_loop(tmp_path, cluster):
    how = {"target": "caffenet-mini", "objective": "fc8:3", "backend": "dgnam", "n_iters": 1, "seeds": 4}
    dgnam.visualize(**how, folder=tmp_path / "local", progress=False)
    dgnam.visualize(**how, folder=tmp_path / "ray", progress=False, executor="ray")
    assert content(tmp_path / "ray") == content(tmp_path / "local")


@pytest.mark.parametrize("sampler", ["random", pytest.param("tpe", marks=pytest.mark.exhaustive)])
def test_a_tuning(nets, tmp_path, cluster, monkeypatch, published_in_two_steps, sampler):
    (tmp_path / "own_score.py").write_text("def score(images, objectives):\n    return images.mean((1, 2, 3))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    how = {**nets, "objective": "fc8:0-2", "report_on": "fc8:5", "score": "own_score:score", "n_iters": (1, 3)}
    how |= {"trials": 4, "sampler": sampler, "show": 1}
    check_same(dgnam.tune, how, tmp_path, cluster, resumed=False)


def test_an_act_range(nets, tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(import_module("dgnam.api.act_range"), "BLOCK", 4)
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(1)
    for number in range(22):
        Image.fromarray(draw.integers(0, 255, (28, 28, 3), np.uint8)).save(folder / f"{number:02d}.png")
    (folder / "05.png").write_bytes(b"no picture")
    how = {"encoder": nets["target"], "weights": nets["weights"], "layer": "conv5", "skip_broken": True}
    how |= {"images": str(folder), "batch_size": 2, "progress": False}
    dgnam.act_range(**how, folder=tmp_path / "local")
    dgnam.act_range(**how, folder=tmp_path / "ray", executor="ray")
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    assert len(cluster.machines) == 2


def test_models_opened_here_are_opened_again_there(nets, tmp_path, cluster):
    target = open_target(nets["target"], weights=nets["weights"])
    again = cloudpickle.loads(cloudpickle.dumps(target))
    assert again.record == target.record
    prior = open_prior(nets["prior"], (28, 28), weights=nets["prior_weights"])
    how = {"objective": "fc8:3", "n_iters": 2, "seeds": 6, "batch_size": 2, "clip": "none", "progress": False}
    dgnam.visualize(target, prior=prior, **how, folder=tmp_path / "local")
    dgnam.visualize(target, prior=prior, **how, folder=tmp_path / "ray", executor="ray")
    assert content(tmp_path / "ray") == content(tmp_path / "local")


def test_a_worker_with_other_weights_makes_nothing(nets, tmp_path, cluster, monkeypatch):
    visualize = import_module("dgnam.api.visualize")
    planned = visualize.planned

    def other(given, begun=None):
        plan, outputs, record = planned(given)
        if "folder" not in given:  # as a worker has it
            record.inputs["target"]["files"] = {"target.h5": "0" * 64}
        return plan, outputs, record

    monkeypatch.setattr(visualize, "planned", other)
    with pytest.raises(DgnamError, match=r"no worker can be started: .*cannot make chunks of the run: target"):
        dgnam.visualize(**nets, objective="fc8:3", n_iters=2, folder=tmp_path / "run", executor=RayExecutor(retries=0))


def test_the_others_are_made_where_a_chunk_fails(nets, tmp_path, cluster):
    cluster.deaths = {"00001": ["a segmentation fault"] * 9}
    how = {**nets, "objective": "fc8:3", "n_iters": 2, "seeds": 6, "batch_size": 2, "folder": tmp_path / "run"}
    with pytest.raises(ChunksFailedError, match=r"chunk 00001: its worker died: a segmentation fault \(3 tries\)"):
        dgnam.visualize(**how, executor=RayExecutor(retries=2))
    assert dgnam.runs.Run.open(tmp_path / "run").names() == ["00000", "00002"]
    assert not (tmp_path / "run/summary.csv").exists()
    assert len(dgnam.visualize(**how, resume=True)) == 6
    dgnam.visualize(**{**how, "folder": tmp_path / "whole"})
    assert content(tmp_path / "run") == content(tmp_path / "whole")


def test_a_run_in_memory_has_no_executor(nets):
    with pytest.raises(DgnamError, match="executor 'ray' needs a folder for the run"):
        dgnam.visualize(**nets, objective="fc8:3", executor="ray")


def test_the_record_does_not_tell_who_made_it(nets, tmp_path, cluster):
    dgnam.visualize(**nets, objective="fc8:3", n_iters=1, folder=tmp_path / "run", executor="ray")
    assert "executor" not in (tmp_path / "run/run.json").read_text()
    assert '"executor": "ray"' in (tmp_path / "run/events.jsonl").read_text()
