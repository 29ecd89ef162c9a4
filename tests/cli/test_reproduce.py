"""`dgnam reproduce` of several experiments: what is finished stays, and what one fails of loses no other."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from dgnam import experiments
from dgnam.cli import main
from dgnam.errors import ChunksFailedError, DgnamError
from dgnam.experiments.fig1_output_units import EXPERIMENT
from dgnam.runs import BAD_INPUT, INTERRUPTED, Run
from dgnam.runs.index import read_summary


class Toy:
    """An experiment that shows one gray picture, or fails of the errors that it is given, one each time."""

    def __init__(self, *errors):
        self.errors, self.runs = list(errors), 0

    def __call__(self, context):
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        context.show("gray", np.zeros((1, 3, 56, 56), np.float32), ["gray"], "Gray")
        return {"own": {"target_top1": 0.5}}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.delenv("DGNAM_DATA", raising=False)


@pytest.fixture
def toys(monkeypatch):
    """Five experiments of section 9, by name."""
    found = {
        "first": Toy(),
        "wrong": Toy(DgnamError("a layer is missing")),
        "unpublished": Toy(),
        "full_disk": Toy(OSError(28, "No space left on device", "chunk.h5")),
        "last": Toy(),
    }
    small = replace(EXPERIMENT.models["mini"], prior="deepsim-fc6-mini", judges=())
    how = {"models": {**EXPERIMENT.models, "mini": small}, "section": "9", "claims": (), "main": None}
    made = {name: replace(EXPERIMENT, name=name, run=toy, **how) for name, toy in found.items()}
    made["unpublished"] = replace(made["unpublished"], models={}, unpublished="its networks are not published")
    monkeypatch.setattr(experiments, "EXPERIMENTS", made)
    return found


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """The exit status, and what is said on standard output and error, of `dgnam reproduce`."""

    def run(*arguments):
        usual = ("--output", tmp_path, "--scale", "smoke", "--units", "1", "--quiet")
        given = ("reproduce", arguments[0], *usual, *arguments[1:])
        monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, given)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def runs_of(toys):
    return [toy.runs for toy in toys.values()]


def folders(place):
    return sorted(path.name for path in place.iterdir())


FIRST = ["first-mini-1", "full_disk-mini-1", "last-mini-1", "wrong-mini-1"]


def test_errors_of_one_are_told_and_the_others_go_on(toys, command, tmp_path):
    status, out, err = command("9")
    assert status == BAD_INPUT
    assert err.splitlines() == [
        "dgnam: wrong: a layer is missing",
        "dgnam: unpublished is blocked: its networks are not published, so there is nothing to fetch, and it is there "
        "with small models only: --models mini",
        "dgnam: full_disk: chunk.h5: No space left on device",
        "dgnam: of 5 experiments 2 failed (wrong, full_disk), 1 blocked (unpublished), as said above; the same "
        "command makes these alone",
    ]
    assert [line for line in out.splitlines() if line.startswith("==> made")] == [
        f"==> made: {tmp_path}/first-mini-1/",
        f"==> made: {tmp_path}/last-mini-1/",
    ]
    assert folders(tmp_path) == FIRST
    assert runs_of(toys) == [1, 1, 0, 1, 1]


@pytest.mark.parametrize("which", ["9", "all"])
def test_the_same_command_makes_what_is_left(toys, command, tmp_path, which):
    _, before, _ = command(which)
    status, out, err = command(which)
    assert (status, len(err.splitlines())) == (BAD_INPUT, 2)  # unpublished, and that it is
    assert runs_of(toys) == [1, 2, 0, 2, 1]
    assert folders(tmp_path) == FIRST
    assert f"==> finished before: {tmp_path}/first-mini-1/" in out
    summary = before.split("==> first\n")[1].split("==> made")[0]
    assert summary in out
    assert f"==> made: {tmp_path}/wrong-mini-1/" in out
    assert all(read_summary(tmp_path / name).state == "finished" for name in FIRST)
    del experiments.EXPERIMENTS["unpublished"]
    assert [line for line in command(which)[1].splitlines() if line.startswith("==> made")] == []
    assert runs_of(toys) == [1, 2, 0, 2, 1]


@pytest.mark.parametrize("other", [("--seed", 1), ("--name", "mine"), ("--models", "paper")])
def test_another_spec_or_name_begins_anew(toys, command, tmp_path, other):
    command("9")
    command("9", *other)
    assert toys["first"].runs == (2 if other[0] != "--models" else 1)  # the published ones are not here
    assert read_summary(tmp_path / "first-mini-1").state == "finished"


def test_one_by_its_name_is_made_anew(toys, command, tmp_path):
    command("9")
    assert command("last")[0] == 0
    assert toys["last"].runs == 2
    assert folders(tmp_path) == sorted([*FIRST, "last-mini-2"])


def test_one_whose_files_are_gone_is_made_again_in_its_folder(toys, command, tmp_path):
    command("9")
    (tmp_path / "first-mini-1/gray.png").unlink()
    (tmp_path / "last-mini-1/numbers.json").write_text("{")
    command("9")
    assert (toys["first"].runs, toys["last"].runs) == (2, 2)
    assert (tmp_path / "first-mini-1/gray.png").is_file()
    assert folders(tmp_path) == FIRST


def test_what_needs_pictures_is_added_once_they_are_there(toys, command, tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path / "nowhere"))  # a wrong folder is none
    command("9")
    monkeypatch.delenv("DGNAM_DATA")
    command("9")
    assert toys["first"].runs == 1
    (tmp_path / "sets").mkdir()
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path / "sets"))
    for _ in range(2):
        command("9")
        assert toys["first"].runs == 2
    monkeypatch.delenv("DGNAM_DATA")
    command("9")
    assert toys["first"].runs == 2
    assert folders(tmp_path) == [*FIRST[:3], "sets", FIRST[3]]


def test_after_an_interrupt_the_same_command_goes_on(toys, command, tmp_path):
    toys["wrong"].errors = [KeyboardInterrupt()]
    status, _, err = command("9")
    assert status == INTERRUPTED
    assert f"resume it: dgnam resume {tmp_path}/wrong-mini-1" in err
    assert err.splitlines()[-1] == "dgnam: the same command resumes it, and makes the others"
    assert runs_of(toys) == [1, 1, 0, 0, 0]
    command("9")
    assert runs_of(toys) == [1, 2, 0, 1, 1]


def test_chunks_that_failed_lose_no_other(toys, command):
    toys["wrong"].errors = [ChunksFailedError("1 of 2 chunks failed", {"00001": "a worker died"})]
    status, _, err = command("9")
    assert status == BAD_INPUT
    assert "dgnam: wrong: 1 of 2 chunks failed" in err
    assert toys["last"].runs == 1


def test_another_process_at_work_is_an_error_of_this_one(toys, command, tmp_path):
    command("9")
    toys["wrong"].errors = []
    with Run.open(tmp_path / "wrong-mini-1").exclusive():
        _, _, err = command("9")
    assert f"dgnam: wrong: another process is at work in {tmp_path}/wrong-mini-1" in err
    assert toys["last"].runs == 1


@pytest.mark.parametrize("wrong", [("--models", "big"), ("--scale", "large"), ("--device", "gpu"), ("--units", "x")])
def test_options_that_are_wrong_for_all_are_said_once(toys, command, tmp_path, wrong):
    status, _, err = command("9", *wrong)
    assert (status, len(err.splitlines())) == (BAD_INPUT, 1)
    assert runs_of(toys) == [0] * 5


def test_in_python_resume_without_a_folder_does_the_same(toys, tmp_path):
    how = {"units": [1], "scale": "smoke", "output": tmp_path, "resume": True, "progress": False}
    first = experiments.reproduce("first", **how)
    again = experiments.reproduce("first", **how)
    assert (first.earlier, again.earlier, toys["first"].runs) == (False, True, 1)
    assert again == replace(first, earlier=True)
    with pytest.raises(DgnamError, match="a layer is missing"):
        experiments.reproduce("wrong", **how)
    assert experiments.reproduce("wrong", **how).folder == tmp_path / "wrong-mini-1"
    assert experiments.reproduce("first", **{**how, "resume": False}).folder == tmp_path / "first-mini-2"
