"""Log lines in glog's form."""

from __future__ import annotations

import logging
import os
import re

import pytest

from dgnam.caffe.glog import LOGGER, GlogFormatter, number, to_stderr


def test_a_line_has_what_log_parsers_look_for():
    record = logging.LogRecord(
        "dgnam.caffe", logging.INFO, "/x/solver.py", 204, "Iteration %d, lr = %s", (9, "0.1"), None
    )
    record.created = 1_700_000_000.25
    line = GlogFormatter().format(record)
    assert re.fullmatch(
        rf"I1[01]1[3-5] \d\d:\d\d:20\.250000 +{os.getpid()} solver\.py:204\] Iteration 9, lr = 0\.1", line
    )


@pytest.mark.parametrize(("level", "letter"), [(logging.WARNING, "W"), (logging.ERROR, "E"), (logging.CRITICAL, "F")])
def test_the_first_letter_is_the_level(level, letter):
    assert GlogFormatter().format(logging.LogRecord("a", level, "f.py", 1, "m", (), None))[0] == letter


def test_the_log_goes_to_standard_error(capsys):
    handler = to_stderr()
    try:
        LOGGER.info("seen")
    finally:
        LOGGER.removeHandler(handler)
    LOGGER.info("not seen")
    assert re.fullmatch(r"I\d{4} .*test_glog\.py:\d+\] seen\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1e-5, "1e-05"), (2.30258509, "2.30259"), (1e6, "1e+06"), (3.0, "3")]
)
def test_numbers_have_six_digits_as_in_c_plus_plus(value, text):
    assert number(value) == text
