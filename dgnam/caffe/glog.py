"""Log lines as Caffe's: written through the logger `dgnam.caffe`, in the form that log parsers read.

    I0210 13:39:22.381027 25210 solver.py:204] Iteration 100, lr = 0.00992565

A program that uses the library sees nothing of it until it gives the logger a handler; `to_stderr` gives it one.
"""

from __future__ import annotations

import logging
import os
import sys
import time

LOGGER = logging.getLogger("dgnam.caffe")

_LETTERS = {"CRITICAL": "F"}


class GlogFormatter(logging.Formatter):
    """Level, month and day, time, process, file and line before each message, as glog has them."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%m%d %H:%M:%S", time.localtime(record.created))
        microseconds = int(record.created % 1 * 1e6)
        letter = _LETTERS.get(record.levelname, record.levelname[0])
        place = f"{record.filename}:{record.lineno}"
        return f"{letter}{when}.{microseconds:06d} {os.getpid():5d} {place}] {record.getMessage()}"


def to_stderr(level: int = logging.INFO) -> logging.Handler:
    """Write the log to standard error from now on; returns the handler, so that it can be removed again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(GlogFormatter())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    return handler


def number(value: float) -> str:
    """A number with six digits, as C++ streams write it."""
    return f"{float(value):g}"
