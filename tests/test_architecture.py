"""How the house is laid out: imports go down only, and nothing lies where it should not."""

from __future__ import annotations

import ast
import graphlib
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
    ("__main__",),
    ("cli",),
    ("doctor", "experiments"),
    ("api",),
    ("train",),
    ("measure", "figures"),
    ("am",),
    ("data", "zoo", "runs"),
    ("caffe",),
    ("files",),
    ("errors",),
    ("",),
    ("process",),
)
HEIGHT = {part: -depth for depth, tier in enumerate(TIERS) for part in tier}

NOUNS = ("targets", "priors", "starts", "regularizers", "steps")
"""The packages of `dgnam.am` that are independent of each other."""

TOP_LEVEL = {
    *("setup.py", "README.md", "dgnam", "prototxt", "models", "experiments", "tests", "Makefile", "docker"),
    *("LICENSE", "CHANGELOG.md", "CITATION.cff"),
}
DEVELOPER_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|work|Users)/[\w.]")


class Arrow(NamedTuple):
    """One import: the part and the place that it is in, the part that it is of."""

    source: str
    target: str
    place: str


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """The dotted name and the file of each of our modules, experiments under the name that they are installed as."""
    for folder, package in (("dgnam", "dgnam"), ("experiments", "dgnam.experiments")):
        for path in sorted((root / folder).rglob("*.py")):
            inner = path.relative_to(root / folder).with_suffix("").parts
            yield ".".join((package, *(p for p in inner if p != "__init__"))), path


def imported(node: ast.AST, package: str) -> list[str]:
    """The dotted names that an import statement in a module of `package` may reach, `from a import b` as a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = [*above, *([node.module] if node.module else [])]
    return [".".join((*base, alias.name)) for alias in node.names]


def part_of(name: str, parts: set[str]) -> str:
    """The part of `dgnam` that a dotted name lies in; '' for what `dgnam/__init__.py` itself defines."""
    second = name.split(".")[1:2]
    return second[0] if second and second[0] in parts else ""


def statements(path: Path, front: bool) -> Iterator[ast.AST]:
    """All nodes of a module; of the front page, `dgnam/__init__.py`, not the names that only editors see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if front:
        tree.body = [node for node in tree.body if ast.unparse(node).splitlines()[0] != "if TYPE_CHECKING:"]
    return ast.walk(tree)


def arrows(root: Path) -> list[Arrow]:
    """All imports between our parts, those inside functions and under TYPE_CHECKING too."""
    found = []
    ours = list(modules(root))
    parts = {name.split(".")[1] for name, _ in ours if "." in name}
    for name, path in ours:
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in statements(path, name == "dgnam"):
            for target in imported(node, package):
                if target.split(".")[0] == "dgnam":
                    place = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)} imports {target}"
                    found.append(Arrow(part_of(name, parts), part_of(target, parts), place))
    return [arrow for arrow in found if arrow.source != arrow.target]


def allowed(arrow: Arrow) -> bool:
    """Whether an import goes down; a part without a tier counts as the highest."""
    return HEIGHT.get(arrow.target, 1) < HEIGHT.get(arrow.source, 1)


def noun_arrows(root: Path) -> list[str]:
    """All imports between two of the nouns of `dgnam.am`."""
    found = []
    for name, path in modules(root):
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        own = name.split(".")[2:3]
        if name.startswith("dgnam.am.") and own[0] in NOUNS:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for target in imported(node, package):
                    other = target.split(".")[2:3]
                    if target.startswith("dgnam.am.") and other != own and other[0] in NOUNS:
                        found.append(f"{path.relative_to(root)}: {target}")
    return found


