"""The wheel holds all that a checkout holds, and works without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import dgnam

ROOT = Path(__file__).parents[1]
SOURCES = ("setup.py", "README.md", "LICENSE", "dgnam", "prototxt", "models", "experiments")


def run(*command: str | Path, cwd: Path) -> str:
    """A command's output, with no help from the checkout's environment; its errors in the failure."""
    outside = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that the checkout gets no build folder and a stale one gets in no wheel."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--wheel-dir", built)
    run(sys.executable, "-m", "pip", "wheel", *options, source, cwd=built)
    (path,) = built.glob("dgnam-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel in it and the dependencies of the one that tests run in."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site, scripts = Path(paths["purelib"]), Path(paths["scripts"])
    options = ("--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", scripts / "python", "install", *options, wheel, cwd=folder)
    # A path in a .pth file is only searched: the editable dgnam that lies there as a .pth file itself stays out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


@pytest.mark.parametrize("folder", ["prototxt", "models", "experiments"])
def test_the_wheel_has_every_file_of(folder: str, wheel: Path) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix not in (".pyc", ".part")]
    wanted = {f"dgnam/{path.relative_to(ROOT).as_posix()}" for path in files}
    assert wanted
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"dgnam", f"dgnam-{dgnam.__version__}.dist-info"}
    assert "dgnam/py.typed" in names
    templates = {f"dgnam/atlas/templates/{path.name}" for path in (ROOT / "dgnam/atlas/templates").iterdir()}
    assert len(templates & set(names)) == len(templates) > 4
    assert "dgnam/caffe/proto/dgnam_caffe.proto" in names


def test_the_wheels_metadata(wheel: Path) -> None:
    info = f"dgnam-{dgnam.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert metadata["Version"] == dgnam.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert "torch>=2.6" in metadata.get_all("Requires-Dist", [])


def test_an_installed_wheel_is_whole(installed: Path, tmp_path: Path) -> None:
    code = "import dgnam, dgnam.caffe, dgnam.experiments as e; print(dgnam.__file__, e.__path__[0], *dgnam.__path__)"
    module, experiments, *path = run(installed / "python", "-c", code, cwd=tmp_path).split()
    package = Path(module).parent
    assert installed.parent in package.parents
    assert Path(experiments) == package / "experiments"
    assert path == [str(package)]


def test_figure_1_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    shown = run(installed / "dgnam", "reproduce", "fig1", "--scale", "smoke", "--quiet", cwd=tmp_path)
    assert "==> figure: runs/fig1-mini-1/dgn_am.png" in shown
    assert (tmp_path / "runs" / "fig1-mini-1" / "dgn_am" / "images" / "fc8_0000_03_0.99_8.0__0.png").exists()


def test_a_checkout_needs_no_installation(tmp_path: Path) -> None:
    """The repository's root on the path is enough; with `-S` an installed dgnam's own .pth file is not read."""
    path = [str(ROOT), sysconfig.get_path("purelib")]
    code = f"import sys; sys.path[:0] = {path!r}; import dgnam.experiments as e; print(e.__path__[0])"
    assert Path(run(sys.executable, "-S", "-c", code, cwd=tmp_path).strip()) == ROOT / "experiments"


def test_the_editable_installation(tmp_path: Path) -> None:
    if "site-packages" in Path(dgnam.__file__).parts:
        pytest.skip("dgnam is installed from a wheel here")
    if not list(Path(sysconfig.get_path("purelib")).glob("__editable__.dgnam*")):
        pytest.skip("dgnam is not installed here; make venv does it")
    code = "import dgnam.experiments as e; print(e.__path__[0])"
    assert Path(run(sys.executable, "-c", code, cwd=tmp_path).strip()) == ROOT / "experiments"
