"""Adversarial training: what the net learns from, and that it resumes exactly."""

import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb, read_caffemodel
from dgnam.errors import DgnamError
from dgnam.runs import Record
from dgnam.train.__main__ import main
from dgnam.train.adversarial_examples import AdversarialExamples
from dgnam.train.classifier import train_classifier
from dgnam.train.data_layer import split_data_layer
from dgnam.train.passes import Passes
from tests.toy import TRAIN_VAL


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_changes_stay_within_the_radius_and_raise_the_loss(scale):
    net = CaffeModule(split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1], phase=pb.TRAIN, seed=1)
    images = torch.randn(16, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 50 * scale
    labels = torch.arange(16) % 6
    examples = AdversarialExamples(100.0, scale)
    worse = examples(net, images, labels, seed=1, passes=Passes("cpu", "float32"))
    lengths = (worse - images).flatten(1).norm(dim=1) / scale
    assert (lengths <= 100.01).all()
    assert lengths.mean() > 50
    assert net.loss(net(worse, labels)) > net.loss(net(images, labels))
    assert all(param.grad is None for param in net.parameters())


@pytest.mark.parametrize("radius", [0, -1, float("nan"), float("inf")])
def test_a_radius_is_a_positive_number(radius):
    with pytest.raises(DgnamError, match="positive number of gray levels"):
        AdversarialExamples(radius)


@pytest.mark.parametrize("batches", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_stopped_training_goes_on_to_the_same_weights(nets, tmp_path, data_folder, batches):
    """The random places are those of the batch, whatever was drawn before."""
    solver = nets / "classifier_solver.prototxt"
    solver.write_text(solver.read_text() + f"iter_size: {batches}\n")
    given = {"data_folder": data_folder, "adversarial_radius": 50.0, "progress": False}
    whole = train_classifier(solver, tmp_path / "whole", **given)
    assert train_classifier(solver, tmp_path / "parts", until=7, **given) is None
    torch.manual_seed(12)
    parts = train_classifier(solver, tmp_path / "parts", **given)
    plain = train_classifier(solver, tmp_path / "plain", data_folder=data_folder, progress=False)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    assert (whole.weights()["fc"][0] != plain.weights()["fc"][0]).any()


def test_the_command_trains_and_a_run_has_one_radius(nets, tmp_path, data_folder, capsys):
    given = [str(nets / "classifier_solver.prototxt"), "--run", str(tmp_path / "run"), "--data", str(data_folder)]
    assert main([*given, "--adversarial-radius", "20"]) == 0
    assert "conv1" in read_caffemodel(tmp_path / "run" / "tiny.caffemodel")
    assert Record.read(tmp_path / "run").spec["adversarial_radius"] == 20
    assert main([*given, "--adversarial-radius", "30"]) == 2
    assert "adversarial_radius changed (was 20.0, now 30.0)" in capsys.readouterr().err
    assert main(given) == 2
    assert "adversarial_radius changed (was 20.0, now null)" in capsys.readouterr().err
