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


def test_what_is_no_event_is_passed_over(tmp_path):
    (tmp_path / "log").write_bytes(b'{"event": "started"}\n{"eve\n\xff\n[1]\n{"event": "ended", "seconds": 1}\n')
    assert [event["event"] for event in events.read_events(tmp_path / "log")] == ["started", "ended"]
    assert events.read_events(tmp_path / "none") == []


def test_the_last_process_tells_its_directory_executor_and_total():
    log = [
        {**BEGUN, "directory": "/a", "executor": "ray", "total": 5, "unit": "images"},
        {"event": "stopped", "seconds": 1, "directory": "/no"},
    ]
    assert (events.last_directory(log), events.executor(log), events.total(log)) == ("/a", "ray", (5, "images"))
    assert events.started(log) == BEGUN["time"]
    later = [*log, {"event": "resumed", "time": "2027-01-01T00:00:00Z", "total": 7}]
    assert (events.last_directory(later), events.executor(later), events.total(later)) == (None, "", (7, "chunks"))
    assert events.started(later) == BEGUN["time"]
    assert (events.last_directory([]), events.executor([]), events.total([]), events.started([])) == (
        *(None, "", (None, "chunks")),
        "",
    )
    assert events.total([{"total": True}]) == (None, "chunks")
    assert events.last_directory([{**BEGUN, "directory": 3}]) is None


def test_the_chunks_given_up_are_those_of_the_last_event():
    stopped = {"event": "stopped", "failed": {"00001": "nan", "00002": 3}}
    assert events.failed([BEGUN, stopped]) == {"00001": "nan", "00002": "3"}
    assert events.failed([stopped, BEGUN]) == events.failed([]) == events.failed([{"failed": ["00001"]}]) == {}


def test_seconds_have_three_digits_and_no_chunk_means_none(journal):
    os.utime(journal, (wrote := calendar.timegm((2026, 1, 2, 3, 4, 5)) + 0.12345, wrote))
    assert events.seconds_since(BEGUN, journal) == 0.123
