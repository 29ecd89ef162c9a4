"""The commands: a unit and a callable run and go on, a laboratory's loop of files, and one line for what can't be."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dgnam.cli.app import app as commands
from dgnam.cli.evolve import app
from dgnam.errors import DgnamError

FEW = ("--generations", "2", "--population", "4", "--quiet")


def dgnam_evolve(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def resume(*arguments):
    result = CliRunner().invoke(commands, ["resume", *map(str, arguments), "--quiet"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def chunks(folder):
    return {path.name: path.read_bytes() for path in (folder / "chunks").glob("[0-9]*.h5")}


@pytest.mark.parametrize("method", ["cma", "genetic", "xdream"])
def test_a_unit_of_a_model_and_going_on(method, tmp_path):
    how = ("--method", method, "--output", tmp_path, "--name", "evolve")
    shown = dgnam_evolve("caffenet-mini", "fc8:42", *how, *FEW)
    folder = tmp_path / "evolve-1"
    assert f"==> made: {folder}/ with grid.png" in shown
    assert Image.open(folder / "best.png").size == (64, 64)
    record = json.loads((folder / "run.json").read_text())
    spec = record["spec"]
    assert (record["task"], spec["target"], spec["objective"]) == ("evolve", "caffenet-mini", "fc8:42")
    resume(folder, "--generations", 3)
    assert len(chunks(folder)) == 3
    dgnam_evolve("caffenet-mini", "fc8:42", *how, *FEW, "--generations", 3)
    assert chunks(folder) == chunks(tmp_path / "evolve-2")


def test_a_callable(tmp_path, monkeypatch):
    (tmp_path / "lab_of_test.py").write_text("def red(images):\n    return images[..., 0].mean((1, 2))\n")
    monkeypatch.syspath_prepend(tmp_path)
    dgnam_evolve("--score", "lab_of_test:red", "--output", tmp_path / "runs", "--name", "evolve", *FEW)
    folder = tmp_path / "runs/evolve-1"
    with pytest.raises(DgnamError, match="was begun with the score lab_of_test:red: pass it again"):
        resume(folder, "--generations", 3)
    resume(folder, "--score", "lab_of_test:red", "--generations", 3)
    assert len(chunks(folder)) == 3


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    (tmp_path / "hand_of_test.py").write_text("def stop(images):\n    raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    shown = CliRunner().invoke(app, ["--score", "hand_of_test:stop", "--output", str(tmp_path / "runs"), *FEW])
    assert shown.exit_code == 130
    assert "stopped after 0 of 2 generations; resume it: dgnam resume" in shown.stderr


def test_a_laboratorys_loop(tmp_path):
    folder = tmp_path / "neuron"
    dgnam_evolve("new", folder, "--method", "genetic", "--population", 3)
    with pytest.raises(DgnamError, match="generation 0 has no pictures yet: dgnam evolve ask"):
        dgnam_evolve("tell", folder)
    for generation in range(2):
        dgnam_evolve("ask", folder)
        table = folder / f"stimuli/{generation:05d}/scores.csv"
        dgnam_evolve("ask", folder)
        with open(table, newline="") as file:
            names = [row["image"] for row in csv.DictReader(file)]
        scores = [np.asarray(Image.open(table.parent / name)).mean() for name in names]
        with open(table, "w", newline="") as file:
            csv.writer(file).writerows([("image", "score"), *zip(names, scores, strict=True)])
        shown = dgnam_evolve("tell", folder, *([table] if generation else []))
        assert f"generation {generation}: best {max(scores):.6g}" in shown
    with pytest.raises(DgnamError, match=r"'00001-00\.png' is none of generation 2's pictures"):
        dgnam_evolve("tell", folder, table)
    with pytest.raises(DgnamError, match="holds a run of 'search'; dgnam evolve ask"):
        resume(folder)
    with pytest.raises(DgnamError, match="is not empty"):
        dgnam_evolve("new", folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("caffenet-mini",), "say what to maximize"),
        (("caffenet-mini", "fc8:200"), "layer 'fc8' has 200 units"),
        (("caffenet-mini", "fc8:lemmon"), r"the closest: lemon \(187\)"),
        (("caffenet-mini", "fc9:2"), "fc9"),
        (("caffenet-mini", "fc8"), "say which unit of layer 'fc8', as fc8:0"),
        (("deepsim-fc6-mini", "fc8:1"), "target 'deepsim-fc6-mini' is a generator"),
        (("caffenet-mini", "fc8:1", "--prior", "judge-mini"), "prior 'judge-mini' is a classifier"),
        (("caffenet-mini", "fc8:1", "--method", "cmaes"), "method 'cmaes': give one of cma, "),
        (("caffenet-mini", "fc8:1", "--population", "1"), "population 1"),
        (("caffenet-mini", "fc8:1", "--score", "a:b"), "not both"),
        (("--score", "nothing"), r"write package\.module:name"),
        (("tel", "folder"), "target 'tel' is not known"),
    ],
)
def test_bad_input_is_one_error_and_leaves_nothing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DgnamError, match=message):
        dgnam_evolve(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_best_of_a_search_are_measured_again_by_files(tmp_path):
    folder = tmp_path / "neuron"
    dgnam_evolve("new", folder, "--method", "genetic", "--population", 3)
    for option in ((), ("--remeasure", "2", "--repeats", "3")):
        shown = dgnam_evolve("ask", folder, *option)
        made = sorted((folder / "stimuli").iterdir())[-1]
        assert f"made: {made}/" in shown
        with open(made / "scores.csv", newline="") as file:
            names = [row["image"] for row in csv.DictReader(file)]
        rows = [("image", "score"), *((name, f"{k},5") for k, name in enumerate(names))]
        (made / "scores.csv").write_text("\n".join(";".join(row) for row in rows))
        told = dgnam_evolve("tell", folder, *(["--remeasure"] if option else []))
    assert len(names) == 9
    assert [line.split(":")[0] for line in told.splitlines()] == ["mean", "best-1", "best-2"]
    shown = dgnam_evolve("status", folder)
    assert "1 generations, 3 pictures scored" in shown
    assert "measured again: best-2" in shown
    assert f"next: dgnam evolve ask {folder}" in shown
    assert f"made: {folder}/movies/mean.gif" in dgnam_evolve("movie", folder)


def test_a_movie_and_measurements_of_a_run(tmp_path):
    options = ("--movies", "gif", "--remeasure", "2", "--repeats", "3", "--output", tmp_path, "--name", "evolve")
    shown = dgnam_evolve("caffenet-mini", "fc8:42", *options, *FEW)
    assert "measured again: the best of 2" in shown
    assert "(n=3)" in shown
    assert (tmp_path / "evolve-1/movies/000.gif").is_file()
    assert "2 generations, 8 pictures scored" in dgnam_evolve("status", tmp_path / "evolve-1")


def test_help_shows_the_three_ways():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(command in shown for command in ("run", "new", "ask", "tell", "status", "movie"))
