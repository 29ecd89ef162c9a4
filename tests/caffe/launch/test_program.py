"""`python -m dgnam.caffe`: what runs under it can't tell it from python itself, but for `import caffe`."""

import json
import sys
import warnings
import zipfile

import pytest

from dgnam.caffe.launch import program
from tests.caffe.launch.processes import python

PROBE = """
import json, sys
import __main__
shown = ("__name__", "__file__", "__package__", "__doc__", "__cached__")
print(json.dumps({
    "argv": sys.argv, "path0": sys.path[0], "names": sorted(vars(__main__)), "same": vars(__main__) is globals(),
    "spec": getattr(__spec__, "name", None), "loader": getattr(__loader__, "__name__", type(__loader__).__name__),
    "annotations": compile("", "x", "exec").co_flags, **{name: globals().get(name) for name in shown},
}))
"""
FAILING = """
def inner():
    raise ValueError("no")
try:
    inner()
except ValueError as error:
    raise KeyError("why") from error
"""


def launch(*command, **options):
    return python("-m", "dgnam.caffe", *command, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A script, as such and in a package, a folder and an archive; and scripts that fail."""
    folder = tmp_path_factory.mktemp("scripts")
    for place in ("probe.py", "package/__main__.py", "package/__init__.py", "folder/__main__.py"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text("" if place.endswith("__init__.py") else PROBE)
    (folder / "folder/link.py").symlink_to("../probe.py")
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", PROBE)
    (folder / "failing.py").write_text(FAILING)
    (folder / "no_python.py").write_text("x = = 1\n")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["probe.py", "a", "-m", "--b"],
        ["folder/link.py"],
        ["folder", "a"],
        ["archive.zip"],
        ["-m", "probe", "a"],
        ["-m", "package"],
        ["-c", PROBE, "a", "-c"],
    ],
    ids=lambda command: command[1] if command[0] == "-m" else command[0],
)
def test_a_program_finds_all_as_under_python(alone, folder, command):
    ours, pythons = (start(*command, cwd=folder, path=alone) for start in (launch, python))
    assert ours[2] == pythons[2] == ""
    assert json.loads(ours[1]) == json.loads(pythons[1])


@pytest.mark.parametrize(
    "command",
    [
        ["failing.py"],
        ["-m", "failing"],
        ["no_python.py"],
        ["-c", "import no_python"],
        ["nothing.py"],
        ["-m", "nothing"],
        ["-c", "import sys; sys.exit('a reason')"],
        ["-c", "import atexit; atexit.register(print, 'the end'); raise KeyboardInterrupt"],
        ["-c", "import sys; sys.excepthook = lambda *of: print(of[0], of[2].tb_frame.f_code.co_filename); 1/0"],
    ],
    ids=" ".join,
)
def test_errors_look_and_exit_as_under_python(alone, folder, command):
    ours = launch(*command, cwd=folder, path=alone)
    assert ours == python(*command, cwd=folder, path=alone)
    assert ours[0] != 0


def test_the_exit_code(alone, tmp_path):
    assert launch("-c", "import sys; sys.exit(7)", cwd=tmp_path, path=alone)[0] == 7


def test_options_in_one_word_and_standard_input(alone, folder):
    assert launch("-cprint('code')", cwd=folder, path=alone)[1] == "code\n"
    assert '"probe"' in launch("-mprobe", cwd=folder, path=alone)[1]
    stdin = "import sys; print(sys.argv)"
    assert launch("-", "a", cwd=folder, path=alone, stdin=stdin)[1] == "['-', 'a']\n"


def test_classes_of_the_script_can_be_pickled(alone, tmp_path):
    code = "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)"
    assert launch("-c", code, cwd=tmp_path, path=alone)[1] == "True\n"


@pytest.mark.parametrize(
    ("command", "reason"), [([], "usage"), (["-m"], "Argument expected for the -m"), (["--nope"], "Unknown option")]
)
def test_wrong_calls(capsys, command, reason):
    with pytest.raises(SystemExit) as exited:
        program.main(command)
    assert exited.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert reason in shown.err
    assert "usage: python -m dgnam.caffe" in shown.err


def test_help(capsys):
    program.main(["--help"])
    assert capsys.readouterr().out.startswith("usage: python -m dgnam.caffe")


def test_python2_shows_no_deprecations(monkeypatch, capsys):
    monkeypatch.setattr(sys, "warnoptions", [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        program.main(["--python2", "--help"])
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        warnings.warn("odd", RuntimeWarning, stacklevel=1)
    assert [one.category for one in caught] == [RuntimeWarning]


def test_import_caffe_works(tmp_path):
    """An old script, as it is: a net made with NetSpec, run, and its class and module found by their old names."""
    (tmp_path / "old.py").write_text("""
import os
os.environ["GLOG_minloglevel"] = "2"
import sys
sys.path.insert(0, "caffe/python")
import numpy as np
import caffe
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2

n = caffe.NetSpec()
n.data = L.Input(shape=dict(dim=[1, 1, 4, 4]))
n.pool = L.Pooling(n.data, pool=P.Pooling.AVE, kernel_size=4)
with open("net.prototxt", "w") as f:
    f.write(str(n.to_proto()))
caffe.set_mode_cpu()
net = caffe.Net("net.prototxt", caffe.TEST)
net.blobs["data"].data[...] = np.arange(16).reshape(1, 1, 4, 4)
caffe.log("not to be seen")
print(net.forward()["pool"].item(), caffe.__name__, isinstance(n.to_proto(), caffe_pb2.NetParameter))
""")
    assert launch("old.py", cwd=tmp_path) == (0, "7.5 dgnam.caffe True\n", "")


def test_caffes_log_goes_to_stderr(tmp_path):
    _, _, err = launch("-c", "import caffe; caffe.log('seen')", cwd=tmp_path)
    assert err.endswith("<string>:1] seen\n")


def test_spawned_processes_have_it_too(tmp_path):
    (tmp_path / "spawning.py").write_text("""
import multiprocessing
import caffe

def work(x):
    return x, caffe.__name__, caffe.layers is __import__("dgnam.caffe").caffe.layers

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [3]))
""")
    assert launch("spawning.py", cwd=tmp_path) == (0, "[(3, 'dgnam.caffe', True)]\n", "")
