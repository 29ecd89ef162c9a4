"""A run that was begun with relative paths is resumed from any directory, also where its folder was moved."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dgnam
from dgnam.api.act_range import act_range
from dgnam.api.lab import begin_search, open_search
from dgnam.cli import app as cli
from dgnam.errors import DgnamError
from dgnam.runs.chunks import to_bytes

OWN = ("nets/target.prototxt", "--weights", "nets/target.h5")
PRIOR = ("--prior", "nets/generator.prototxt", "--prior-weights", "nets/generator.h5")
USUAL = ("--name", "x", "--quiet")
COMMANDS = {
    "synthesize": (
        *("synthesize", OWN[0], "fc8:tench", *OWN[1:], *PRIOR, "--labels", "nets/classes.txt", "--seeds", 4),
        *("--batch-size", 2, "--n-iters", 2, "--start", "codes:codes.npy", "--clip", "range.h5", "--mean", "mean.npy"),
        *USUAL,
    ),
    "direction": (
        *("synthesize", OWN[0], "fc8:vector.npy", *OWN[1:], *PRIOR, "--seeds", 4),
        *("--clip", "none", "--batch-size", 2, "--n-iters", 2, *USUAL),
    ),
    "pixels": (
        *("synthesize", OWN[0], "fc8:3", *OWN[1:], "--prior", "pixels", "--start", "image:photos/a/0.png"),
        *("--seeds", 4, "--batch-size", 2, "--n-iters", 2, *USUAL),
    ),
    "sweep": (
        *(
            "sweep",
            OWN[0],
            "fc8:0-3",
            *OWN[1:],
            *PRIOR,
            "--clip",
            "none",
            "--n-iters",
            "2,3",
            "--batch-size",
            4,
            *USUAL,
        ),
    ),
    "tune": (
        *("tune", OWN[0], "fc8:0-1", "--report", "fc8:5-6", *OWN[1:], *PRIOR, "--clip", "range.h5", "--n-iters", "2,3"),
        *("--trials", 3, "--score", "score_of_elsewhere:bright", *USUAL),
    ),
    "evolve": (
        *("evolve", OWN[0], "fc8:3", *OWN[1:], *PRIOR, "--method", "genetic", "--population", 6, "--generations", 4),
        *("--clip", "none", "--start", "codes:codes.npy", *USUAL),
    ),
    "act-range": (
        *("act-range", "--encoder", *OWN, "--layer", "fc8", "--images", "photos", "--batch-size", 2, *USUAL),
    ),
    "act-range of a listing": (
        *("act-range", "--encoder", *OWN, "--layer", "fc8", "--images", "list.txt", "--root", "photos"),
        *("--mean", "mean.npy", "--batch-size", 2, *USUAL),
    ),
    "reproduce": (
        *("reproduce", "fig1", "--target", *OWN, "--labels", "nets/classes.txt", *PRIOR, "--units", "1,3", *USUAL),
    ),
    "train": (
        "train",
        "toy/classifier_solver.prototxt",
        "--data",
        "data",
        "--run",
        "runs/x-1",
        "--precision",
        "float32",
        "--quiet",
    ),
}
AGAIN = {"tune": ("--score", "score_of_elsewhere:bright")}

NOTES = {
    "reproduce": "dgnam: no act_range of prior 'generator.prototxt' is known, ",
    "synthesize": "dgnam: seeds 0 and 3 begin at the same code, ",
    "pixels": "dgnam: seeds 0 and 1 begin at the same code, ",
}
"""What a task says beside what it makes."""


@pytest.fixture
def project(tmp_path, tiny_nets, nets, data_folder, monkeypatch, published_in_two_steps):
    """A folder with all that the commands name, and the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(tiny_nets, folder / "nets")
    shutil.copytree(nets, folder / "toy")
    shutil.copytree(data_folder, folder / "data")
    draw = np.random.default_rng(0)
    for k in range(6):
        path = folder / f"photos/{'ab'[k % 2]}/{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (28, 28, 3)).astype(np.uint8)).save(path)
    (folder / "list.txt").write_text("".join(f"{'ab'[k % 2]}/{k}.png 0\n" for k in range(6)))
    np.save(folder / "codes.npy", draw.normal(size=(3, 12)).astype(np.float32))
    np.save(folder / "vector.npy", draw.normal(size=10).astype(np.float32))
    np.save(folder / "mean.npy", np.full((3, 28, 28), 100, np.float32))
    (folder / "range.h5").write_bytes(to_bytes({"act_range": np.linspace(1, 8, 12, dtype=np.float32)}))
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/score_of_elsewhere.py").write_text(
        "def bright(images, objectives): return images.mean((1, 2, 3))\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "modules")])
    monkeypatch.setattr("dgnam.api.act_range.BLOCK", 2, raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def command(capsys, monkeypatch):
    """The exit status of a command, and what it prints to both streams."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = 0 if stop.code is None else int(stop.code)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


TIMES = ("events.jsonl", "log.jsonl")


def contents(folder):
    """All files of a run but those that tell the time, and the weights and drawings of a training's checkpoints."""
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.name not in TIMES]
    kept = [p for p in files if p.suffix not in (".pt",) and p.name not in ("curves.png", "chunks.jsonl")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in kept}


