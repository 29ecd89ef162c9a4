"""A training's log and times, by a clock that the test moves."""

import sys

import pytest
import torch

from dgnam.train import progress
from dgnam.train.curves import read_log
from dgnam.train.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed; add to them."""
    seconds = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: seconds[0])
    return seconds


def begun(folder, **options):
    how = {"first": 10, "total": 30, "images": 4, "before": 50.0, "device": "cpu", "show": False}
    return Progress(folder, "net", **{**how, **options})


def batches(clock, seconds):
    while True:
        clock[0] += seconds
        yield "batch"


def test_the_log_tells_speed_waiting_and_all_seconds(tmp_path, clock):
    shown, stream = begun(tmp_path), batches(clock, 0.5)
    for _ in range(4):
        assert shown.wait(stream) == "batch"
        clock[0] += 1.5
        shown.step()
    assert (shown.elapsed, shown.seconds) == (8, 58)
    shown.log(14, loss=2.0)
    assert read_log(tmp_path) == [
        {"iteration": 10, "device": "cpu", "threads": torch.get_num_threads()},
        {"iteration": 14, "loss": 2.0, "seconds": 58.0, "images_per_second": 2.0, "waiting": 0.25},
    ]


@pytest.mark.parametrize("logged", [False, True])
def test_the_time_of_a_test_is_no_training(tmp_path, clock, logged):
    """Whether or not a line was due just before it."""
    shown, stream = begun(tmp_path), batches(clock, 0.5)
    for iteration in range(11, 15):
        shown.wait(stream)
        clock[0] += 1.5
        shown.step()
        if iteration == 12:
            if logged:
                shown.log(12, loss=2.0)
            clock[0] += 7
            shown.tested(12, top1=0.5)
    shown.log(14, loss=1.0)
    log = read_log(tmp_path)
    assert {"iteration": 12, "top1": 0.5} in log
    assert log[-1] == {"iteration": 14, "loss": 1.0, "seconds": 65.0, "images_per_second": 2.0, "waiting": 0.25}


def test_a_training_that_is_done_logs_nothing(tmp_path):
    begun(tmp_path, first=30).close()
    assert not (tmp_path / "log.jsonl").exists()


def test_without_time_there_is_no_division_by_zero(tmp_path, clock):
    begun(tmp_path).log(11, loss=1.0)
    assert read_log(tmp_path)[-1]["images_per_second"] == pytest.approx(4e9)


def test_held_out_scores_are_shown(tmp_path, clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = begun(tmp_path, show=True)
    shown.step()
    shown.log(11, loss=2.5, rate=0.1)
    shown.tested(11, top1=0.5)
    shown.close()
    written = capsys.readouterr().err
    assert "net: iteration 11, held-out top1 50.00%" in written
    assert "11/30" in written
