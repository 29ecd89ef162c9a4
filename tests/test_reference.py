"""The API reference builds from the docstrings; `make docs` builds all of it."""

import pytest

pytest.importorskip("pdoc", reason="pdoc is not installed: pip install 'dgnam[docs]'")

from tests import reference


def test_the_door_is_documented(tmp_path):
    reference.build(tmp_path, ["dgnam", "dgnam.runs"])
    page = (tmp_path / "dgnam.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("visualize", "evolve", "tune", "open_target"))


def test_generated_code_is_left_out():
    found = reference.public_modules()
    assert "dgnam.experiments" in found
    assert not set(found) & set(reference.PASSED_OVER)
