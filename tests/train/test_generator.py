"""Training a generator: its losses fall, and a stopped run goes on to the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import DgnamError
from dgnam.train.curves import read_log
from dgnam.train.encoder import Encoder
from dgnam.train.generator import GeneratorRecipe, GeneratorRun, train_generator
from dgnam.train.losses import PUBLISHED, Losses, RelativeLosses
from tests.toy import CONVOLUTIONAL_DISCRIMINATOR, CONVOLUTIONAL_GENERATOR, ENCODER

RECIPE = GeneratorRecipe("toy-train", "fc6", ("conv1",), 16, RelativeLosses())
OF_CONV1 = replace(RECIPE, code_layer="conv1")


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
    began, *log = read_log(tmp_path / "run")
    assert began == {"iteration": 0, "device": "cpu", "threads": torch.get_num_threads()}
    assert log[-1]["image"] < 0.6 * log[0]["image"]
    assert log[-1]["feature"] < 0.6 * log[0]["feature"]
    assert (tmp_path / "run" / "sheet-000010.png").exists()


def of_conv1(nets):
    """Nets for a code with positions, (6, 5, 5)."""
    (nets / "train.prototxt").write_text(CONVOLUTIONAL_GENERATOR)
    (nets / "discriminator.prototxt").write_text(CONVOLUTIONAL_DISCRIMINATOR)
    return nets


@pytest.mark.parametrize(
    "recipe", [RECIPE, pytest.param(OF_CONV1, marks=pytest.mark.exhaustive)], ids=lambda recipe: recipe.code_layer
)
def test_a_stopped_run_goes_on_to_the_same_weights(nets, tmp_path, data_folder, recipe):
    nets = of_conv1(nets) if recipe is OF_CONV1 else nets
    whole = train(nets, tmp_path / "whole", data_folder, recipe)
    parts = None
    for _ in range(60):
        parts = train(nets, tmp_path / "parts", data_folder, recipe, time_limit=0.02)
        if parts is not None:
            break
    assert parts is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_a_generator_with_dropout_goes_on_as_it_would(nets, tmp_path, data_folder):
    path = nets / "train.prototxt"
    layer = 'layer { name: "drop" type: "Dropout" bottom: "feat" top: "drop" }\nlayer { name: "defc5"'
    path.write_text(
        path.read_text()
        .replace('layer { name: "defc5"', layer)
        .replace('bottom: "feat" top: "defc5"', 'bottom: "drop" top: "defc5"')
    )
    whole = train(nets, tmp_path / "whole", data_folder)
    assert train(nets, tmp_path / "parts", data_folder, time_limit=0) is None
    parts = train(nets, tmp_path / "parts", data_folder)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


@pytest.mark.parametrize(("pause_below", "moves"), [(0.0, True), (1e9, False)])
def test_the_discriminator_rests_while_it_is_far_ahead(nets, tmp_path, data_folder, pause_below, moves):
    recipe = GeneratorRecipe("toy-train", "fc6", ("conv1",), 16, RelativeLosses(), pause_below)
    train(nets, tmp_path / "run", data_folder, recipe)
    state = torch.load(tmp_path / "run" / "chunks" / "checkpoint-000030.pt", weights_only=True)
    assert (state["updates"]["discriminator"]["steps"] > 0) is moves


def test_a_code_with_positions_is_inverted(nets, tmp_path, data_folder):
    nets = of_conv1(nets)
    for name in ("solver", "discriminator_solver"):
        path = nets / f"{name}.prototxt"
        path.write_text(path.read_text().replace("max_iter: 30", "max_iter: 150"))
    train(nets, tmp_path / "run", data_folder, OF_CONV1)
    log = read_log(tmp_path / "run")[1:]
    assert log[-1]["image"] < 0.6 * log[0]["image"]
    assert all(0 <= entry["waiting"] <= 1 for entry in log)
    assert log[-1]["feature"] < 0.6 * log[0]["feature"]
    assert (tmp_path / "run" / "sheet-000150.png").exists()


def test_layers_behind_the_code_and_the_features_are_not_run():
    """A change of fc6 leaves code and features of conv1 alone, and NaN in it hurts nothing."""
    net = encoder()
    broken = {name: [np.full_like(b, np.nan) for b in blobs] for name, blobs in net.weights().items() if name == "fc6"}
    images = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 50
    code, _ = Encoder(net, "conv1", ("conv1",))(images)
    net.copy_from(broken)
    again, _ = Encoder(net, "conv1", ("conv1",))(images)
    assert torch.equal(code, again)
    assert torch.isfinite(again).all()


def test_pictures_smaller_than_what_the_generator_makes_are_met_at_its_centre(nets, tmp_path, data_folder):
    """Resized to 20x24 and cut to 14x14, where the generator makes 16x16."""
    path = nets / "discriminator.prototxt"
    path.write_text(path.read_text().replace("dim: 16 dim: 16", "dim: 14 dim: 14"))
    recipe = replace(RECIPE, resize=(20, 24), crop_size=14)
    pictures, spec = recipe.load(data_folder)
    assert (pictures.size, spec.crop_size, spec.mirror) == ((20, 24), 14, True)
    assert train(nets, tmp_path / "run", data_folder, recipe) is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code_layer": "fc66"}, "net 'encoder' has no layer 'fc66'.*fc6"),
        ({"comparator_layers": ("pool5",)}, "net 'encoder' has no layer 'pool5'"),
        (
            {"code_layer": "conv1"},
            r"'generator' takes codes of \(10,\), and the encoder's layer 'conv1' gives \(6, 5, 5\)",
        ),
        ({"crop_size": 14}, r"'discriminator' sees pictures of \(3, 16, 16\), and they are \(3, 14, 14\)"),
        ({"resize": (32, 32)}, r"'generator' makes pictures of \(3, 16, 16\), and the real ones are \(3, 32, 32\)"),
        ({"resize": (8, 8)}, r"'discriminator' sees pictures"),
        ({"source": "toi-train"}, "no image set 'toi-train'"),
        ({"batch_size": 500}, "120 pictures do not fill a batch of 500"),
        ({"crop_size": 17}, "makes pictures of"),
    ],
)
def test_what_does_not_fit_is_said_before_the_training(nets, tmp_path, data_folder, change, message):
    with pytest.raises(DgnamError, match=message):
        train(nets, tmp_path / "run", data_folder, replace(RECIPE, **change))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"comparator_layers": ()}, "comparator_layers"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"crop_size": -1}, "crop_size -1"),
    ],
)
def test_a_recipe_without_sense_is_refused(change, message):
    with pytest.raises(DgnamError, match=message):
        replace(RECIPE, **change)


def test_another_form_of_losses_is_another_recipe(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, time_limit=0)
    same_weights = Losses(RECIPE.losses.image, RECIPE.losses.feature, RECIPE.losses.adversarial)
    with pytest.raises(DgnamError, match=r"cannot resume .*run: recipe.form of losses changed"):
        train(nets, tmp_path / "run", data_folder, replace(RECIPE, losses=same_weights))


def test_the_seconds_of_all_processes_count(nets, tmp_path, data_folder):
    for _ in range(2):
        assert train(nets, tmp_path / "run", data_folder, time_limit=0) is None
    paths = sorted((tmp_path / "run" / "chunks").iterdir())
    first, second = (torch.load(path, weights_only=True)["seconds"] for path in paths)
    assert 0 < first < second


def test_a_resumed_training_counts_adams_steps_on(nets, tmp_path, data_folder):
    """Both networks' updates; they take turns, and the discriminator may rest."""
    whole = train(nets, tmp_path / "whole", data_folder)
    assert train(nets, tmp_path / "run", data_folder, time_limit=0) is None
    path = tmp_path / "run" / "chunks" / "checkpoint-000001.pt"
    steps = {name: update["steps"] for name, update in torch.load(path, weights_only=True)["updates"].items()}
    assert steps == {"generator": 1, "discriminator": 1}
    rest = train(nets, tmp_path / "run", data_folder)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name]), name
    ends = [
        torch.load(tmp_path / run / "chunks" / "checkpoint-000030.pt", weights_only=True)["updates"]
        for run in ("whole", "run")
    ]
    assert {n: u["steps"] for n, u in ends[0].items()} == {n: u["steps"] for n, u in ends[1].items()}


def test_a_loss_that_is_not_finite_and_iter_size_are_errors(nets, tmp_path, data_folder):
    run = GeneratorRun(nets, RECIPE, encoder(), "cpu")
    with pytest.raises(DgnamError, match="net 'generator': the loss is nan at iteration 7"):
        run.step(7, torch.full((2, 3, 16, 16), torch.nan), log=False)
    path = nets / "solver.prototxt"
    path.write_text(path.read_text() + "iter_size: 2")
    with pytest.raises(DgnamError, match="net 'generator': iter_size 2 is not supported here; give 1"):
        GeneratorRun(nets, RECIPE, encoder(), "cpu")


def test_the_usual_recipe():
    usual = GeneratorRecipe("s", "fc6", ("pool5",))
    assert (usual.batch_size, usual.pause_below, usual.resize, usual.crop_size) == (64, 0.1, None, None)
    assert usual.losses is PUBLISHED
    for name in ("batch_size", "crop_size"):
        replace(usual, **{name: 1})
        with pytest.raises(DgnamError, match="must be positive"):
            replace(usual, **{name: 0})
