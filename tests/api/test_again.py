"""A picture of a run is made again with the bytes of the run; where that can't be, it is said."""

import csv
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import TorchTarget, released
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.cli import app as cli
from dgnam.errors import ArgumentError, DgnamError
from dgnam.runs import Record
from tests.api.conftest import TARGET


@pytest.fixture
def home(tmp_path, tiny_nets, monkeypatch):
    """A folder to run in, with the tiny nets."""
    shutil.copytree(tiny_nets, tmp_path / "nets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NETS = {"weights": "nets/target.h5", "prior": "nets/generator.prototxt", "prior_weights": "nets/generator.h5"}


@pytest.fixture
def sweep(home):
    """A run of eight pictures in batches of three, whose paths are relative."""
    how = {"n_iters": [4, 6], "seeds": 2, "batch_size": 3, "folder": "run", "progress": False, **NETS}
    dgnam.visualize("nets/target.prototxt", ["fc8:3", "fc8:7"], **how)
    return home / "run"


def pictures(folder):
    return {path.name: path.read_bytes() for path in (Path(folder) / "images").iterdir()}


def listed(folder):
    with open(Path(folder) / "summary.csv", encoding="utf-8", newline="") as file:
        return {int(row["job"]): Path(row["image"]).name for row in csv.DictReader(file)}


@pytest.mark.parametrize("job", [0, 2, 4, 7])
def test_each_picture_has_the_bytes_of_the_run(sweep, job):
    found = dgnam.again("run", job, every=2, folder="again", progress=False)
    name = listed("run")[job]
    assert pictures("again") == {name: pictures("run")[name]}
    whole = dgnam.load("run")
    assert np.array_equal(found.codes, whole.codes[job : job + 1])
    assert np.array_equal(found.raw, whole.raw[job : job + 1])
    assert list(found.seeds) == [whole.seeds[job]]
    assert f"job {job}: images/{name}, the bytes of the run's" in found.summary
    (movie,) = Path("again/movies").iterdir()
    assert movie.stem == Path(name).stem
    with Image.open(movie) as frames:
        assert frames.n_frames == (3 if found.settings[0].n_iters == 4 else 4)  # steps 0, 2, … and the last


def test_it_has_the_threads_of_the_run(sweep):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 1)
        dgnam.again("run", 5, folder="again", progress=False)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert Record.read("again").environment["threads"] == before


def test_in_memory_there_is_no_movie(sweep):
    found = dgnam.again("run", 1, progress=False)
    assert found.images.shape == (1, 28, 28, 3)
    assert found.folder is None
    with pytest.raises(DgnamError, match="movies need a folder"):
        dgnam.again("run", 1, movies=["gif"], progress=False)


def test_the_published_loop_and_its_jpegs(home):
    for name in ("target", "generator"):
        path = Path(f"nets/{name}.prototxt")
        path.write_text(f"force_backward: true\n{path.read_text()}")
    how = {"backend": "dgnam", "published_images": True, "n_iters": 3, "seeds": 2, "folder": "run", "progress": False}
    dgnam.visualize("nets/target.prototxt", "fc8:3", **how, **NETS)
    dgnam.again("run", 1, folder="again", progress=False)
    (name,) = pictures("again")
    assert name.endswith("__1.jpg")
    assert pictures("again")[name] == pictures("run")[name]


@pytest.mark.parametrize("job", [8, -1, 10**9])
def test_a_job_that_the_run_lacks(sweep, job):
    with pytest.raises(DgnamError, match=f"job {job}: run has the jobs 0 to 7"):
        dgnam.again("run", job, folder="again", progress=False)
    assert not Path("again").exists()


@pytest.mark.parametrize("job", ["3", None, 1.0, True])
def test_a_job_that_is_no_number(sweep, job):
    with pytest.raises(ArgumentError, match=r"job .*: give a whole number"):
        dgnam.again("run", job)


