"""Caffe's log on stderr, in glog's look."""

import logging
import re
import threading

import pytest

from dgnam.caffe import glog
from dgnam.caffe.glog import LOGGER, GlogFormatter, init_log, log, number, to_stderr

LINE = re.compile(r"^I\d{4} \d\d:\d\d:\d\d\.\d{6} +(\d+) test_glog\.py:\d+\] (.*)$")


@pytest.fixture(autouse=True)
def _log_as_before(monkeypatch):
    """Each test begins, and ends, with a log that nobody has set up."""
    monkeypatch.delenv("GLOG_minloglevel", raising=False)
    yield
    LOGGER.removeHandler(glog._handler)
    glog._handler.level_shown = None
    glog._handler.setLevel(logging.INFO)
    LOGGER.setLevel(logging.NOTSET)
    LOGGER.propagate = True


def shown(capsys, message="to show", level=logging.INFO):
    LOGGER.log(level, message)
    return message in capsys.readouterr().err


def test_a_line(capsys):
    init_log()
    log("100 % done, at last")
    match = LINE.match(capsys.readouterr().err.rstrip("\n"))
    assert match
    assert match[1] == str(threading.get_native_id())
    assert match[2] == "100 % done, at last"


def test_a_message_that_ends_its_line_has_no_empty_line_after_it(capsys):
    init_log()
    log("net: small\n")
    log("hello")
    assert [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()] == ["net: small", "hello"]


@pytest.mark.parametrize(("level", "letter"), [(20, "I"), (30, "W"), (40, "E"), (50, "F")])
def test_the_letters_of_the_levels(level, letter):
    assert GlogFormatter().format(logging.LogRecord("n", level, "a.py", 3, "x", (), None)).startswith(letter)


def test_the_level(capsys):
    init_log(1)
    assert not shown(capsys)
    assert shown(capsys, level=logging.WARNING)
    init_log(3, True)
    assert not shown(capsys, level=logging.ERROR)
    assert shown(capsys, level=logging.CRITICAL)
    init_log(4)
    assert not shown(capsys, level=logging.CRITICAL)
    init_log(-1)
    assert shown(capsys)


def test_without_stderr_only_errors_go_there(capsys):
    init_log(0, False)
    assert not shown(capsys, level=logging.WARNING)
    assert shown(capsys, level=logging.ERROR)


def test_the_environment_sets_the_level_until_a_call_does(capsys, monkeypatch):
    init_log()
    monkeypatch.setenv("GLOG_minloglevel", "2")
    assert not shown(capsys, level=logging.WARNING)
    assert shown(capsys, level=logging.ERROR)
    init_log(0)
    assert shown(capsys)


def test_a_level_that_is_no_number_in_the_environment(capsys, monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "quiet")
    init_log()
    assert shown(capsys)


def test_arguments_of_the_wrong_type():
    with pytest.raises(TypeError, match="takes a level, 0"):
        init_log("INFO")
    with pytest.raises(TypeError, match="log takes a text"):
        log(3)


def test_a_line_comes_once_and_to_nobody_else(capsys, caplog):
    init_log()
    init_log(0, True)
    log("once")
    assert capsys.readouterr().err.count("once") == 1
    assert "once" not in caplog.text


def test_before_init_log_lines_go_where_logging_sends_them(capsys, caplog):
    caplog.set_level(logging.INFO)
    log("to logging")
    assert caplog.messages == ["to logging"]
    assert capsys.readouterr().err == ""


def test_log_alone_shows_its_line(capsys, monkeypatch):
    monkeypatch.setattr(LOGGER, "propagate", False)  # pytest's handlers would make it a log that is set up
    log("unasked")
    assert "unasked" in capsys.readouterr().err


def test_the_modules_of_the_package_log_there(capsys):
    init_log()
    logging.getLogger("dgnam.caffe.solver").info("Iteration 0")
    assert "Iteration 0" in capsys.readouterr().err


def test_to_stderr_takes_nothing_from_logging(capsys, caplog):
    caplog.set_level(logging.INFO)
    handler = to_stderr()
    LOGGER.info("to both")
    LOGGER.removeHandler(handler)
    LOGGER.info("to logging")
    assert caplog.messages == ["to both", "to logging"]
    assert "to both" in (err := capsys.readouterr().err)
    assert "to logging" not in err


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1e-6, "1e-06"), (2.302585, "2.30259"), (100, "100"), (12345678, "1.23457e+07")]
)
def test_numbers_as_cpp_writes_them(value, text):
    assert number(value) == text
