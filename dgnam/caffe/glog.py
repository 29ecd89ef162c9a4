"""Caffe's log: the logger `dgnam.caffe`, and after `init_log` its lines on stderr in the look of glog.

    I0131 15:04:05.678901  4711 solver.py:230] Iteration 100, loss = 0.25

Until then the lines go where Python's `logging` sends them.  The environment variable GLOG_minloglevel, which scripts
set before `import caffe`, is the lowest level shown: 0 is INFO, 1 WARNING, 2 ERROR, 3 FATAL.  No log files are written.
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
    """Show Caffe's log on stderr, and there alone.

    level: the lowest one shown, 0 (INFO) to 3 (FATAL); None follows GLOG_minloglevel, and is 0 without it.
    stderr: False leaves only errors, as glog does, which would write the rest to files.
    """
    if not isinstance(level, int | None):
        raise TypeError(f"init_log takes a level, 0 (INFO) to 3 (FATAL), and got {level!r}")
    _handler.level_shown = level
    _handler.setLevel(logging.INFO if stderr else logging.ERROR)
    to_stderr()
    LOGGER.propagate = False


def to_stderr() -> logging.Handler:
    """Show Caffe's log on stderr besides where `logging` sends it; returns the handler, to be removed again."""
    LOGGER.addHandler(_handler)
    LOGGER.setLevel(logging.INFO)
    return _handler


def log(message: str) -> None:
    """Write a line of level INFO to Caffe's log; where nobody has set up a log, `init_log` is called first."""
    if not isinstance(message, str):
        raise TypeError(f"log takes a text, and got {message!r}")
    if not LOGGER.hasHandlers():
        init_log()
    LOGGER.info("%s", message, stacklevel=2)


def number(value: float) -> str:
    """A number for a log line, with six digits as C++ writes it: log parsers read "0.001" and "1e-06"."""
    return f"{float(value):g}"


class GlogFormatter(logging.Formatter):
    """Lines with the level's letter, date, time, thread, file and line before the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break."""
        letter = "F" if record.levelno >= logging.CRITICAL else record.levelname[0]
        when = datetime.fromtimestamp(record.created).strftime("%m%d %H:%M:%S.%f")
        place = f"{record.filename}:{record.lineno}"
        return f"{letter}{when} {threading.get_native_id():5d} {place}] {record.getMessage()}"


class _Stderr(logging.Handler):
    """Writes to what `sys.stderr` is at the time.

    level_shown: glog's number of the lowest level; None follows the environment, which may change until then.
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
    """`logging`'s number for glog's level; above 3 nothing is shown."""
    return _LEVELS[max(level, 0)] if level < len(_LEVELS) else logging.CRITICAL + 1


def _environment_level() -> int:
    """The level that GLOG_minloglevel says, 0 where it says none."""
    try:
        return int(os.environ.get("GLOG_minloglevel", "0"))  # noqa: SIM112  (glog's own spelling)
    except ValueError:
        return 0


_handler = _Stderr()
_handler.setFormatter(GlogFormatter())
if _environment_level() > 0:
    LOGGER.setLevel(_python_level(_environment_level()))
