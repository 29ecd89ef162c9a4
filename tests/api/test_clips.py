"""Targets that see clips, through the one door: strips, clips, GIF and MP4, resumed to the same bytes."""

import io
import json
import os
import signal
import sys
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

import dgnam
from dgnam.am import Bounds, ClipTarget, EachFrame, L2Decay, Smoothness, released
from dgnam.api.layers import describe
from dgnam.caffe.proto import write_hdf5_weights
from dgnam.cli import app as cli
from dgnam.errors import ArgumentError, DgnamError
from dgnam.files.paths import write_bytes
from dgnam.runs import Interrupted
from tests.am.clip_nets import TEXT, clip_net


@pytest.fixture
def nets(tmp_path, tiny_nets):
    """A net of clips and a generator in files, as `visualize` takes them."""
    (tmp_path / "clips.prototxt").write_text(TEXT)
    write_hdf5_weights(tmp_path / "clips.h5", clip_net().weights())
    prior = {"prior": tiny_nets / "generator.prototxt", "prior_weights": tiny_nets / "generator.h5"}
    target = {"target": tmp_path / "clips.prototxt", "weights": tmp_path / "clips.h5"}
    return {**target, **prior, "progress": False}


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_a_job_is_a_clip_whose_codes_are_optimized_together(nets):
    found = dgnam.visualize(objective="fc8:0-2", seeds=2, n_iters=30, start_lr=0.3, **nets)
    assert (found.codes.shape, found.images.shape, found.frames) == ((6, 4, 12), (6, 8, 24, 3), 4)
    assert found.clips.shape == (6, 4, 8, 6, 3)
    assert np.array_equal(found.clips[1, 2], found.images[1, :, 12:18])
    assert (found.activations > found.traces[:, 0]).all()
    assert repr(found).endswith("6 clips of 4 frames of 8x6>")
    target = ClipTarget(clip_net())
    values = target(torch.from_numpy(found.raw), ["fc8"])["fc8"]
    assert np.allclose(values[[0, 2, 4], [0, 1, 2]], found.activations[::2], atol=1e-2)
    steps = np.diff(found.codes, axis=1)
    assert (np.abs(steps).max((1, 2)) > 0.1).all()


def test_smoothness_draws_neighboring_codes_together(nets):
    rough = dgnam.visualize(objective="fc8:0", n_iters=30, start_lr=0.3, **nets)
    smooth = dgnam.visualize(objective="fc8:0", n_iters=30, start_lr=0.3, smoothness=1.0, **nets)
    assert np.abs(np.diff(smooth.codes, axis=1)).mean() < 0.5 * np.abs(np.diff(rough.codes, axis=1)).mean()
    each, penalty = smooth.settings[0].regularizer.parts
    assert (each, penalty) == (EachFrame(L2Decay(0.99)), Smoothness(1.0))
    assert rough.settings[0].regularizer == EachFrame(L2Decay(0.99))


def test_jobs_do_not_depend_on_their_batch(nets):
    together = dgnam.visualize(objective="fc8:0-2", n_iters=8, **nets)
    alone = dgnam.visualize(objective="fc8:1", n_iters=8, batch_size=1, **nets)
    assert np.allclose(together.codes[1], alone.codes[0], rtol=1e-2, atol=1e-2)


def test_a_run_has_strips_clips_and_a_grid(nets, tmp_path):
    found = dgnam.visualize(objective="fc8:0-1", n_iters=3, movies=["gif"], every=1, folder=tmp_path / "run", **nets)
    stem = "fc8_0001_03_0.99_8.0__0"
    with Image.open(tmp_path / f"run/images/{stem}.png") as strip:
        assert np.array_equal(np.asarray(strip), found.images[1])
    with Image.open(tmp_path / f"run/clips/{stem}.gif") as movie:
        assert (movie.n_frames, movie.size) == (4, (6 * 32, 8 * 32))
    with Image.open(tmp_path / f"run/movies/{stem}.gif") as movie:
        assert movie.n_frames == 3
    assert (tmp_path / "run/grid.png").is_file()
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["inputs"]["frames"] == 4
    again = dgnam.load(tmp_path / "run")
    assert np.array_equal(again.clips, found.clips)
    saved = found.save(tmp_path / "saved")
    assert sorted(path.suffix for path in saved.iterdir()) == [".gif", ".gif", ".h5", ".png", ".png", ".png"]