def test_other_runs_are_refused(home):
    Record("evolve", {}, {}).write(home)
    with pytest.raises(DgnamError, match="holds a run of 'evolve'; pictures of 'visualize' are made again"):
        dgnam.again(home, 0)
    with pytest.raises(DgnamError, match="holds no run"):
        dgnam.again("nets", 0)


def test_changed_files_are_named(sweep):
    write_hdf5_weights("nets/target.h5", CaffeModule(parse_net(TARGET), seed=9).weights())
    with pytest.raises(DgnamError, match=r"cannot make job 1 again of run: target.files.nets/target.h5 changed"):
        dgnam.again("run", 1, folder="again", progress=False)
    assert not Path("again").exists()


def test_another_picture_than_the_runs_is_said(sweep):
    name = listed("run")[6]
    (sweep / "images" / name).write_bytes(pictures("run")[listed("run")[5]])
    with pytest.warns(UserWarning, match=f"the picture is not the run's images/{name}, activation "):
        found = dgnam.again("run", 6, folder="again", progress=False)
    assert found.summary == [f"job 6: images/{name}, not the bytes of the run's"]
    (sweep / "images" / name).unlink()
    with pytest.warns(UserWarning, match=f"run has no images/{name} to compare"):
        dgnam.again("run", 6, progress=False)


def test_other_versions_are_a_warning(sweep):
    record = Record.read("run")
    Record(record.task, record.spec, record.inputs, {"versions": {"torch": "0.1"}, "threads": "many"}).write(sweep)
    with pytest.warns(UserWarning, match="versions changed"), pytest.warns(UserWarning, match="threads changed"):
        dgnam.again("run", 0, progress=False)


def test_objects_are_passed_again(home):
    torch.manual_seed(0)
    target = TorchTarget(nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (28, 28))
    how = {"prior": NETS["prior"], "prior_weights": NETS["prior_weights"], "settings": released(n_iters=3)}
    dgnam.visualize(target, "2:1", folder="run", progress=False, **how)
    lacking = re.escape("with settings, target as an object: pass it too: dgnam.again('run', 0, settings=…, target=…)")
    with pytest.raises(DgnamError, match=lacking):
        dgnam.again("run", 0)
    dgnam.again("run", 0, target=target, settings=how["settings"], folder="again", progress=False)
    assert pictures("again") == pictures("run")
    with pytest.raises(DgnamError, match="settings"):
        dgnam.again("run", 0, target=target, settings=released(n_iters=4))


def test_a_record_imports_no_code(sweep, monkeypatch):
    Path("evil_of_again.py").write_text("from pathlib import Path\nPath('owned').touch()\n")
    monkeypatch.setattr(sys, "path", [*sys.path, os.getcwd()])
    record = Record.read("run")
    Record(record.task, {**record.spec, "target": "evil_of_again:x"}, record.inputs, record.environment).write(sweep)
    with pytest.raises(DgnamError, match="pass it again, --target evil_of_again:x"):
        dgnam.again("run", 0)
    assert not Path("owned").exists()


def command(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, arguments)])
    try:
        cli.main()
        status = 0
    except SystemExit as stop:
        status = 0 if stop.code is None else int(stop.code)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_by_command_from_any_directory(sweep, tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    status, out, err = command(capsys, monkeypatch, "again", "../run", "--job", 3, "--quiet")
    assert (status, err) == (0, "")
    name = listed(sweep)[3]
    assert out == f"job 3: images/{name}, the bytes of the run's\n==> made: runs/run-job-3-1/\n"
    assert pictures("runs/run-job-3-1") == {name: pictures(sweep)[name]}
    assert Path(f"runs/run-job-3-1/movies/{Path(name).stem}.gif").is_file()
    status, out, err = command(capsys, monkeypatch, "resume", "runs/run-job-3-1", "--quiet")
    assert (status, err) == (0, "")
    status, out, err = command(capsys, monkeypatch, "again", "../run", "--job", 8, "--quiet")
    assert (status, out) == (2, "")
    assert err == "dgnam: job 8: ../run has the jobs 0 to 7, as summary.csv numbers them\n"
