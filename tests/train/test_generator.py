"""Training a generator: its losses fall, and a stopped run goes on to the same weights."""

import json

import pytest
import torch

from dgnam.caffe.module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.train.encoder import Encoder
from dgnam.train.generator import GeneratorRecipe, train_generator
from dgnam.train.losses import RelativeLosses
from tests.toy import ENCODER

RECIPE = GeneratorRecipe("toy-train", "fc6", ("conv1",), 16, RelativeLosses())


def encoder():
    return CaffeModule(parse_net(ENCODER, "test"), seed=2)


def train(nets, folder, data_folder, recipe=RECIPE, **options):
    return train_generator(nets, recipe, encoder(), folder, data_folder=data_folder, progress=False, **options)


def test_the_encoder_sees_the_centre_and_keeps_the_code_after_its_relu():
    net = encoder()
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 50
    code, (features,) = Encoder(net, "fc6", ("conv1",))(images)
    wanted = net(images[:, :, 2:14, 2:14], keep=["conv1"])
    assert torch.equal(code, wanted["fc6"])
    assert torch.equal(features, wanted["conv1"])
    assert (code >= 0).all()


def test_its_losses_fall_and_sheets_are_drawn(nets, tmp_path, data_folder):
    for name in ("solver", "discriminator_solver"):
        path = nets / f"{name}.prototxt"
        path.write_text(path.read_text().replace("max_iter: 30", "max_iter: 150"))
    assert train(nets, tmp_path / "run", data_folder) is not None
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["image"] < 0.6 * log[0]["image"]
    assert log[-1]["feature"] < 0.6 * log[0]["feature"]
    assert (tmp_path / "run" / "sheet-000010.png").exists()


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


@pytest.mark.parametrize(("pause_below", "moves"), [(0.0, True), (1e9, False)])
def test_the_discriminator_rests_while_it_is_far_ahead(nets, tmp_path, data_folder, pause_below, moves):
    recipe = GeneratorRecipe("toy-train", "fc6", ("conv1",), 16, RelativeLosses(), pause_below)
    train(nets, tmp_path / "run", data_folder, recipe)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (state["updates"]["discriminator"]["steps"] > 0) is moves
