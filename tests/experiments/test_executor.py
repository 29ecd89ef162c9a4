"""An experiment whose steps a cluster makes, which is played in this process."""

import pytest

from dgnam import experiments
from dgnam.runs.executor import RayExecutor, ray_dispatch
from dgnam.runs.index import read_summary

pytest.importorskip("ray", reason="needs the extra dgnam[ray]")

from tests.runs.executor.fake_ray import FakeRay


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "events.jsonl"
    }


@pytest.mark.slow
@pytest.mark.exhaustive
def test_its_folder_is_that_of_a_local_run(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_dispatch, "TURN", 0.01)
    cluster = FakeRay(a=(1, 0), b=(1, 0))
    monkeypatch.setattr(RayExecutor, "ray", cluster)
    how = {"scale": "smoke", "units": [3, 7], "progress": False}
    experiments.reproduce("fig1", **how, folder=tmp_path / "local")
    experiments.reproduce("fig1", **how, folder=tmp_path / "ray", executor="ray")
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    assert read_summary(tmp_path / "ray").executor == "ray"
    assert read_summary(tmp_path / "ray/pixels").executor == "ray"
    assert len(cluster.actors) <= 2  # they stay from step to step
    assert all(actor.dead for actor in cluster.actors)
