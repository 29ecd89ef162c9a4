"""How the house is laid out: imports go down only, packages stay in their rooms, nothing lies where it should not."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

# From the top down.  A module imports from its own part and from parts of lower tiers, not from another part of its
# own tier; `dgnam/__init__.py` lies below all but what is chosen of the process, before torch is imported.
TIERS = (
    *(
        ("__main__",),
        ("cli",),
        ("doctor", "bench", "experiments", "atlas"),
        ("api",),
        ("train",),
        ("measure", "figures"),
    ),
    *(("am",), ("data", "zoo", "runs"), ("caffe",), ("files",), ("errors",), ("",), ("process",)),
)
HEIGHT = {part: -depth for depth, tier in enumerate(TIERS) for part in tier}

NOUNS = ("targets", "priors", "starts", "regularizers", "steps")
"""The packages of `dgnam.am` that are independent of each other."""

ROOMS = {
    "typer": ("dgnam.cli", "dgnam.caffe.tools"),
    "optuna": ("dgnam.am.tuning",),
    "cma": ("dgnam.am.evolve",),
    "jinja2": ("dgnam.atlas",),
    "markupsafe": ("dgnam.atlas",),
    "fissix": ("dgnam.caffe.launch.python2",),
    "pooch": ("dgnam.zoo.download",),
    "ray": ("dgnam.runs.executor",),
    "fsspec": ("dgnam.runs.executor",),
    "torch": tuple(f"dgnam.{part}" for part in HEIGHT if part not in ("", "experiments", "atlas")),
}
"""Packages of others, and where alone they may be imported."""

TOP_LEVEL = {
    *("setup.py", "README.md", "dgnam", "prototxt", "models", "experiments", "tests", "Makefile", "docker"),
    *("LICENSE", "CHANGELOG.md", "CITATION.cff"),
}
DEVELOPER_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|work|Users)/[\w.]")


class Import(NamedTuple):
    """A module, what it imports, both dotted, and where that is said."""

    module: str
    target: str
    place: str


def named(node: ast.AST, package: str) -> list[str]:
    """The dotted names that a node in a module of `package` may import, `from a import b` as a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = [*above, *([node.module] if node.module else [])]
        return [".".join((*base, alias.name)) for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("optional_module", "import_module")):
        return [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    return []


def imports(root: Path) -> list[Import]:
    """All imports of our modules, also those inside functions and under TYPE_CHECKING.

    Of the front page, `dgnam/__init__.py`, not the names that only editors see.
    """
    found = []
    for folder, package in (("dgnam", "dgnam"), ("experiments", "dgnam.experiments")):
        for path in sorted((root / folder).rglob("*.py")):
            inner = path.relative_to(root / folder).with_suffix("").parts
            module = ".".join((package, *(p for p in inner if p != "__init__")))
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if module == "dgnam":
                tree.body = [node for node in tree.body if not ast.unparse(node).startswith("if TYPE_CHECKING:")]
            within = module if path.name == "__init__.py" else module.rpartition(".")[0]
            for node in ast.walk(tree):
                place = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"
                found += [Import(module, target, f"{place} imports {target}") for target in named(node, within)]
    return found


def upward(found: list[Import]) -> Iterator[str]:
    """The imports that do not go down, and those of a part without a tier."""
    parts = {one.module.split(".")[1] for one in found if "." in one.module} | set(HEIGHT)
    for one in (one for one in found if one.target.split(".")[0] == "dgnam"):
        parted = (name.split(".")[1:2] for name in (one.module, one.target))
        source, target = (second[0] if second and second[0] in parts else "" for second in parted)
        if source not in HEIGHT or (source != target and HEIGHT.get(target, 1) >= HEIGHT.get(source, 1)):
            yield one.place


def astray(found: list[Import]) -> Iterator[str]:
    """The imports of one noun of `dgnam.am` by another, and of packages outside their rooms."""
    for one in found:
        own, other = one.module.split("."), one.target.split(".")
        nouns = {path[2] for path in (own, other) if path[:2] == ["dgnam", "am"] and path[2:3] and path[2] in NOUNS}
        if len(nouns) == 2:
            yield one.place
        if other[0] in ROOMS and not f"{one.module}.".startswith(tuple(f"{room}." for room in ROOMS[other[0]])):
            yield one.place


def project_files() -> list[Path]:
    """What git tracks or would track."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_imports_go_down_and_stay_in_their_rooms() -> None:
    found = imports(ROOT)
    assert all((ROOT / "dgnam" / "am" / noun / "__init__.py").is_file() for noun in NOUNS)
    assert [*upward(found), *astray(found)] == []


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("dgnam/caffe/net.py", "from dgnam.am.settings import Settings"),
        ("dgnam/caffe/layer_types/lrn.py", "from ...am import config"),
        ("dgnam/zoo.py", "from dgnam import am"),
        ("dgnam/zoo.py", "from . import runs"),
        ("dgnam/am/__init__.py", "def late():\n    from ..measure import judge"),
        ("dgnam/new/room.py", "from ..errors import DgnamError\nfrom ..caffe import net"),
        ("experiments/fig1.py", "from ..cli import main"),
        ("dgnam/__init__.py", "from .caffe import net"),
        ("dgnam/am/priors/pixels.py", "from ..starts import Start"),
        ("dgnam/am/priors/pixels.py", "from dgnam.am.starts.start import Start"),
        ("experiments/fig1.py", "import torch.nn"),
        ("dgnam/am/search.py", "import optuna"),
        ("dgnam/api/evolve.py", 'def late():\n    return optional_module("cma", "this", "cma")'),
        ("dgnam/api/evolve.py", "from typer import Exit"),
        ("dgnam/api/visualize.py", "import ray"),
        ("dgnam/api/report.py", "from ..atlas import build"),
        ("dgnam/atlas/site.py", "from dgnam.experiments import find_experiments"),
        ("dgnam/atlas/pages.py", "import torch"),
        ("dgnam/figures/grid.py", "import jinja2"),
        ("dgnam/runs/run.py", 'def late():\n    return optional_module("fsspec", "this", "dgnam[ray]")'),
    ],
)
def test_what_imports_the_wrong_way_is_found(tmp_path: Path, importer: str, statement: str) -> None:
    allowed = {
        "dgnam/am/priors/pixels.py": "from ..checks import whole_number\nfrom . import generator",
        "dgnam/am/evolve/cma_es.py": 'import numpy\noptional_module("cma", "this", "cma")',
        "experiments/fig1.py": "from dgnam.api.visualize import visualize",
        "dgnam/cli/app.py": "import typer.main\nfrom .. import __version__",
    }
    for file, text in {**allowed, importer: statement}.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    found = imports(tmp_path)
    assert {place.split(":")[0] for place in (*upward(found), *astray(found))} == {importer}


def test_no_catch_all_modules() -> None:
    names = ("utils", "util", "helpers", "helper", "misc", "common")
    assert [path for path in project_files() if path.suffix == ".py" and path.stem in names] == []


def test_the_top_levels_are_the_agreed_ones() -> None:
    visible = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert {name for name in visible if not name.startswith(".")} <= TOP_LEVEL
    assert {path.stem for path in (ROOT / "dgnam").glob("*.py")} == {"__init__", "__main__", "errors", "doctor"}


def test_no_paths_of_a_developers_machine() -> None:
    for path in project_files():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found = DEVELOPER_PATH.search(content.decode("utf-8", errors="replace"))
            assert found is None, f"{path.relative_to(ROOT)}: {found.group()}…"


@pytest.mark.parametrize("text", ["see |home|ann|dgnam", "PATH=|work|main", "'|root|.cache'", "file:|||Users|ann"])
def test_a_developers_path_is_found(text: str) -> None:
    assert DEVELOPER_PATH.search(text.replace("|", "/"))
    assert not any(
        DEVELOPER_PATH.search(other) for other in ("~|work|x".replace("|", "/"), "docs/home/x", "https://a.org/root/x")
    )
