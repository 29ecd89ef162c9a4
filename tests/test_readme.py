"""What README shows works as it stands: its Python examples, and the commands of its pages."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam.am import released
from dgnam.am.tuning import tune as hyperparameters
from dgnam.cli import app as cli
from dgnam.zoo import registry as zoo

README = Path(__file__).parents[1] / "README.md"
FEW = {"synthesize": ["--iters", "2"], "sweep": ["--iters", "2"], "search": ["--n-iters", "1,2"]}
"""So that a command takes seconds: what is appended to it."""


def sections():
    """The pages by their headings."""
    parts = re.split(r"^## (.+)$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def run_example(heading):
    """Run a page's first Python example; returns the names that it defines."""
    example = re.findall(r"```python\n(.*?)```", sections()[heading], re.DOTALL)[0]
    names: dict = {}
    exec(compile(example, f"{README}: {heading}", "exec"), names)
    return names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a net of one's own, and pictures."""
    monkeypatch.chdir(tmp_path)
    entry = zoo.get("caffenet-mini")
    shutil.copy(entry.prototxt, "deploy.prototxt")
    shutil.copy(entry.weights_path(), "net.caffemodel")
    names = "\n".join(label.name for label in entry.labels())
    Path("classes.txt").write_text(names + "\n", encoding="utf-8")
    Path("pictures").mkdir()
    draw = np.random.default_rng(0)
    for k in range(3):
        Image.fromarray(draw.integers(0, 256, (70, 80, 3)).astype(np.uint8)).save(f"pictures/{k}.png")
    return tmp_path


def test_piece_by_piece(folder):
    names = run_example("In Python, piece by piece")
    with Image.open("goldfish.png") as picture:
        assert picture.size == (56, 56)
    assert names["found"].codes.shape == (8, 384)
    assert (names["found"].last_activations > names["found"].activations[:, 0]).all()


def test_a_torch_model(folder):
    found = run_example("A torch model")["found"]
    assert found.images.shape == (4, 96, 96, 3)
    assert (found.activations > found.traces[:, 0]).all()
    assert Path("grid.png").is_file()


def test_a_neuron_that_can_only_be_measured(folder):
    found = run_example("A neuron that can only be measured")["found"]
    assert found.traces[0, -1] > found.traces[0, 0]
    assert Path("best.png").is_file()
    assert Path("neuron-12/search-000/best.png").is_file()


def commands(heading):
    return re.findall(r"^    (dgnam (?!doctor).+?)(?:  +#.*)?$", sections()[heading], re.MULTILINE)


@pytest.mark.parametrize("command", commands("One picture of one neuron of your own Caffe model"))
def test_a_command_for_a_caffe_model(folder, monkeypatch, capsys, command):
    few = {"released": released(n_iters=2)}
    monkeypatch.setattr(hyperparameters, "published_settings", lambda: few)
    args = shlex.split(command)
    monkeypatch.setattr(sys, "argv", [*args, *FEW.get(args[1], [])])
    cli_main(capsys)


def test_the_commands_for_a_rig(folder, monkeypatch, capsys):
    given = commands("A neuron that can only be measured")
    assert len(given) == 3
    for command in given:
        if " tell " in command:
            table = Path("neuron-13/stimuli/00000/scores.csv")
            head, *rows = table.read_text().splitlines()
            table.write_text("\n".join([head, *(f"{row.split(',')[0]},{k}" for k, row in enumerate(rows))]) + "\n")
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        cli_main(capsys)
    assert Path("neuron-13/generations/00000.h5").is_file()


def cli_main(capsys):
    """The command in `sys.argv` ends well."""
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None), capsys.readouterr().err