def events(folder):
    return [json.loads(line) for line in (Path(folder) / "events.jsonl").read_text().splitlines()]


def say_begun_in(folder, directory):
    """Write into a run's log that it was begun in a directory; None removes what it says."""
    told = [{**event, "directory": directory} for event in events(folder)]
    if directory is None:
        told = [{name: value for name, value in event.items() if name != "directory"} for event in told]
    (Path(folder) / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in told))


def forget_the_last_chunk(folder):
    """Leave what a kill would: the last chunk is not there."""
    journals = sorted(Path(folder).rglob("chunks.jsonl"))
    lines = journals[-1].read_text().splitlines(keepends=True)
    (journals[-1].parent / json.loads(lines[-1])["file"]).unlink()
    journals[-1].write_text("".join(lines[:-1]))


@pytest.mark.parametrize("task", COMMANDS)
def test_it_goes_on_from_another_directory(project, command, monkeypatch, task):
    status, _, err = command(*COMMANDS[task])
    note = NOTES.get(task, "")
    assert (status, err[: len(note)], err.count("\n")) == (0, note, 1 if note else 0)
    whole = contents("runs/x-1")
    forget_the_last_chunk("runs/x-1")
    monkeypatch.chdir(project.parent / "elsewhere")
    status, out, err = command("resume", "../project/runs/x-1", "--quiet", *AGAIN.get(task, ()))
    assert (status, err) == (0, "")
    assert str(project / "runs/x-1") in out
    assert contents(project / "runs/x-1") == whole
    assert Path.cwd().name == "elsewhere"
    assert list(Path.cwd().iterdir()) == []


def test_a_moved_folder_goes_on(project, command, monkeypatch):
    command(*COMMANDS["synthesize"])
    whole = contents("runs/x-1")
    forget_the_last_chunk("runs/x-1")
    shutil.move("runs/x-1", project.parent / "elsewhere/moved")
    monkeypatch.chdir(project.parent / "elsewhere")
    assert command("resume", "moved", "--quiet")[0] == 0
    assert contents("moved") == whole


def test_a_moved_project_goes_on_from_its_new_place(project, command, monkeypatch):
    command(*COMMANDS["synthesize"])
    forget_the_last_chunk("runs/x-1")
    monkeypatch.chdir(project.parent)
    shutil.move(project, "moved")
    monkeypatch.chdir("moved")
    assert command("resume", "runs/x-1", "--quiet")[0] == 0
    assert events("runs/x-1")[-2]["directory"] == str(Path.cwd())


