"""C extensions that can't be imported: the error names the file and says what to do."""

import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from dgnam.caffe.launch import program
from dgnam.caffe.launch.python2 import extensions, importing
from tests.caffe.launch.python2.translated import printed, run


@pytest.fixture
def started(tmp_path, monkeypatch):
    package = tmp_path / "py2_extended"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_mask.pyx").write_text("")
    (package / "mask.py").write_text("import _mask\n")
    (package / "nms.py").write_text("import py2_extended._mask as _mask\n")
    monkeypatch.syspath_prepend(tmp_path)
    importing.start(tmp_path)
    yield
    importing.stop()


@pytest.mark.parametrize("module", ["mask", "nms", "_mask"])
def test_an_extension_that_is_not_built(started, module):
    shown = printed(f"try: import py2_extended.{module}\nexcept ImportError, e: print e.message")
    assert "_mask is a C extension of Python 2" in shown
    assert "_mask.pyx); build it for Python 3." in shown
    assert "put _mask.py in its place" in shown


def test_what_is_started_is_stopped(tmp_path):
    before = np.get_printoptions(), list(sys.meta_path)
    importing.start(tmp_path)
    assert (np.get_printoptions()["legacy"], len(sys.meta_path)) == ("1.13", len(before[1]) + 1)
    importing.stop()
    assert (np.get_printoptions(), list(sys.meta_path)) == before


def test_the_traceback_shows_the_scripts_lines(started):
    with pytest.raises(ImportError) as failed:
        run("import py2_extended.mask")
    program._strip(failed.value, program._HIDDEN)
    files = [Path(frame.filename).name for frame in traceback.extract_tb(failed.value.__traceback__)]
    assert files[-2:] == ["translated.py", "mask.py"]


def test_a_module_that_is_nowhere(started):
    shown = printed("try: import py2_extended.nowhere\nexcept ImportError, e: print e.message")
    assert shown == "No module named 'py2_extended.nowhere'\n"


def test_an_extension_that_is_built_for_another_python():
    error = ImportError("x.so: undefined symbol: _Py_ZeroStruct", name="nms.x", path="nms/x.so")
    assert "nms.x is a C extension of Python 2 (nms/x.so)" in str(extensions.explained(error, ""))
    broken = ImportError("libgone.so: cannot open shared object file", name="x", path="x.so")
    assert extensions.explained(broken, "") is broken
