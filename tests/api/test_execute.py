"""A signal during a run is always acted on, whichever batch it comes in; and what a backend does and refuses."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

import dgnam
from dgnam import zoo
from dgnam.am import Unit, act_range_bounds, one_by_one, open_net, released
from dgnam.api import batches, execute
from dgnam.api.priors import SMALL_PRIOR, open_prior
from dgnam.api.published import check_published
from dgnam.api.targets import open_target
from dgnam.errors import ArgumentError
from dgnam.runs import Interrupted

SIGNALS = pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@pytest.fixture
def how(tiny_nets, tmp_path):
    """A run of three batches in a folder."""
    return {
        "target": tiny_nets / "target.prototxt",
        "objective": "fc8:3",
        "weights": tiny_nets / "target.h5",
        "prior": tiny_nets / "generator.prototxt",
        "prior_weights": tiny_nets / "generator.h5",
        "settings": released(n_iters=3),
        "seeds": 6,
        "batch_size": 2,
        "folder": tmp_path / "run",
        "progress": False,
    }


def events(folder):
    return [json.loads(line)["event"] for line in (folder / "events.jsonl").read_text().splitlines()]


@SIGNALS
def test_a_signal_in_the_last_batch_finishes_the_run_and_begins_nothing_else(how, monkeypatch, number, status):
    save = dgnam.runs.Run.save

    def saving(self, name, *given):
        if name == "00002":
            os.kill(os.getpid(), number)
        save(self, name, *given)

    monkeypatch.setattr(dgnam.runs.Run, "save", saving)
    with pytest.raises(Interrupted, match=r"all 6 images are done; resume it: dgnam resume .*/run") as stopped:
        dgnam.visualize(**how)
    assert stopped.value.status == status
    assert (how["folder"] / "grid.png").is_file()
    assert events(how["folder"]) == ["started", "ended"]
    assert len(dgnam.visualize(resume=True, **how)) == 6


@SIGNALS
def test_a_signal_during_the_report(how, monkeypatch, number, status):
    write = execute.Report.write

    def writing(self, run):
        os.kill(os.getpid(), number)
        return write(self, run)

    monkeypatch.setattr(execute.Report, "write", writing)
    with pytest.raises(Interrupted, match="all 6 images are done") as stopped:
        dgnam.visualize(**how)
    assert stopped.value.status == status
    assert (how["folder"] / "summary.csv").is_file()


def test_a_signal_between_leaves_the_batches_after_it(how, monkeypatch):
    save = dgnam.runs.Run.save

    def saving(self, name, *given):
        save(self, name, *given)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(dgnam.runs.Run, "save", saving)
    with pytest.raises(Interrupted, match="2 of 6 images are done") as stopped:
        dgnam.visualize(**how)
    assert stopped.value.status == 143
    assert events(how["folder"]) == ["started", "stopped"]


def test_a_chunk_is_entered_after_its_pictures(how, monkeypatch):
    """Else a run that ends between them has a batch without pictures for good."""
    write = dgnam.runs.Run.write_bytes

    def failing(self, file, content):
        if file.startswith("images/") and file.endswith("__3.png"):
            raise OSError("pulled")
        return write(self, file, content)

    monkeypatch.setattr(dgnam.runs.Run, "write_bytes", failing)
    with pytest.raises(OSError, match="pulled"):
        dgnam.visualize(**how)
    assert dgnam.runs.Run.open(how["folder"]).names() == ["00000"]
    monkeypatch.undo()
    dgnam.visualize(resume=True, **how)
    assert len(list((how["folder"] / "images").rglob("*.png"))) == 6


MINI = {"target": "caffenet-mini", "objective": "fc8:3", "backend": "dgnam", "progress": False}


def test_a_backend_starts_where_it_is_told():
    one = released(n_iters=1, start_lr=1e-30, l2=1)
    zero = dgnam.visualize(**MINI, settings=one, start="zero")
    assert np.allclose(zero.codes, 0, atol=1e-20)
    assert not np.allclose(dgnam.visualize(**MINI, settings=one).codes, 0, atol=1e-2)


def test_a_backend_gives_what_the_loop_alone_gives():
    settings = released(n_iters=3)
    found = dgnam.visualize(**MINI, settings=settings, seeds=2)
    files = [zoo.get(name) for name in ("caffenet-mini", SMALL_PRIOR)]
    nets = [open_net(dgnam.caffe, entry.prototxt, entry.weights_path()) for entry in files]
    jobs = [dgnam.am.Job(Unit("fc8", 3), seed, settings) for seed in (0, 1)]
    alone = one_by_one(*nets, jobs, clip=act_range_bounds(files[1].act_range()), progress=False)
    assert np.array_equal(found.codes, alone.codes)
    assert np.array_equal(found.raw, alone.images)
    assert np.array_equal(found.traces, alone.activations)


def test_a_backend_makes_movies(tmp_path):
    how = {**MINI, "settings": released(n_iters=3), "seeds": 2, "movies": ("gif",), "every": 1}
    dgnam.visualize(**how, folder=tmp_path / "run")
    movies = sorted((tmp_path / "run/movies").iterdir())
    assert len(movies) == 2
    with Image.open(movies[0]) as movie:
        assert movie.n_frames >= 3


def test_a_signal_stops_a_backend_within_an_image(tmp_path, monkeypatch):
    advance, calls = batches.loop.advance, []

    def advancing(*given):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(*given)

    monkeypatch.setattr(batches.loop, "advance", advancing)
    how = {**MINI, "settings": released(n_iters=3), "seeds": 4, "folder": tmp_path / "run"}
    with pytest.raises(Interrupted, match="1 of 4 images are done"):
        dgnam.visualize(**how)
    assert len(calls) == 5
    whole = dgnam.visualize(**{**how, "folder": tmp_path / "whole"})
    assert np.array_equal(dgnam.visualize(resume=True, **how).codes, whole.codes)


def test_what_a_backend_cannot_do_is_refused_before_a_folder_is_made(tiny_nets, tmp_path):
    tiny = {"target": tiny_nets / "target.prototxt", "weights": tiny_nets / "target.h5"}
    for name in ("target", "generator"):
        text = "force_backward: true\n" + (tiny_nets / f"{name}.prototxt").read_text()
        (tmp_path / f"{name}.prototxt").write_text(text)
    own = {**tiny, "target": tmp_path / "target.prototxt"}
    own |= {"prior": tmp_path / "generator.prototxt", "prior_weights": tiny_nets / "generator.h5"}
    for changes, message in [
        ({"objective": "fc8:3 + fc8:4"}, "takes single units"),
        ({"prior": "mahendran2016"}, "give target and prior by name or path"),
        ({"settings": dataclasses.replace(released(), transform=dgnam.am.Jitter(4))}, "has its own update rule"),
        ({"settings": dataclasses.replace(released(), update_rule=dgnam.am.GradientStep())}, "has its own update rule"),
        ({"target": "judge-mini", "objective": "fc:3"}, "no gradient without the line 'force_backward: true'"),
        ({**own, "target": tiny["target"]}, r"target\.prototxt: a backend gives its input no gradient"),
        ({**own, "mean": "1,2,3"}, "a mean, scale or channels of its own"),
        ({**own, "scale": 0.5}, "a mean, scale or channels of its own"),
        ({**own, "channels": "RGB"}, "a mean, scale or channels of its own"),
        ({"prior": own["prior"], "prior_weights": own["prior_weights"]}, "are no crop of at least half"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            dgnam.visualize(**{**MINI, **changes}, folder=tmp_path / "run")
        assert not (tmp_path / "run").exists()
    dgnam.visualize(**{**MINI, **own}, settings=released(n_iters=2))


def test_a_backend_takes_no_other_precision():
    target, prior = opened()
    with pytest.raises(ArgumentError, match="precision bfloat16: a backend computes in float32"):
        check_published(target, prior, [Unit("fc8", 3)], [released()], "cpu", "bfloat16")


def test_a_backend_takes_no_other_device():
    target, prior = opened()
    with pytest.raises(ArgumentError, match="device 'cuda': a backend runs on the CPU"):
        check_published(target, prior, [Unit("fc8", 3)], [released()], "cuda")


def opened():
    target = open_target("caffenet-mini")
    return target, open_prior(None, target.target.size)
