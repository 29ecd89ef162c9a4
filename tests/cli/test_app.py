"""The command line: what it makes, and one clear line for what can't be done."""

import ast
import inspect
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from dgnam.cli import app as cli
from dgnam.cli.reproduce import parse_units
from dgnam.cli.terminal import printable
from dgnam.errors import DgnamError
from dgnam.runs import BAD_INPUT, STOPPED
from dgnam.train import zoo as train_zoo


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
    assert all(command in shown.stdout for command in cli.COMMANDS)
    assert not any(f"  {command} " in shown.stdout for command in cli.MAINTAINERS)


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name not in ("evolve", "models", "data", "caffe")])
def test_the_list_says_what_a_commands_own_help_says(name):
    entry = cli.COMMANDS[name]
    function = getattr(import_module(f"dgnam.cli.{entry.module}"), entry.attribute)
    own = inspect.getdoc(function).splitlines()[0]
    assert own.split()[0] == entry.help.split()[0]


def test_an_option_of_several_commands_is_declared_once():
    places = {}
    for path in sorted(Path(cli.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Option", "typer.Argument"):
                text = next((ast.unparse(one.value) for one in node.keywords if one.arg == "help"), path.name)
                places.setdefault(text, set()).add(path.name)
    assert {text: files for text, files in places.items() if len(files) > 1} == {}


def test_help_imports_no_torch():
    code = "import sys\nfrom dgnam.cli import main\nsys.argv = ['dgnam', '--help']\ntry:\n    main()\n"
    code += "finally:\n    print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "False"


def test_names_out_of_files_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\u202ec\x9bé\n") == "a\\x1b[2Jb\\u202ec\\x9bé\n"


def test_units_are_numbers_and_ranges():
    assert parse_units("3, 17,40-42") == [3, 17, 40, 41, 42]
    for text in ("", "a", "3-", "5-3", "1,,2", "²"):
        with pytest.raises(DgnamError, match="--units"):
            parse_units(text)


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
        (("reproduce", "fig1", "--models", "big"), "models 'big': give one of mini, 128, paper"),
        (("reproduce", "fig1", "--units", "0,200"), "units 200: fc8 of 'caffenet-mini' has units 0 to 199"),
        (("reproduce", "fig1", "--units", "0-9999999999"), "units 200, 201, 202, …: fc8 of 'caffenet-mini'"),
        (("blind", "score", "runs", "absent.txt"), "runs/blind/key.json is missing: write the sheets first"),
        (("reproduce", "fig1", "--device", "gpu"), "device 'gpu': use cpu, cuda or cuda:<index>"),
        (("reproduce", "fig1", "--units", "x"), "'x' is not a unit or range"),
        (
            ("models", "fetch", "caffenett"),
            "there is no model 'caffenett'; the known ones, the closest first: caffenet",
        ),
        (("train", "caffenet-mini"), "is there already, with its checksum in the registry: give --replace"),
        (
            ("train", "caffenet-mini", "--replace"),
            "no data folder: set the environment variable DGNAM_DATA, or give --data",
        ),
        (("train", "caffenet-mini", "--replace", "--data", "/nowhere"), "the data folder /nowhere is not a folder"),
        (
            ("train", "caffenet-mini", "--precision", "float32"),
            "'caffenet-mini' has its own recipe: weights, ",
        ),
        (("train", "absent/solver.prototxt"), "absent/solver.prototxt"),
        (("train", "caffenet-min"), "no recipe for 'caffenet-min'; there are: caffenet-mini"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, message, tmp_path, monkeypatch, capsys):
    if arguments[0] == "reproduce":
        arguments = (*arguments, "--output", tmp_path, "--quiet")
    if arguments[0] == "train":
        arguments = (*arguments, "--run", tmp_path / "run")
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (ended.value.code, len(said.splitlines())) == (BAD_INPUT, 1)
    assert message in said
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "run"])


def test_a_net_of_one_s_own_is_trained_from_its_solver(nets, data_folder, tmp_path):
    arguments = ("train", nets / "classifier_solver.prototxt", "--data", data_folder, "--run", tmp_path / "run")
    first = run(*arguments, "--time-limit", 0)
    assert first.returncode == STOPPED, first.stderr
    done = run(*arguments, "--quiet")
    assert done.stdout == f"==> made: {tmp_path / 'run' / 'tiny.caffemodel'}\n", done.stderr


@pytest.mark.parametrize("name", ["caffenet-mini", "caffenet-mini-4000"])
def test_a_snapshot_s_run_folder_is_that_of_the_training_it_is_of(name, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(train_zoo, "build_model", lambda name, folder, **how: given.append((name, folder)))
    monkeypatch.setattr(sys, "argv", ["dgnam", "train", name, "--data", "sets", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == STOPPED
    assert given == [(name, Path("runs/train-caffenet-mini"))]
    assert "stopped at a checkpoint in runs/train-caffenet-mini;" in capsys.readouterr().out


def test_figure_1_with_the_papers_models_says_how_to_get_them(tmp_path):
    offline = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    home = tmp_path / "home"
    shown = run(
        "reproduce", "fig1", "--models", "paper", "--output", tmp_path / "runs", DGNAM_HOME=str(home), **offline
    )
    assert shown.returncode == BAD_INPUT
    assert "fig1 is blocked" in shown.stderr
    assert "put the file there" in shown.stderr
    for missing in ("caffenet/bvlc_reference_caffenet", "deepsim-fc6/generator", "deepsim-fc6/act_range_3x_fc6.txt"):
        assert str(home / missing) in shown.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.exhaustive
def test_figure_1_twice_gives_the_same_bytes(tmp_path):
    for _ in range(2):
        shown = run(
            "reproduce", "fig1", "--scale", "smoke", "--units", "0,25", "--seed", 1, "--output", tmp_path, "--quiet"
        )
        assert shown.returncode == 0, shown.stderr
    first, second = (tmp_path / f"fig1-mini-{n}" for n in (1, 2))
    assert f"==> made: {second}/" in shown.stdout
    files = [p.relative_to(first) for p in first.rglob("*") if p.is_file() and p.name != "events.jsonl"]
    assert {"run.json", "numbers.json", "dgn_am.png", "pixels.png", "random_codes.png"} <= set(map(str, files))
    assert {"dgn_am/images/fc8_0025_03_0.99_8.0__1.png", "pixels/chunks/00000.h5"} <= set(map(str, files))
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    numbers = json.loads((first / "numbers.json").read_text())
    assert (numbers["units"], numbers["paper"]) == (2, None)
    assert numbers["dgn_am"]["target_top1"] > numbers["random_codes"]["target_top1"]


@pytest.mark.parametrize("closed", ["2>&-", "2>&- >&- <&-", "2>/dev/full"])
def test_a_command_runs_with_its_streams_closed(tmp_path, closed):
    command = f'"{sys.executable}" -m dgnam synthesize caffenet-mini fc8:0 --n-iters 1 --output "{tmp_path}" {closed}'
    assert subprocess.run(["sh", "-c", command], env=os.environ).returncode == 0
    assert (tmp_path / "caffenet-mini-fc8-0-1/grid.png").is_file()


def test_an_error_of_the_system_is_said_without_its_number():
    shown = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m dgnam models list >/dev/full'], capture_output=True, text=True
    )
    assert "Errno" not in shown.stderr
    assert "Traceback" not in shown.stderr
