"""Callables by the text package.module:name."""

import sys

import pytest

from dgnam.errors import DgnamError
from dgnam.files.import_string import guarded, import_from_string


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


def test_what_a_callable_raises_is_one_error_that_names_the_line(folder):
    code = "def score(pictures):\n    if pictures is None:\n        raise KeyboardInterrupt\n    return 1 / pictures\n"
    (folder / "failing_of_test.py").write_text(code)
    score = guarded(import_from_string("failing_of_test:score", "score"), "failing_of_test:score", "score")
    assert score(2) == 0.5
    message = (
        r"score 'failing_of_test:score' fails, with ZeroDivisionError: division by zero \(failing_of_test\.py, line 4\)"
    )
    with pytest.raises(DgnamError, match=message) as error:
        score(0)
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    with pytest.raises(KeyboardInterrupt):
        score(None)
