"""README and the folders' pages hold what works: their Python examples and their commands."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import typer.main
from PIL import Image

import dgnam
from dgnam import zoo
from dgnam.cli import app as cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md")), *sorted((ROOT / "dgnam").glob("*/README.md"))]
RUN = ("README.md", "dgnam/am/README.md", "dgnam/runs/README.md")
"""The pages whose commands are run; those of the others need data, a network or an hour, and are parsed."""

FEW = {
    "synthesize": ["--n-iters", "2"],
    "sweep": ["--n-iters", "2"],
    "tune": ["--n-iters", "1,2", "--trials", "2"],
    "evolve": ["--generations", "2"],
    "evolve new": [],
    "evolve ask": [],
    "evolve tell": [],
    "evolve status": [],
}
"""Options appended to a command, so that it takes seconds."""

LEFT_OUT = ("doctor", "reproduce")
"""Commands that have tests of their own."""

MODULES = {
    "my_models.py": """
        from torch import nn
        from dgnam.am import TorchTarget
        module = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
        target = TorchTarget(module, size=(64, 64))
    """,
    "my_lab.py": """
        def neuron(pictures):
            return pictures[..., 0].mean((1, 2))
    """,
}


def examples(page):
    """The Python examples of a page, in order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page):
    """The `dgnam` commands of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^    (dgnam (?!caffe ).+?)(?:  +#.*)?$", text, re.MULTILINE)


def run_example(code):
    """Run an example; returns the names that it defines."""
    names: dict = {}
    exec(compile(code, "example", "exec"), names)
    return names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a net, pictures and modules of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = zoo.get("caffenet-mini")
    shutil.copy(entry.prototxt, "deploy.prototxt")
    shutil.copy(entry.weights_path(), "net.caffemodel")
    names = "\n".join(label.name for label in entry.labels())
    Path("classes.txt").write_text(names + "\n", encoding="utf-8")
    Path("pictures").mkdir()
    draw = np.random.default_rng(0)
    for k in range(3):
        Image.fromarray(draw.integers(0, 256, (70, 80, 3)).astype(np.uint8)).save(f"pictures/{k}.png")
    for name, code in MODULES.items():
        Path(name).write_text(re.sub(r"^ {8}", "", code, flags=re.MULTILINE), encoding="utf-8")
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(Path(name).stem, None)


@pytest.fixture
def few_steps(monkeypatch):
    """`visualize` with 10 steps where an example leaves their number out."""
    whole = dgnam.visualize
    monkeypatch.setattr(
        dgnam, "visualize", lambda *given, **how: whole(*given, **{"n_iters": 10, **how}), raising=False
    )


def test_a_caffe_net(folder, few_steps):
    found = run_example(examples("README.md")[0])["found"]
    assert found.images.shape == (2, 56, 56, 3)
    assert (found.activations > found.traces[:, 0]).all()
    assert Path("grid.png").is_file()


def test_a_torch_module(folder, few_steps):
    code = examples("README.md")[1].replace("found.show()", "")
    found = run_example(code)["found"]
    assert found.images.shape == (2, 96, 96, 3)
    assert np.isfinite(found.activations).all()


def test_a_measured_neuron(folder):
    found = run_example(examples("README.md")[2])["found"]
    assert found.traces[0, -1] > found.traces[0, 0]
    assert Path("neuron-12/images/000.png").is_file()


def test_a_transformer(folder):
    found = run_example(examples("dgnam/am/README.md")[0])["found"]
    assert found.images.shape == (3, 64, 64, 3)
    assert (found.activations > found.traces[:, 0]).all()


def test_a_search_by_turns(folder):
    names = run_example(examples("dgnam/am/README.md")[1])
    assert names["search"].generation == 3


def test_piece_by_piece(folder):
    found = run_example(examples("dgnam/am/README.md")[2])["found"]
    with Image.open("goldfish.png") as picture:
        assert picture.size == (56, 56)
    assert found.codes.shape == (4, 768)
    assert (found.last_activations > found.activations[:, 0]).all()


def test_loading_a_run(folder):
    names = run_example(examples("dgnam/runs/README.md")[0])
    assert (names["again"].images == names["run"].images).all()


def test_every_example_is_tested():
    assert [len(examples(page)) for page in RUN] == [3, 3, 1]


@pytest.mark.parametrize("page", RUN)
def test_commands_run(folder, monkeypatch, capsys, published_in_two_steps, page):
    for command in commands(page):
        words = shlex.split(command)[1:]
        name = " ".join(words[:2]) if " ".join(words[:2]) in FEW else words[0]
        if name in LEFT_OUT:
            continue
        if name == "evolve tell":
            fill_in(max((Path(words[2]) / "stimuli").iterdir()) / "scores.csv")
        monkeypatch.setattr(sys, "argv", ["dgnam", *words, *FEW.get(name, [])])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code in (0, None), f"{command}: {capsys.readouterr().err}"
        capsys.readouterr()


def fill_in(table):
    """Write scores into a table of `evolve ask`."""
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *(f"{row.split(',')[0]},{k}" for k, row in enumerate(rows))]) + "\n")


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_commands_parse(page):
    for command in commands(page):
        parse(typer.main.get_command(cli.app), shlex.split(command)[1:])


@pytest.mark.parametrize("command", ["synthesize caffenet-mini fc8:3 --iters 3", "models lst", "search", "show"])
def test_a_wrong_command_does_not_parse(command):
    with pytest.raises(Exception, match=r"(?i)no such|missing"):
        parse(typer.main.get_command(cli.app), command.split())


def parse(command, words, parent=None):
    """Parse a command's words down to its last subcommand; unknown names and options raise."""
    context = command.make_context(command.name, list(words), parent=parent)
    rest = [*getattr(context, "_protected_args", ()), *context.args]
    if hasattr(command, "resolve_command") and rest:
        _, found, rest = command.resolve_command(context, rest)
        parse(found, rest, context)


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
