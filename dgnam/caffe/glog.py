"""Caffe's log: the logger `dgnam.caffe`, and glog's line format on stderr once `init_log` is called.

    I0131 15:04:05.678901  4711 solver.py:230] Iteration 100, loss = 0.25

Before that, Python's `logging` configuration decides where lines go.  The environment variable GLOG_minloglevel, set
before `import caffe`, is the lowest level shown: 0 INFO, 1 WARNING, 2 ERROR, 3 FATAL.  No log files are written.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from datetime import datetime

LOGGER = logging.getLogger(__package__)

_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def init_log(level: int | None = None, stderr: bool = True) -> None:
    """Show Caffe's log on stderr only.

    level: the lowest level shown, 0 (INFO) to 3 (FATAL); None reads GLOG_minloglevel, default 0.
    stderr: False shows errors only, as glog does when it logs to files.
    """
    if not isinstance(level, int | None):
        raise TypeError(f"init_log takes a level, 0 (INFO) to 3 (FATAL), and got {level!r}")
    _handler.level_shown = level
    _handler.setLevel(logging.INFO if stderr else logging.ERROR)
    to_stderr()
    LOGGER.propagate = False


def to_stderr() -> logging.Handler:
    """Show Caffe's log on stderr in addition to `logging`'s own destinations; returns the handler, for removal."""
    LOGGER.addHandler(_handler)
    LOGGER.setLevel(logging.INFO)
    return _handler


def log(message: str) -> None:
    """Write an INFO line to Caffe's log; calls `init_log` first if no log is configured."""
    if not isinstance(message, str):
        raise TypeError(f"log takes a text, and got {message!r}")
    if not LOGGER.hasHandlers():
        init_log()
    LOGGER.info("%s", message, stacklevel=2)


def number(value: float) -> str:
    """Format a number for the log with six digits, as C++ does: "0.001", "1e-06"."""
    return f"{float(value):g}"


class GlogFormatter(logging.Formatter):
    """glog's line format: the level's letter, date, time, thread, file and line, then the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        message = record.getMessage().removesuffix("\n")
        letter = "F" if record.levelno >= logging.CRITICAL else record.levelname[0]
        when = datetime.fromtimestamp(record.created).strftime("%m%d %H:%M:%S.%f")
        place = f"{record.filename}:{record.lineno}"
        return f"{letter}{when} {threading.get_native_id():5d} {place}] {message}"


class _Stderr(logging.Handler):
    """Writes to the current `sys.stderr`.

    level_shown: glog's number of the lowest level shown; None reads the environment variable at each line.
    """

    level_shown: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        lowest = _environment_level() if self.level_shown is None else self.level_shown
        if record.levelno < _python_level(lowest):
            return
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


def _python_level(level: int) -> int:
    """Convert glog's level to `logging`'s; levels above 3 show nothing."""
    return _LEVELS[max(level, 0)] if level < len(_LEVELS) else logging.CRITICAL + 1


def _environment_level() -> int:
    """Return the level given by GLOG_minloglevel, default 0."""
    try:
        return int(os.environ.get("GLOG_minloglevel", "0"))  # noqa: SIM112  (glog's own spelling)
    except ValueError:
        return 0


_handler = _Stderr()
_handler.setFormatter(GlogFormatter())
if _environment_level() > 0:
    LOGGER.setLevel(_python_level(_environment_level()))
