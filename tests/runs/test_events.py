"""What a run's log tells of its times."""

import calendar
import os
import time

import pytest

from dgnam.runs import events

BEGUN = {"event": "started", "time": "2026-01-02T03:04:05Z"}


@pytest.fixture
def journal(tmp_path):
    """A journal last written 60 seconds after the beginning."""
    path = tmp_path / "chunks.jsonl"
    path.write_text("")
    wrote = calendar.timegm((2026, 1, 2, 3, 5, 5))
    os.utime(path, (wrote, wrote))
    return path


def test_now_is_a_time_that_reads_back(tmp_path):
    before = int(time.time())
    assert before <= events._time({"time": events.now()}) <= time.time()


def test_the_seconds_of_all_processes_add_up(journal, tmp_path):
    ended = [BEGUN, {"event": "ended", "seconds": 2.5}, BEGUN, {"event": "stopped", "seconds": 3}]
    assert events.seconds(ended, journal, running=False) == 5.5
    wrong = [BEGUN, {"event": "ended", "seconds": -1}, {"event": "ended", "seconds": "9"}]
    wrong += [{"event": "ended", "seconds": seconds} for seconds in (float("inf"), float("nan"), 10**400, 1e300)]
    assert events.seconds(wrong, journal, running=False) == 0
    assert events.seconds([], journal, running=False) == 0


def test_a_killed_process_counts_to_its_last_chunk(journal, tmp_path):
    killed = [BEGUN, {"event": "ended", "seconds": 2}, BEGUN]
    assert events.seconds(killed, journal, running=False) == 62
    assert events.seconds(killed, tmp_path / "none", running=False) == 2
    assert events.seconds_since({"time": "2026-01-02T03:06:05Z"}, journal) == 0


def test_a_process_at_work_counts_until_now(journal, monkeypatch):
    monkeypatch.setattr(events.time, "time", lambda: calendar.timegm((2026, 1, 2, 3, 4, 15)))
    assert events.seconds([BEGUN], journal, running=True) == 10
    assert events.seconds([{**BEGUN, "time": "no time"}], journal, running=True) == 0
