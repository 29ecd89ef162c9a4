"""The generators' definitions in `prototxt/`: they fit each other, fold into what is deployed, and stay small."""

import itertools
import math

import pytest
import torch

from dgnam import zoo
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import pb, read_net, read_solver
from dgnam.caffe.wiring.build import NetPlan, build
from dgnam.train import zoo as train_zoo
from dgnam.train.batch_norm.fold import fold
from dgnam.train.encoder import Encoder
from dgnam.train.fit import check_fit, check_generator
from dgnam.train.losses import PUBLISHED

MINI = {"deepsim-fc6-mini": 4.4}
"""At most so many MB in float16."""
PROJECTED = {
    "deepsim-fc6-v2-mini": 12.0,
    "deepsim-fc7-v2-mini": 12.5,
    "deepsim-pool5-v2-mini": 5.0,
    "deepsim-conv3-v2-mini": 3.5,
}
"""Those trained against heads on features, with residual blocks and no discriminator of Caffe's."""
ENCODER_MMAC = 31.6
PROTOTXT = zoo.data_folder("prototxt")


def plan(name: str, file: str, phase: int = pb.TEST) -> NetPlan:
    return build(read_net(PROTOTXT / name / file), phase)


@pytest.mark.parametrize("name", [*MINI, "deepsim-fc6"])
def test_the_networks_of_a_training_fit_each_other(name):
    made = train_zoo.RECIPES[name]
    recipe = made.training
    encoder = Encoder(CaffeModule(read_net(PROTOTXT / made.encoder / "deploy.prototxt")), recipe.code_layer, ("pool5",))
    side = 64 if recipe.crop_size is None else recipe.crop_size
    check_fit(plan(name, "train.prototxt", pb.TRAIN), plan(name, "discriminator.prototxt", pb.TRAIN), encoder, side)
    layers = [layer.type for layer in read_net(PROTOTXT / name / "discriminator.prototxt").layer]
    assert layers.count("Convolution") == 5
    assert layers[layers.index("Concat") :].count("InnerProduct") == 2


@pytest.mark.parametrize("name", [*MINI, *PROJECTED])
def test_what_is_trained_folds_into_what_is_deployed(name):
    torch.manual_seed(0)
    net = CaffeModule(read_net(PROTOTXT / name / "train.prototxt"), phase=pb.TRAIN, seed=1)
    code = torch.rand(8, *net.plan.blob_shapes[net.plan.inputs[0]][1:]) * 5
    for _ in range(2):
        net(code)
    deployed = CaffeModule(read_net(PROTOTXT / name / "deploy.prototxt"), fold(net.eval())).eval()
    with torch.no_grad():
        wanted, given = (next(iter(n(code).values())) for n in (net, deployed))
    assert given.shape == (8, 3, 64, 64)
    assert (given - wanted).abs().max() / wanted.abs().max() < 1e-5


@pytest.mark.parametrize(("name", "most"), PROJECTED.items())
def test_a_generator_with_residual_blocks_fits_its_encoder_and_stays_small(name, most):
    made = train_zoo.RECIPES[name]
    encoder = CaffeModule(read_net(PROTOTXT / made.encoder / "deploy.prototxt"))
    fixed = Encoder(encoder, made.training.code_layer, made.training.comparator_layers)
    check_generator(plan(name, "train.prototxt", pb.TRAIN), fixed, 64)
    net = plan(name, "deploy.prototxt")
    assert net.blob_names[net.outputs[0]] == "deconv0"
    assert 2e-6 * sum(math.prod(param.blob.shape) for param in net.params) < most


@pytest.mark.parametrize("name", MINI)
def test_its_layers_are_those_of_the_published_one_in_their_order(name):
    nets = [read_net(PROTOTXT / n / "deploy.prototxt") for n in (name, name.removesuffix("-mini"))]
    ours, theirs = ([layer.name for layer in net.layer] for net in nets)
    places = [theirs.index(layer) for layer in ours]
    assert all(a < b for a, b in itertools.pairwise(places))


@pytest.mark.parametrize(("name", "most"), MINI.items())
def test_it_is_small(name, most):
    built = plan(name, "deploy.prototxt")
    sizes = {p.owner: math.prod(p.blob.shape) for p in built.params if p.index == 0}
    assert 2e-6 * sum(math.prod(p.blob.shape) for p in built.params) < most
    products = 0
    for wired in built.layers:
        if wired.name in sizes:
            ends = wired.bottoms if wired.layer.type == "Deconvolution" else wired.tops
            products += sizes[wired.name] * math.prod(built.blob_shapes[ends[0]][2:])
    assert products / 1e6 + ENCODER_MMAC < 90


def test_the_full_size_one_is_trained_as_published():
    recipe = train_zoo.RECIPES["deepsim-fc6"].training
    assert (recipe.losses, recipe.batch_size, recipe.pause_below) == (PUBLISHED, 64, 0.1)
    solver = read_solver(PROTOTXT / "deepsim-fc6" / "solver.prototxt")
    assert (solver.type, solver.momentum, solver.momentum2) == ("Adam", pytest.approx(0.9), pytest.approx(0.999))
    assert solver.base_lr == pytest.approx(2e-4)
    trained = read_net(PROTOTXT / "deepsim-fc6" / "train.prototxt")
    slopes = [layer.relu_param.negative_slope for layer in trained.layer if layer.type == "ReLU"]
    assert slopes == pytest.approx([0.3] * 11)
    ours, theirs = plan("deepsim-fc6", "train.prototxt"), plan("deepsim-fc6", "deploy.prototxt")
    shapes = [{(p.owner, p.index): p.blob.shape for p in built.params} for built in (ours, theirs)]
    assert shapes[0] == shapes[1]
