"""Training a classifier: it learns, and a stopped run goes on to the same weights."""

import json

import pytest
import torch

from dgnam.caffe.errors import CaffeError
from dgnam.data import load_set
from dgnam.train.classifier import evaluate, train_classifier
from dgnam.train.feed import FeedSpec


def train(nets, folder, data_folder, **options):
    return train_classifier(
        nets / "classifier_solver.prototxt", folder, data_folder=data_folder, progress=False, **options
    )


def test_it_learns_colours_and_logs(nets, tmp_path, data_folder):
    net = train(nets, tmp_path / "run", data_folder)
    spec = FeedSpec("toy-val", 20, 12, False, (104.0, 117.0, 123.0))
    assert evaluate(net, load_set("toy-val", data_folder), spec).top1 > 0.9
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["iteration"] for entry in log if "top1" in entry] == [20, 40]
    assert log[0]["loss"] > [entry for entry in log if "loss" in entry][-1]["loss"]


def test_a_stopped_run_goes_on_to_the_same_weights(nets, tmp_path, data_folder):
    whole = train(nets, tmp_path / "whole", data_folder)
    parts = None
    for _ in range(60):
        parts = train(nets, tmp_path / "parts", data_folder, time_limit=0.02)
        if parts is not None:
            break
    assert parts is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_a_checkpoint_of_another_recipe_is_refused(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, time_limit=0)
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace("base_lr: 0.05", "base_lr: 0.06"))
    with pytest.raises(CaffeError, match=r"belongs to another recipe \(changed: solver\)"):
        train(nets, tmp_path / "run", data_folder)


def test_a_broken_checkpoint_is_a_clear_error(nets, tmp_path, data_folder):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"rubbish")
    with pytest.raises(CaffeError, match="not a readable checkpoint"):
        train(nets, tmp_path / "run", data_folder)


def test_a_diverging_run_says_so(nets, tmp_path, data_folder):
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace("base_lr: 0.05", "base_lr: 1e30"))
    with pytest.raises(CaffeError, match=r"the loss is .* lower base_lr"):
        train(nets, tmp_path / "run", data_folder)
