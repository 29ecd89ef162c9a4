"""A run's log: when it began, was resumed and ended, with its progress and duration."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGUN, ENDED, STOPPED, KILLED = ("started", "resumed"), "ended", "stopped", "killed"
"""The events: a process begins with one of the first two, and ends with one of the others, or leaves none."""

_ENDLESS = 1e12
"""More seconds than any process has worked; a damaged log may say so."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """The time as the log has it, UTC."""
    return time.strftime(_TIME, time.gmtime())


def read_events(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; what a kill left of one is passed over."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def started(events: Sequence[Mapping[str, Any]]) -> str:
    """When the run began, UTC; "" where its log doesn't say."""
    return next((str(event.get("time", "")) for event in events if event.get("event") == BEGUN[0]), "")


def total(events: Sequence[Mapping[str, Any]]) -> tuple[int | None, str]:
    """How much the run does in all, and of what, by the last process that began; None where it has no end."""
    last: Mapping[str, Any] = next((event for event in reversed(events) if "total" in event), {})
    number, unit = last.get("total"), last.get("unit")
    return number if type(number) is int else None, unit if isinstance(unit, str) else "chunks"


def last_directory(events: Sequence[Mapping[str, Any]]) -> str | None:
    """The working directory of the last process that began; None where the log doesn't say."""
    last: Mapping[str, Any] = next((event for event in reversed(events) if event.get("event") in BEGUN), {})
    directory = last.get("directory")
    return directory if isinstance(directory, str) else None


def executor(events: Sequence[Mapping[str, Any]]) -> str:
    """Who makes the chunks, by the last process that began; "" where it does so itself."""
    last: Mapping[str, Any] = next((event for event in reversed(events) if event.get("event") in BEGUN), {})
    return str(last.get("executor", ""))


def failed(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The chunks that the last process gave up, with the reasons; none where it runs or came to another end."""
    found = events[-1].get("failed") if events else None
    return {str(name): str(why) for name, why in found.items()} if isinstance(found, dict) else {}


def seconds(events: Sequence[Mapping[str, Any]], journal: Path, running: bool) -> float:
    """How long the run's processes have worked; of one that was killed, until its last chunk."""
    found = 0.0
    for event in events:
        took = event.get("seconds")
        if isinstance(took, int | float) and 0 <= took < _ENDLESS:
            found += took
    last = events[-1] if events else {}
    if last.get("event") not in BEGUN:
        return found
    return found + (max(0.0, time.time() - _time(last)) if running else seconds_since(last, journal))


def seconds_since(event: Mapping[str, Any], journal: Path) -> float:
    """From an event to the last chunk's line; 0 where none came after it."""
    wrote = journal.stat().st_mtime if journal.is_file() else 0.0
    return round(max(0.0, wrote - _time(event)), 3)


def _time(event: Mapping[str, Any]) -> float:
    """An event's time in seconds; that of now where it has none."""
    try:
        return calendar.timegm(time.strptime(str(event.get("time")), _TIME))
    except (ValueError, OverflowError):
        return time.time()
