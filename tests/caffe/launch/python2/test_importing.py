"""Scripts in their folders: their own modules, packages, tracebacks, and what is left alone."""

import os
import sys
import warnings
import zipfile
from functools import partial

import pytest

from dgnam.caffe.launch.program import main
from dgnam.caffe.launch.python2 import importing
from tests.caffe.launch.processes import ROOT, python
from tests.caffe.launch.python2.translated import run


@pytest.fixture
def launch(alone):
    """The launcher with --python2, by default without the runtime."""
    return partial(python, "-m", "dgnam.caffe", "--python2", path=alone)


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


FILES = {
    "settings.py": "gpu = True\nratio = 7/2\nnames = {'a': 1}.keys()\n",
    "wave.py": "print 'own wave'\nx = 5/2\n",
    "package/__init__.py": "",
    "package/mod.py": "import other\nfrom other import value as v\nprint other.__name__, other.value, v, __name__\n",
    "package/other.py": "value = 9/2\n",
    "package/absolute.py": """
from __future__ import absolute_import
try: import other
except ImportError: print 'none'
""",
    "main.py": """
import sys, os
import settings, wave
import package.mod
from package import other
import package.other as again
import package.absolute
import caffe
print settings.ratio, settings.names[0], wave.x, other.value, again.value, caffe.__name__
print __file__, __name__, sys.argv, os.path.basename(sys.path[0]) != ''
""",
    "failing.py": "import settings\ndef deep(n):\n    return (n\n        /0)\nprint 'tail',\ndeep(3/2)\n",
    "importing_bad.py": "\nimport bad\n",
    "bad.py": "x = 1\nprint 'a' 'b' 2\n",
    "gpu.py": "import caffe\ncaffe.set_device(0)\ncaffe.set_mode_gpu()\ncaffe.set_mode_gpu()\nprint 'ran'\n",
}


def test_a_script_and_its_modules(launch, folder):
    status, out, err = launch("main.py", "a", "b", cwd=folder, path=ROOT)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "own wave",
        "package.other 4 4 package.mod",
        "none",
        "3 a 2 4 4 dgnam.caffe",
        "main.py __main__ ['main.py', 'a', 'b'] True",
    ]
    assert not list(folder.rglob("*.pyc"))


def test_a_traceback_shows_the_original_lines(launch, folder):
    status, out, err = launch("failing.py", cwd=folder)
    assert (status, out) == (1, "tail\n")
    assert err.splitlines()[:-1] == [
        "Traceback (most recent call last):",
        '  File "failing.py", line 6, in <module>',
        "    deep(3/2)",
        '  File "failing.py", line 3, in deep',
        "    return (n",
    ]
    assert err.splitlines()[-1].startswith("ZeroDivisionError: ")
    assert "dgnam" not in err


def test_an_invalid_module_is_one_error(launch, folder):
    status, _, err = launch("importing_bad.py", cwd=folder)
    assert status == 1
    assert err.splitlines()[:5] == [
        "Traceback (most recent call last):",
        '  File "importing_bad.py", line 2, in <module>',
        "    import bad",
        f'  File "{folder / "bad.py"}", line 2',
        "    print 'a' 'b' 2",
    ]
    assert err.splitlines()[-1] == "SyntaxError: invalid syntax of Python 2 at '2'"


