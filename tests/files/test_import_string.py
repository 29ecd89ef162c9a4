"""Callables by the text package.module:name."""

import sys

import pytest

from dgnam.errors import DgnamError
from dgnam.files.import_string import import_from_string


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    return tmp_path


def test_a_module_of_the_current_folder(folder):
    (folder / "own_of_test.py").write_text("limit = 3\ndef answer():\n    return 42\n")
    assert import_from_string("own_of_test:answer", "score")() == 42
    with pytest.raises(DgnamError, match=r"target 'own_of_test:anser': .* no callable 'anser'; it has answer"):
        import_from_string("own_of_test:anser", "target")
    with pytest.raises(DgnamError, match="no callable 'limit'"):
        import_from_string("own_of_test:limit", "target")


def test_a_module_in_a_package():
    assert import_from_string("dgnam.errors:DgnamError", "score") is DgnamError


@pytest.mark.parametrize("path", ["module", "module:", ":name", "", ".relative:name"])
def test_a_path_without_its_parts(path):
    with pytest.raises(DgnamError, match=r"write package\.module:name"):
        import_from_string(path, "score")


def test_a_module_that_is_not_there(folder):
    with pytest.raises(DgnamError, match="No module named 'no_such_module'; modules are searched for here"):
        import_from_string("no_such_module:f", "score")


def test_a_module_that_fails(folder):
    (folder / "broken_of_test.py").write_text("1 / 0\n")
    with pytest.raises(DgnamError, match="importing it fails, with ZeroDivisionError: division by zero"):
        import_from_string("broken_of_test:f", "score")
