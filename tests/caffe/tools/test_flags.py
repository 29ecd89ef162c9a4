"""The spelling of Caffe's options."""

from __future__ import annotations

import pytest

from dgnam.caffe.tools.flags import stages, two_dashes


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("-solver", "--solver"),
        ("-solver=a -b", "--solver=a -b"),
        ("--solver", "--solver"),
        ("-h", "-h"),
        ("-1", "-1"),
        ("-0.5", "-0.5"),
        ("a-b", "a-b"),
        ("-", "-"),
        ("--", "--"),
    ],
)
def test_a_long_option_may_have_one_dash(given, taken):
    assert two_dashes(given) == taken


def test_stages_are_separated_by_commas():
    assert stages("") == []
    assert stages("a,b") == ["a", "b"]