def project_files() -> list[Path]:
    """What git tracks or would track."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_every_part_has_its_tier() -> None:
    parts = {name.split(".")[1] for name, _ in modules(ROOT) if "." in name}
    assert parts <= set(HEIGHT), "say in TIERS what may import it"


def test_imports_go_down() -> None:
    assert [arrow.place for arrow in arrows(ROOT) if not allowed(arrow)] == []


def test_no_circles_between_parts() -> None:
    graph: dict[str, set[str]] = {}
    for arrow in arrows(ROOT):
        graph.setdefault(arrow.source, set()).add(arrow.target)
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("dgnam/caffe/net.py", "from dgnam.am.settings import Settings"),
        ("dgnam/caffe/layer_types/lrn.py", "from ...am import config"),
        ("dgnam/zoo.py", "from . import am"),
        ("dgnam/zoo.py", "from dgnam import am"),
        ("dgnam/am/__init__.py", "import dgnam.measure"),
        ("dgnam/am/__init__.py", "def late():\n    from ..measure import judge"),
        ("dgnam/measure/judge.py", "from ..train import classifier"),
        ("dgnam/train/classifier.py", "import dgnam.experiments.fig1"),
        ("experiments/fig1.py", "from ..cli import main"),
        ("dgnam/__init__.py", "from .caffe import net"),
    ],
)
def test_an_arrow_up_is_found(tmp_path: Path, importer: str, statement: str) -> None:
    names = ("caffe/net", "caffe/layer_types/lrn", "zoo", "am/__init__", "am/config", "measure/judge")
    names += ("train/classifier",)
    files = ["dgnam/__init__.py", "dgnam/cli.py", "experiments/fig1.py", *(f"dgnam/{name}.py" for name in names)]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("from dgnam import __version__\n" if file != "dgnam/__init__.py" else "")
    assert all(allowed(arrow) for arrow in arrows(tmp_path))
    (tmp_path / importer).write_text(statement)
    wrong = [arrow for arrow in arrows(tmp_path) if not allowed(arrow)]
    assert len(wrong) == 1
    assert wrong[0].place.startswith(f"{importer}:")


def test_nouns_import_none_of_each_other() -> None:
    assert all((ROOT / "dgnam" / "am" / noun / "__init__.py").is_file() for noun in NOUNS)
    assert noun_arrows(ROOT) == []


@pytest.mark.parametrize("statement", ["from ..starts import Start", "from dgnam.am.starts.start import Start"])
def test_a_noun_in_a_noun_is_found(tmp_path: Path, statement: str) -> None:
    module = tmp_path / "dgnam" / "am" / "priors" / "pixels.py"
    module.parent.mkdir(parents=True)
    module.write_text(f"from ..checks import whole_number\n{statement}\n")
    assert [place.split(":")[0] for place in noun_arrows(tmp_path)] == ["dgnam/am/priors/pixels.py"]


def test_experiments_leave_torch_to_the_library() -> None:
    for path in sorted((ROOT / "experiments").rglob("*.py")):
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = [name for node in tree for name in imported(node, "dgnam.experiments")]
        assert not [name for name in names if name.split(".")[0] == "torch"], path.name


def test_no_catch_all_modules() -> None:
    names = ("utils", "util", "helpers", "helper", "misc", "common")
    assert [path for path in project_files() if path.suffix == ".py" and path.stem in names] == []


def test_the_top_level_is_the_agreed_one() -> None:
    visible = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert {name for name in visible if not name.startswith(".")} <= TOP_LEVEL


def test_no_paths_of_a_developers_machine() -> None:
    for path in project_files():
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue
        found = DEVELOPER_PATH.search(content.decode("utf-8", errors="replace"))
        assert found is None, f"{path.relative_to(ROOT)}: {found.group()}…"


@pytest.mark.parametrize("text", ["see |home|ann|dgnam", "PATH=|work|main", "'|root|.cache'", "file:|||Users|ann"])
def test_a_developers_path_is_found(text: str) -> None:
    assert DEVELOPER_PATH.search(text.replace("|", "/"))


@pytest.mark.parametrize("text", ["~/work/x", "docs/home/x", "https://example.org/root/x", "/workspace/x"])
def test_other_paths_pass(text: str) -> None:
    assert not DEVELOPER_PATH.search(text)
