"""Progress where standard error is no terminal: lines, and few of them."""

import io
import sys

from dgnam.runs import progress


def test_a_pipe_gets_lines_now_and_then(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    for _ in progress.progress_bar(range(10_000), desc="working"):
        pass
    assert stream.getvalue() == ""
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    for _ in progress.progress_bar(range(3), desc="working"):
        pass
    lines = stream.getvalue().splitlines()
    assert lines
    assert all(line.startswith("working") for line in lines)
    assert "\r" not in stream.getvalue()


def test_nothing_is_shown_where_nothing_is_wanted(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    for _ in progress.progress_bar(range(3), show=False):
        pass
    assert stream.getvalue() == ""


def test_a_closed_standard_error_stops_no_run(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(progress.progress_bar(range(3))) == [0, 1, 2]


def test_a_standard_error_that_fails_stops_no_run(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Full())
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    assert list(progress.progress_bar(range(3))) == [0, 1, 2]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_that_is_drawn_again(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress.progress_bar(range(3), desc="working", mininterval=0)) == [0, 1, 2]
    assert "\rworking: 100%" in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress.progress_bar(range(3), show=False)) == [0, 1, 2]
    assert sys.stderr.getvalue() == ""


def test_lines_are_written_whole_and_their_length_is_told():
    stream = io.StringIO()
    lines = progress._Lines(stream)
    assert [lines.write(text) for text in ("\rabc  ", "\r", "")] == [4, 0, 0]
    assert stream.getvalue() == "abc\n"
    stream.close()
    assert lines.write("abc") == 0
    lines.flush()


def test_a_stream_of_lines_is_flushed():
    flushed = []
    stream = io.StringIO()
    stream.flush = lambda: flushed.append(True)
    progress._Lines(stream).flush()
    assert flushed == [True]
