"""Curves of a training's log."""

import builtins
import json
from itertools import pairwise

import pytest
from PIL import Image

from dgnam.train import curves
from dgnam.train.classifier import train_classifier
from dgnam.train.curves import Curves, draw_curves, read_log, series


def test_a_training_leaves_a_log_with_speed_curves_and_a_sheet(nets, tmp_path, data_folder):
    pytest.importorskip("matplotlib")
    solver = nets / "classifier_solver.prototxt"
    train_classifier(solver, tmp_path / "run", data_folder=data_folder, progress=False)
    timed = [entry for entry in read_log(tmp_path / "run") if "loss" in entry]
    assert [entry["iteration"] for entry in timed] == list(range(5, 41, 5))
    assert all(entry["images_per_second"] > 0 and 0 <= entry["waiting"] <= 1 for entry in timed)
    assert all(a["seconds"] <= b["seconds"] for a, b in pairwise(timed))
    with Image.open(tmp_path / "run" / "curves.png") as drawn:
        assert drawn.size == (1350, 320), "three panels"
    with Image.open(tmp_path / "run" / "sheet-000000.png") as sheet:
        assert sheet.size == (8 * 12, 2 * 12), "16 pictures"


def test_they_are_drawn_once_a_minute_and_at_the_end(tmp_path, monkeypatch):
    """Checkpoints may come more often."""
    now, drawn = [100.0], []
    monkeypatch.setattr(curves, "draw_curves", drawn.append)
    monkeypatch.setattr(curves.time, "monotonic", lambda: now[0])
    kept = Curves(tmp_path)
    for after, at_end, times in [(1, False, 0), (59, False, 0), (60, False, 1), (61, False, 1), (62, True, 2)]:
        now[0] = 100 + after
        kept.draw(at_end=at_end)
        assert drawn == [tmp_path] * times


def test_points_that_a_resumed_run_writes_again_count_once(tmp_path):
    lines = [
        {"iteration": 0, "device": "cpu", "threads": 2},
        {"iteration": 5, "loss": 3.0, "rate": 0.1, "seconds": 1, "images_per_second": 10.0, "waiting": 0.0},
        {"iteration": 10, "loss": 9.0, "rate": 0.1, "seconds": 2, "images_per_second": 10.0, "waiting": 0.0},
        {"iteration": 10, "top1": 0.5},
        {"iteration": 10, "loss": 2.0, "rate": 0.1, "seconds": 2, "images_per_second": 11.0, "waiting": 0.0},
    ]
    cut_short = "\n".join(map(json.dumps, lines)) + '\n{"iteration": 15, "lo'
    (tmp_path / "log.jsonl").write_text(cut_short)
    assert series(read_log(tmp_path)) == {
        "loss": {"loss": [(5, 3.0), (10, 2.0)]},
        "held-out score": {"top1": [(10, 0.5)]},
        "images a second": {"images_per_second": [(5, 10.0), (10, 11.0)]},
    }


def test_without_matplotlib_there_are_no_curves_and_no_error(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert draw_curves(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