def test_an_mp4_is_written_where_there_is_ffmpeg(nets, tmp_path, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    dgnam.visualize(objective="fc8:0", n_iters=1, folder=tmp_path / "with", **nets)
    module = import_module("dgnam.figures.mp4")

    def missing():
        raise DgnamError("no ffmpeg")

    monkeypatch.setattr(module, "ffmpeg_program", missing)
    dgnam.visualize(objective="fc8:0", n_iters=1, folder=tmp_path / "without", **nets)
    kinds = [sorted(path.suffix for path in (tmp_path / name / "clips").iterdir()) for name in ("with", "without")]
    assert kinds == [[".gif", ".mp4"], [".gif"]]


def test_a_stopped_run_comes_to_the_same_bytes(nets, tmp_path, monkeypatch):
    how = {"objective": "fc8:0-2", "n_iters": 4, "batch_size": 4, **nets}
    whole = dgnam.visualize(folder=tmp_path / "whole", **how)
    outputs = import_module("dgnam.api.outputs")
    files, calls = outputs.Outputs.files, []

    def making(self, *given):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return files(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(outputs.Outputs, "files", making)
        with pytest.raises(Interrupted, match="2 of 3 images are done"):
            dgnam.visualize(folder=tmp_path / "run", **how)
    again = dgnam.visualize(folder=tmp_path / "run", resume=True, **how)
    assert contents(again.folder) == contents(whole.folder)


def test_bounds_and_starts_of_images_are_for_each_frame(nets, tmp_path):
    np.save(tmp_path / "code.npy", np.full(12, 0.5, np.float32))
    np.save(tmp_path / "codes.npy", np.arange(48, dtype=np.float32).reshape(4, 12))
    upper = np.linspace(1, 2, 12).astype(np.float32)
    how = {"objective": "fc8:0", "n_iters": 1, "clip": Bounds(np.zeros(12, np.float32), upper), **nets}
    found = dgnam.visualize(start=f"codes:{tmp_path / 'code.npy'}", start_lr=1e-6, l2=1.0, **how)
    assert np.allclose(found.codes, 0.5, atol=1e-4)
    whole = dgnam.visualize(start=f"codes:{tmp_path / 'codes.npy'}", start_lr=1e-6, l2=1.0, **how)
    assert np.allclose(whole.codes[0], np.minimum(np.arange(48).reshape(4, 12), upper), atol=1e-4)


def test_another_picture_to_start_from_does_not_go_on(nets, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    how = {**nets, "objective": "fc8:0", "n_iters": 1, "prior": "pixels", "prior_weights": None}
    how |= {"start": f"image:{tmp_path / 'a.png'}", "folder": tmp_path / "run"}
    dgnam.visualize(**how)
    assert json.loads((tmp_path / "run/run.json").read_text())["inputs"]["start"]["of"]["images"] == ["a.png"]
    dgnam.visualize(**how, resume=True)
    Image.fromarray(255 - picture).save(tmp_path / "a.png")
    with pytest.raises(DgnamError, match=r"cannot resume .*: start\.of\.sha256\[0\] changed"):
        dgnam.visualize(**how, resume=True)


@pytest.mark.parametrize("prior", ["pixels", "simonyan2014", "yosinski2015", "nguyen2016"])
def test_pixel_priors_regularize_each_frame(nets, prior):
    how = {name: value for name, value in nets.items() if not name.startswith("prior")}
    found = dgnam.visualize(objective="fc8:0", prior=prior, n_iters=2, **how)
    assert found.codes.shape == (1, 4, 3, 8, 6)
    assert np.isfinite(found.images).all()


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ({"prior": "mahendran2016", "prior_weights": None}, DgnamError, "transforms single images"),
        ({"prior": "olah2017", "prior_weights": None}, DgnamError, "transforms single images"),
        ({"backend": "dgnam"}, ArgumentError, "target sees clips: leave the backend out"),
        ({"objective": "beside:0"}, DgnamError, "no layer 'beside'"),
        ({"smoothness": -1.0}, DgnamError, "the weight -1"),
        ({"fps": 100.0}, DgnamError, "fps 100: give 0.01 to 50 frames a second"),
    ],
)
def test_what_clips_cannot_have_is_one_error(nets, how, kind, message):
    with pytest.raises(kind, match=message):
        dgnam.visualize(**{"objective": "fc8:0", "n_iters": 1, **nets, **how})


def test_smoothness_of_single_images_is_an_error(tiny_nets):
    with pytest.raises(ArgumentError, match="target sees single images"):
        dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", weights=tiny_nets / "target.h5", smoothness=1.0)


def test_all_else_takes_networks_of_images(nets, tmp_path):
    target = {"target": nets["target"], "weights": nets["weights"]}
    for call in (dgnam.evolve, dgnam.top_images, dgnam.occlusion):
        with pytest.raises(DgnamError, match="sees clips of 4 frames, and this is for networks of single images"):
            call(objective="fc8:0", progress=False, **target)
    with pytest.raises(DgnamError, match="sees clips of 4 frames"):
        dgnam.neighbors(np.zeros((1, 8, 6, 3), np.uint8), **target)
    with pytest.raises(DgnamError, match="sees clips of 4 frames"):
        dgnam.open_target(ClipTarget(clip_net()))
    with pytest.raises(DgnamError, match="sees clips"):
        dgnam.visualize("action-lstm-motion-mini,caffenet-mini", "caffenet-mini.fc8:0", progress=False)


def test_objects_in_python(nets):
    how = {"prior": nets["prior"], "prior_weights": nets["prior_weights"], "progress": False}
    settings = released(n_iters=2)
    by_module = dgnam.visualize(clip_net(), "fc8:1", settings=settings, **how)
    by_target = dgnam.visualize(ClipTarget(clip_net()), "fc8:1", settings=settings, **how)
    assert np.array_equal(by_module.codes, by_target.codes)
    assert [row.name for row in describe(clip_net())] == ClipTarget(clip_net()).layers()


def test_a_record_of_other_frames_does_not_load(nets, tmp_path):
    dgnam.visualize(objective="fc8:0", n_iters=1, folder=tmp_path / "run", **nets)
    record = json.loads((tmp_path / "run/run.json").read_text())
    for frames, message in ((7, "are no 7 frames"), ("x", "frames 'x'"), (0, "at least 1")):
        record["inputs"]["frames"] = frames
        write_bytes(tmp_path / "run/run.json", json.dumps(record).encode())
        with pytest.raises(DgnamError, match=message):
            _ = dgnam.load(tmp_path / "run").images


def test_the_command_and_its_resume(nets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["synthesize", str(nets["target"]), "fc8:0", "--weights", str(nets["weights"]), "--prior"]
    words += [str(nets["prior"]), "--prior-weights", str(nets["prior_weights"]), "--name", "x", "--quiet"]
    for arguments in ([*words, "--n-iters", "2", "--smoothness", "0.1"], ["resume", "runs/x-1", "--quiet"]):
        monkeypatch.setattr(sys, "argv", ["dgnam", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code in (0, None), capsys.readouterr().err
    gif = next((tmp_path / "runs/x-1/clips").glob("*.gif")).read_bytes()
    with Image.open(io.BytesIO(gif)) as movie:
        assert movie.n_frames == 4
