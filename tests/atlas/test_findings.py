"""Findings as `numbers.json` has them, and what isn't one."""

import pytest

from dgnam.atlas.findings import Part, findings_in

NUMBERS = {
    "findings": {
        "sec3.1-copying": {
            "parts": {
                "copies": {"value": 5.0, "low": 0.888, "high": 23.6, "n": 20, "bound": "< 3", "verdict": "fails"}
            },
            "missing": {"conv5": "not measured in this run"},
            "floor": {"held-out": 1.0},
            "ceiling": {},
            "note": "A note.",
            "verdict": "fails",
        }
    }
}


def test_a_finding():
    (found,) = findings_in(NUMBERS)
    assert (found.claim, found.verdict, found.note) == ("sec3.1-copying", "fails", "A note.")
    assert found.parts == (Part("copies", "5 [0.888, 23.6]", "< 3", "20", "fails"),)
    assert found.controls == (("held-out", "1"),)
    assert found.missing == (("conv5", "not measured in this run"),)


@pytest.mark.parametrize(
    "numbers", [{}, {"findings": None}, {"findings": [1]}, {"findings": {"x": 3}}, {"findings": "text"}]
)
def test_what_is_no_finding(numbers):
    assert findings_in(numbers) == []


def test_a_finding_of_wrong_kinds():
    (found,) = findings_in({"findings": {"x": {"parts": {"a": {"value": "<b>", "n": []}, "b": 3}, "floor": 1}}})
    assert found.verdict == "no verdict"
    assert [part.estimate for part in found.parts] == ["<b>"]