@pytest.mark.parametrize(
    ("task", "gone"),
    [
        *(("synthesize", f"nets/{name}") for name in ("target.prototxt", "target.h5", "generator.prototxt")),
        *(
            ("synthesize", name)
            for name in ("nets/generator.h5", "nets/classes.txt", "codes.npy", "range.h5", "mean.npy")
        ),
        *(("direction", "vector.npy"), ("pixels", "photos/a/0.png"), ("tune", "range.h5"), ("evolve", "codes.npy")),
        *(("act-range", "photos"), ("act-range of a listing", "list.txt"), ("act-range of a listing", "mean.npy")),
        ("train", "toy/classifier_solver.prototxt"),
    ],
)
def test_a_file_that_is_gone_is_one_error(project, command, monkeypatch, task, gone):
    command(*COMMANDS[task])
    path = project / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    monkeypatch.chdir(project.parent / "elsewhere")
    status, out, err = command("resume", "../project/runs/x-1", "--quiet", *AGAIN.get(task, ()))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert gone in err
    assert f"in {project}, where the run was begun" in err


@pytest.mark.parametrize("begun_in", [".", "nets"])
def test_python_goes_on_from_another_directory(project, monkeypatch, begun_in):
    """The same files by other relative paths are the same run, and the shell goes on with it from anywhere."""
    monkeypatch.chdir(begun_in)

    def synthesize(**more):
        at = {name: os.path.relpath(project / name) for name in ("nets", "codes.npy", "range.h5", "mean.npy")}
        how = {"weights": f"{at['nets']}/target.h5", "prior": f"{at['nets']}/generator.prototxt", "seeds": 4}
        how |= {"prior_weights": f"{at['nets']}/generator.h5", "start": f"codes:{at['codes.npy']}", "batch_size": 2}
        how |= {"mean": at["mean.npy"], "clip": at["range.h5"], "n_iters": 2}
        how |= {"progress": False, "folder": project / "run"}
        return dgnam.visualize(f"{at['nets']}/target.prototxt", "fc8:3", **how, **more)

    whole = synthesize()
    forget_the_last_chunk(project / "run")
    monkeypatch.chdir(project.parent / "elsewhere")
    assert np.array_equal(synthesize(resume=True).raw, whole.raw)


def test_a_measurement_goes_on_from_another_directory_in_python(project, monkeypatch):
    def measure(**more):
        nets, photos = (os.path.relpath(project / name) for name in ("nets", "photos"))
        how = {"encoder": f"{nets}/target.prototxt", "weights": f"{nets}/target.h5", "layer": "fc8", "batch_size": 2}
        return act_range(photos, folder=project / "run", progress=False, **how, **more)

    whole = measure().bounds
    monkeypatch.chdir(project.parent / "elsewhere")
    assert np.array_equal(measure(resume=True).bounds, whole)


def test_a_search_for_a_neuron_goes_on_from_another_directory(project, monkeypatch):
    prior = {"prior": "nets/generator.prototxt", "prior_weights": "nets/generator.h5", "clip": "range.h5"}
    begin_search("neuron", method="genetic", population=4, start="codes:codes.npy", **prior)
    codes = open_search("neuron").ask()[0]
    monkeypatch.chdir(project.parent / "elsewhere")
    assert np.array_equal(open_search(project / "neuron").ask()[0], codes)
    (project / "range.h5").unlink()
    with pytest.raises(DgnamError, match=r"range\.h5.*where the run was begun"):
        open_search(project / "neuron")


def test_no_module_is_imported_from_the_directory_of_a_record(project, command, monkeypatch):
    """The user names a module; a record from elsewhere must not choose which one that is."""
    command(*COMMANDS["tune"])
    monkeypatch.delitem(sys.modules, "score_of_elsewhere")
    evil = project.parent / "evil"
    evil.mkdir()
    for name in ("score_of_elsewhere", "cma"):
        (evil / f"{name}.py").write_text("from pathlib import Path\nPath('owned').touch()\n")
    say_begun_in("runs/x-1", str(evil))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    before = list(sys.path)
    status, _, err = command("resume", "runs/x-1", "--quiet", *AGAIN["tune"])
    assert (status, err.count("\n")) == (2, 1)
    assert not (evil / "owned").exists()
    assert sys.path == before


@pytest.mark.parametrize("directory", ["", "a\0b", "/nowhere", None, 3, ["a"]])
def test_a_directory_that_is_gone_leaves_the_present_one(project, command, directory):
    command(*COMMANDS["act-range"])
    say_begun_in("runs/x-1", directory)
    assert command("resume", "runs/x-1", "--quiet")[0] == 0
