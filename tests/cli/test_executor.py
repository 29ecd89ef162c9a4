"""`--executor`, `--store` and `--retries`: what commands say of a run on a cluster, which is played in this process."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer.main

from dgnam.cli import app as cli
from dgnam.runs.executor import RayExecutor, ray_dispatch
from dgnam.runs.interrupt import INCOMPLETE

pytest.importorskip("ray", reason="needs the extra dgnam[ray]")

from tests.runs.executor.fake_ray import FakeRay

PAGE = Path(__file__).parents[2] / "dgnam/runs/README.md"


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ray_dispatch, "TURN", 0.01)
    fake = FakeRay(a=(1, 0), b=(1, 0))
    monkeypatch.setattr(RayExecutor, "ray", fake)
    return fake


@pytest.fixture
def dgnam(monkeypatch, capsys):
    """A command's exit status, output and errors."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, words)])
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_chunk_fails_and_is_resumed(options, cluster, dgnam):
    cluster.deaths["00001"] = ["a segmentation fault"] * 2
    command = ["sweep", options[0], "fc8:3", *options[1:], "--clip", "none", "--n-iters", 2, "--seeds", 6]
    command += ["--batch-size", 2, "--name", "x", "-q", "--executor", "ray", "--retries", 1, "--store", "store"]
    status, _, said = dgnam(*command)
    assert status == INCOMPLETE == 4
    assert "dgnam: a chunk of runs/x-1 failed" in said
    assert "dgnam resume runs/x-1; chunk 00001: its worker died: a segmentation fault (2 tries)" in said
    (listed,) = json.loads(dgnam("runs", "--json")[1])
    assert (listed["state"], listed["done"], listed["total"], listed["executor"]) == ("failed", 4, 6, "ray")
    shown = dgnam("show", "runs/x-1")[1]
    assert "  failed, 4/6 images" in shown
    assert "  executor: ray" in shown
    assert "  chunk 00001 failed: its worker died: a segmentation fault (2 tries)" in shown
    status, said, _ = dgnam("resume", "runs/x-1", "-q", "--executor", "ray", "--store", "store")
    assert status == 0
    assert "==> made: runs/x-1/" in said
    assert json.loads(dgnam("runs", "--json")[1])[0]["state"] == "finished"
    assert list(Path("store").iterdir()) == []


def test_what_has_no_executor_says_so(options, cluster, dgnam):
    made = dgnam("evolve", options[0], "fc8:3", *options[1:], "--clip", "none", "--generations", 1, "--name", "x", "-q")
    assert made[0] == 0
    status, _, said = dgnam("resume", "runs/x-1", "--executor", "ray")
    assert status == 2
    assert "a run of 'evolve' is made by this process alone: leave the executor out" in said


def test_a_store_without_a_cluster_is_refused(options, cluster, dgnam):
    status, _, said = dgnam("synthesize", options[0], "fc8:3", *options[1:], "--store", "s3://bucket")
    assert (status, said) == (2, "dgnam: executor 'local' has no store and no retries: give ray[:ADDRESS]\n")
    assert not Path("runs").exists()


def test_the_commands_of_the_page_are_commands():
    lines = re.findall(r"^(dgnam .*?)(?:  +#.*)?$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 3
    group = typer.main.get_command(cli.app)
    for line in lines:
        name, *rest = line.split()[1:]
        command = group.get_command(None, name)
        assert command.make_context(name, rest).params["executor"].startswith("ray")
