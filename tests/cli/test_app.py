"""The command line: what it makes, and one clear line for what can't be done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dgnam.cli import app as cli
from dgnam.errors import DgnamError


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from dgnam.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**{k: v for k, v in os.environ.items() if k not in ("DGNAM_DATA", "DGNAM_HOME")}, **environment},
    )


def test_help_names_the_commands():
    shown = run("--help")
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in ("reproduce", "act-range", "doctor", "layers", "models", "train"))


def test_units_are_numbers_and_ranges():
    assert cli.parse_units("3, 17,40-42") == [3, 17, 40, 41, 42]
    for text in ("", "a", "3-", "5-3", "1,,2", "²"):
        with pytest.raises(DgnamError, match="write numbers and ranges"):
            cli.parse_units(text)


def test_models_are_listed_with_what_is_here(tmp_path):
    shown = run("models", "list", DGNAM_HOME=str(tmp_path))
    rows = {line.split()[0]: line.split()[1:3] for line in shown.stdout.splitlines()}
    assert rows["caffenet-mini"] == ["mini", "here"]
    assert rows["caffenet"] == ["published", "missing"]


def test_layers_are_listed_without_weights(tmp_path):
    shown = run("layers", "places205-alexnet", DGNAM_HOME=str(tmp_path))
    assert shown.returncode == 0
    assert "fc8:abbey" in shown.stdout.split()
    assert "conv5:0@6,6" in shown.stdout.split()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("layers", "caffenett"), "there is no model 'caffenett'; the known ones, the closest first: caffenet"),
        (("reproduce", "fig2"), "there is no experiment 'fig2'; the known ones: fig1"),
        (("reproduce", "fig1", "--models", "big"), "models 'big': give one of mini, paper"),
        (("reproduce", "fig1", "--units", "0,200"), "units 200: fc8 of 'caffenet-mini' has units 0 to 199"),
        (("reproduce", "fig1", "--units", "0-9999999999"), "units 200, 201, 202, …: fc8 of 'caffenet-mini'"),
        (("blind", "score", "runs", "absent.txt"), "runs/blind/key.json is missing: write the sheet first"),
        (("reproduce", "fig1", "--device", "gpu"), "device 'gpu': give cpu, cuda or cuda:<index>"),
        (("reproduce", "fig1", "--units", "x"), "'x' is no unit or range"),
        (
            ("models", "fetch", "caffenett"),
            "there is no model 'caffenett'; the known ones, the closest first: caffenet",
        ),
        (("train", "caffenet-mini"), "no data folder: give one with --data"),
        (("train", "caffenet-mini", "--data", "/nowhere"), "the data folder /nowhere is not a folder"),
        (("train", "caffenet-mini", "--precision", "float32"), "'caffenet-mini' has its own recipe: --weights and"),
        (("train", "absent/solver.prototxt"), "absent/solver.prototxt"),
        (("train", "caffenet-min"), "no recipe for 'caffenet-min'; there are: caffenet-mini"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, message, tmp_path):
    if arguments[0] == "reproduce":
        arguments = (*arguments, "--output", tmp_path, "--quiet")
    if arguments[0] == "train":
        arguments = (*arguments, "--run", tmp_path / "run")
    shown = run(*arguments)
    assert shown.returncode == cli.BAD_INPUT
    assert message in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "run"])


def test_a_net_of_one_s_own_is_trained_from_its_solver(nets, data_folder, tmp_path):
    arguments = ("train", nets / "classifier_solver.prototxt", "--data", data_folder, "--run", tmp_path / "run")
    first = run(*arguments, "--time-limit", 0)
    assert first.returncode == cli.STOPPED, first.stderr
    done = run(*arguments, "--quiet")
    assert done.stdout == f"==> made: {tmp_path / 'run' / 'tiny.caffemodel'}\n", done.stderr


@pytest.mark.parametrize("name", ["caffenet-mini", "caffenet-mini-4000"])
def test_a_snapshot_s_run_folder_is_that_of_the_training_it_is_of(name, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(cli.publish, "make", lambda name, folder, **how: given.append((name, folder)))
    monkeypatch.setattr(sys, "argv", ["dgnam", "train", name, "--data", "sets", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.STOPPED
    assert given == [(name, Path("runs/train-caffenet-mini"))]
    assert "stopped at a checkpoint in runs/train-caffenet-mini;" in capsys.readouterr().out


def test_figure_1_with_the_papers_models_says_how_to_get_them(tmp_path):
    offline = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    home = tmp_path / "home"
    shown = run(
        "reproduce", "fig1", "--models", "paper", "--output", tmp_path / "runs", DGNAM_HOME=str(home), **offline
    )
    assert shown.returncode == cli.BAD_INPUT
    assert "fig1 can't run" in shown.stderr
    assert "put the file there" in shown.stderr
    for missing in ("caffenet/bvlc_reference_caffenet", "deepsim-fc6/generator", "deepsim-fc6/act_range_3x_fc6.txt"):
        assert str(home / missing) in shown.stderr
    assert not (tmp_path / "runs").exists()


def test_figure_1_twice_gives_the_same_bytes(tmp_path):
    for _ in range(2):
        shown = run("reproduce", "fig1", "--units", "0,25", "--seed", 1, "--output", tmp_path, "--quiet")
        assert shown.returncode == 0, shown.stderr
    first, second = (tmp_path / f"fig1-mini-{n}" for n in (1, 2))
    assert f"==> made: {second}/" in shown.stdout
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert {"run.json", "numbers.json", "dgn_am.png", "dgn_am.h5", "pixels.png", "random_codes.png"} <= set(
        map(str, files)
    )
    assert "dgn_am/fc8_0025_200_0.99_8.0__1.png" in map(str, files)
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    numbers = json.loads((first / "numbers.json").read_text())
    assert (numbers["units"], numbers["paper"]) == (2, None)
    assert numbers["dgn_am"]["target_top1"] > numbers["random_codes"]["target_top1"]