def test_code_modules_and_standard_input(launch, folder):
    assert launch("-c", "import settings, sys; print settings.ratio, sys.argv", "a", cwd=folder)[1] == "3 ['-c', 'a']\n"
    assert launch("-", "a", cwd=folder, stdin="import sys\nprint 3/2, sys.argv[1:]")[1] == "1 ['a']\n"
    assert launch("-m", "package.mod", cwd=folder)[1] == "package.other 4 4 __main__\n"
    (folder / "package" / "__main__.py").write_text("print 'main', 5/2")
    assert launch("package", cwd=folder)[1] == "main 2\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["-c"], "usage: python -m dgnam.caffe [--python2]"),
        (["-W"], "Argument expected for the -W option"),
        (["-i"], "Unknown option: -i"),
        (["--nope"], "Unknown option: --nope"),
        (["--shell"], "Argument expected for the --shell option"),
        (["--shell", "nothing.sh"], "--shell: there is no file 'nothing.sh'"),
    ],
)
def test_wrong_calls(command, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "warnoptions", [])
    with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
        main(["--python2", *command])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert reason in said.err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["nothing.py"], "can't open file"),
        (["-i"], "Unknown option: -i"),
        (["archive.zip"], "is an archive: unpack it"),
    ],
)
def test_wrong_calls_end_without_a_traceback(launch, tmp_path, command, reason):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", "print 1")
    status, out, err = launch(*command, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert reason in err
    assert "Traceback" not in err


def test_options_of_python_2(launch, folder):
    source = "import sys, warnings\nwarnings.warn('old')\nprint 7/2, sys.argv[1:], sys.dont_write_bytecode"
    (folder / "options.py").write_text(source)
    assert launch("-OO", "-u", "-W", "ignore", "-B", "options.py", "-W", cwd=folder) == (0, "3 ['-W'] True\n", "")
    assert launch("-uBWignore", cwd=folder, stdin=source) == (0, "3 [] True\n", "")
    status, out, err = launch("-V", cwd=folder)
    assert (status, out) == (0, "")
    assert err.startswith("Python 2.7")


def test_without_a_gpu_the_cpu_is_used_with_one_note(launch, folder):
    status, out, err = launch("gpu.py", cwd=folder, path=ROOT, CUDA_VISIBLE_DEVICES="")
    assert (status, out) == (0, "ran\n")
    assert err == "this machine has no GPU that torch can use: Caffe runs on the CPU\n"


def test_without_fissix_one_line_says_what_to_install(launch, folder):
    (folder / "fissix.py").write_text("raise ImportError('not installed')")
    status, out, err = launch("main.py", cwd=folder)
    assert (status, out) == (2, "")
    assert err == "--python2 needs the package 'dgnam[python2]': pip install 'dgnam[python2]' (not installed)\n"


def test_a_cache_folder_that_cannot_be_made_is_named(launch, folder):
    (folder / "taken").touch()
    status, _, err = launch("main.py", cwd=folder, XDG_CACHE_HOME=str(folder / "taken"))
    assert status == 2
    assert "set XDG_CACHE_HOME" in err
    assert "Traceback" not in err


def test_installed_packages_below_the_script_are_left_alone(launch, folder, monkeypatch):
    """A virtual environment in the script's folder, and this package itself."""
    library = folder / ".venv" / "lib" / "python3" / "site-packages"
    library.mkdir(parents=True)
    (library / "library_of_3.py").write_text("half = 1/2\n")
    code = (
        "import sys; sys.path.append('.venv/lib/python3/site-packages'); import library_of_3; print library_of_3.half"
    )
    assert launch("-c", code, cwd=folder)[1] == "0.5\n"
    assert not importing._finder.holds(str(ROOT / "dgnam" / "caffe" / "net.py"))


def test_modules_of_other_folders_are_translated(alone, launch, folder):
    """As py-faster-rcnn's `_init_paths.py` adds them, in PYTHONPATH, and while the script runs."""
    for name in ("tools", "lib", "lib/fast_rcnn", "lib/caffe", "more", "late"):
        (folder / name).mkdir()
    files = {
        "tools/_init_paths.py": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__) + '/../lib')\n",
        "tools/demo.py": "import _init_paths, quiet, shared\n"
        "from fast_rcnn.config import half as second\nimport caffe, sys\n"
        "sys.path.append('late')\nimport last\nprint quiet.half, second, shared.half, last.half, caffe.__name__\n",
        "lib/quiet.py": "half = 7/2\n",
        "lib/fast_rcnn/__init__.py": "",
        "lib/fast_rcnn/config.py": "from quiet import half\nexec 'half = half/2'\n",
        "lib/caffe/__init__.py": "from _caffe import Net\n",
        "more/shared.py": "half = 9/2\n",
        "late/last.py": "half = 5/2\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    path = os.pathsep.join((str(alone), "more"))
    status, out, err = launch("tools/demo.py", cwd=folder, path=path)
    assert (status, out, err) == (0, "3 1 4 2 dgnam.caffe\n", "")


def test_folders_of_the_interpreter_are_left_alone(folder, monkeypatch):
    """Projects that are installed where they are edited, by a line of a .pth file."""
    project, other = folder / "project", folder / "other"
    monkeypatch.setattr(sys, "path", [*sys.path, str(project)])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    finder = importing._Finder()
    finder.start(folder / "project" / "scripts")
    assert not finder.holds(str(project / "module.py"))
    assert finder.holds(str(project / "scripts" / "module.py"))
    assert finder.holds(str(other / "module.py"))
    assert not finder.holds(os.__file__)


def test_installed_packages_of_any_folder_are_left_alone(folder, monkeypatch):
    """Those of `pip install --target libraries` with PYTHONPATH=libraries."""
    libraries = folder / "libraries"
    (libraries / "library-1.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(libraries)])
    monkeypatch.setenv("PYTHONPATH", str(libraries))
    finder = importing._Finder()
    finder.start(folder)
    assert not finder.holds(str(libraries / "library.py"))
    assert finder.holds(str(folder / "script.py"))


def test_encodings():
    assert run("# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1"))["x"] == "é"
    assert run("\ufeffx = 'é'".encode())["x"] == "é"
    for source in (b"x = '\xe9'\n", b"# coding: nope\n"):
        with pytest.raises(SyntaxError, match="encoding"):
            run(source)
