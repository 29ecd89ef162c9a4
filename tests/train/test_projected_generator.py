"""Training a generator against fixed nets' features: it learns, and a stopped run goes on to the same weights."""

from dataclasses import replace
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dgnam.api.train import train as train_model
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import DgnamError
from dgnam.runs import Record
from dgnam.runs.index import read_summary
from dgnam.train import projected_generator as module
from dgnam.train.curves import read_log
from dgnam.train.encoder import Encoder
from dgnam.train.projected_generator import ProjectedRun, train_projected
from dgnam.train.projected_recipe import Comparison, ProjectedRecipe
from tests.toy import ENCODER

TOY = Comparison("toy", ("conv1", "fc6"), ("conv1",))
RECIPE = ProjectedRecipe("toy-train", "fc6", (TOY,), 16, average=0.9, comparator_layers=("conv1",))


def encoder(seed: int = 2) -> CaffeModule:
    return CaffeModule(parse_net(ENCODER, "test"), seed=seed)


def train(nets, folder, data_folder, recipe=RECIPE, **options):
    return train_projected(
        nets, recipe, encoder(), [encoder(3)], folder, data_folder=data_folder, progress=False, **options
    )


def edit(nets, old: str, new: str) -> None:
    path = nets / "solver.prototxt"
    path.write_text(path.read_text().replace(old, new))


def assert_same(one, other):
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.exhaustive
def test_its_losses_fall_and_the_log_says_what_pulls(nets, tmp_path, data_folder):
    edit(nets, "max_iter: 30", "max_iter: 150")
    recipe = replace(RECIPE, image=5.0, adversarial=0.01, pixels=0.01)
    assert train(nets, tmp_path / "run", data_folder, recipe) is not None
    _, *log = read_log(tmp_path / "run")
    assert log[-1]["image"] < 0.8 * log[0]["image"]
    assert log[-1]["toy"] < log[0]["toy"]
    assert {"pull_image", "pull_toy", "pull_code", "pull_adversarial", "pull_pixels"} <= log[0].keys()
    assert (tmp_path / "run" / "sheet-000010.png").exists()
    assert read_summary(tmp_path / "run").state == "finished"


@pytest.mark.exhaustive  # killed ones do in tests/train/zoo/test_generator.py
def test_a_stopped_run_goes_on_to_the_same_weights(nets, tmp_path, data_folder):
    whole = train(nets, tmp_path / "whole", data_folder)
    parts = None
    for stop in range(60):
        torch.manual_seed(stop)  # nothing may depend on what was drawn before
        parts = train(nets, tmp_path / "parts", data_folder, time_limit=0.02)
        if parts is not None:
            break
    assert parts is not None
    assert_same(whole, parts)


def test_a_longer_training_goes_on_from_a_shorter_one(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder)
    edit(nets, "max_iter: 30", "max_iter: 40")
    assert train(nets, tmp_path / "run", data_folder) is not None
    assert read_log(tmp_path / "run")[-1]["iteration"] == 40


def test_a_training_past_its_end_is_an_error_and_stays(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder)
    before = sorted(path.name for path in (tmp_path / "run" / "chunks").iterdir())
    edit(nets, "max_iter: 30", "max_iter: 20")
    with pytest.raises(DgnamError, match="can't end at iteration 20, since its checkpoint is at 30 already"):
        train(nets, tmp_path / "run", data_folder)
    assert sorted(path.name for path in (tmp_path / "run" / "chunks").iterdir()) == before


def test_another_recipe_is_refused(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, time_limit=0)
    with pytest.raises(DgnamError, match=r"cannot resume .*run: recipe\.image changed \(was 0\.3, now 1\.0\)"):
        train(nets, tmp_path / "run", data_folder, replace(RECIPE, image=1.0))
    edit(nets, "base_lr: 0.002", "base_lr: 0.001")
    with pytest.raises(DgnamError, match=r"generator\.solver changed \(was \"base_lr: 0\.002\""):
        train(nets, tmp_path / "run", data_folder)


def test_a_record_from_before_comparators_shrank_goes_on():
    assert replace(RECIPE, comparisons=(replace(TOY, shrink=2),)).as_dict()["comparisons"][0]["shrink"] == 2
    assert {"model", "layers", "heads", "weight"} == RECIPE.as_dict()["comparisons"][0].keys()


def test_the_seconds_of_all_processes_count(nets, tmp_path, data_folder):
    for _ in range(2):
        assert train(nets, tmp_path / "run", data_folder, time_limit=0) is None
    paths = sorted((tmp_path / "run" / "chunks").iterdir())
    first, second = (torch.load(path, weights_only=True)["seconds"] for path in paths)
    assert 0 < first < second


def test_a_training_begun_in_python_says_so(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, time_limit=0)
    spec = Record.read(tmp_path / "run").spec
    assert spec == {"model": {"object": "ProjectedRecipe"}}
    assert set(spec) <= set(signature(train_model).parameters)


def test_weights_that_are_not_finite_are_never_a_checkpoint(nets, tmp_path, data_folder, monkeypatch):
    real = ProjectedRun.step

    def step(self, iteration, batch, log):
        losses = real(self, iteration, batch, log)
        if iteration == 12:
            with torch.no_grad():
                next(self.net.parameters()).fill_(np.nan)
        return losses

    monkeypatch.setattr(ProjectedRun, "step", step)
    with pytest.raises(DgnamError, match=r"not finite at iteration 1\d"):
        train(nets, tmp_path / "run", data_folder)
    monkeypatch.undo()
    assert_same(train(nets, tmp_path / "whole", data_folder), train(nets, tmp_path / "run", data_folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code_layer": "fc66"}, "net 'encoder' has no layer 'fc66'.*fc6"),
        ({"code_layer": "conv1"}, r"takes codes of \(10,\), and the encoder's layer 'conv1' gives \(6, 5, 5\)"),
        ({"comparisons": (Comparison("toy", ("conv9",), ("conv9",)),)}, "net 'encoder' has no layer 'conv9'"),
        (
            {"comparisons": (Comparison("toy", ("fc6",), ("fc6",)),)},
            r"a head needs features \(C, H, W\), and layer 'fc",
        ),
        ({"comparisons": (replace(TOY, shrink=2),)}, "16x16 are too small for comparator 'encoder', which sees 24x24"),
        ({"comparator_layers": ("pool5",)}, "net 'encoder' has no layer 'pool5'"),
        ({"source": "toi-train"}, "no image set 'toi-train'"),
        ({"batch_size": 500}, "120 pictures do not fill a batch of 500"),
    ],
)
def test_what_does_not_fit_is_said_before_the_training(nets, tmp_path, data_folder, change, message):
    with pytest.raises(DgnamError, match=message):
        train(nets, tmp_path / "run", data_folder, replace(RECIPE, **change))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('type: "Adam"', 'type: "Nesterov"', "must be Adam without weight_decay, of iter_size 1"),
        ("max_iter", "weight_decay: 0.1 max_iter", "must be Adam without weight_decay"),
        ("max_iter", "iter_size: 2 max_iter", "of iter_size 1"),
    ],
)
def test_solvers_that_are_not_supported_are_refused(nets, tmp_path, data_folder, old, new, message):
    edit(nets, old, new)
    with pytest.raises(DgnamError, match=message):
        train(nets, tmp_path / "run", data_folder)


def test_a_layer_s_own_rate_is_refused(nets, tmp_path, data_folder):
    path = nets / "train.prototxt"
    path.write_text(path.read_text().replace('top: "deconv0"', 'top: "deconv0" param { lr_mult: 2 }', 1))
    with pytest.raises(DgnamError, match="layer 'deconv0': an lr_mult other than 1"):
        train(nets, tmp_path / "run", data_folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"comparisons": ()}, "needs a comparison, or more, with heads"),
        ({"comparisons": (Comparison("toy", ("conv1",)),)}, "with heads"),
        ({"comparisons": (TOY, TOY)}, "a comparator is given twice at one size: toy, toy"),
        ({"comparator_layers": ()}, "one of comparator_layers"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"average": 1.0}, "average 1"),
        ({"cooldown": float("nan")}, "cooldown nan"),
        ({"image": -1.0}, "image is -1.0"),
        ({"adversarial": float("inf")}, "adversarial is inf"),
    ],
)
def test_a_recipe_without_sense_is_refused(change, message):
    with pytest.raises(DgnamError, match=message):
        replace(RECIPE, **change)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((("conv1",), ("conv9",)), "conv9 isn't"),
        (((), ()), "give a layer"),
        ((("a",), (), -1.0), "weight is -1"),
        ((("a",), (), 1.0, 0), "shrink 0"),
    ],
)
def test_a_comparison_without_sense_is_refused(given, message):
    with pytest.raises(DgnamError, match=message):
        Comparison("toy", *given)


def test_the_recipe_s_numbers_and_where_they_end():
    usual = ProjectedRecipe("s", "fc6", (TOY,))
    numbers = (usual.batch_size, usual.image, usual.code, usual.adversarial, usual.pixels)
    assert numbers == (32, 0.3, 0.5, 0.1, 0.05)
    others = (usual.discriminator_rate, usual.average, usual.width, usual.cooldown, TOY.weight)
    assert others == (1, 0.999, 64, 0.25, 1)
    for fine in (
        {"batch_size": 1},
        {"width": 1},
        {"average": 0.0},
        {"cooldown": 0.0},
        {"cooldown": 1.0},
        {"code": 0.0},
    ):
        replace(usual, **fine)
    for wrong in (
        {"batch_size": 0},
        {"width": 0},
        {"average": 1.0},
        {"average": -0.1},
        {"cooldown": 1.1},
        {"code": -0.1},
    ):
        with pytest.raises(DgnamError):
            replace(usual, **wrong)


def own_run(max_iter: int, **options) -> ProjectedRun:
    run = ProjectedRun.__new__(ProjectedRun)
    run.recipe = replace(RECIPE, **options)
    run.solver = pb.SolverParameter(base_lr=0.5, lr_policy="fixed", max_iter=max_iter)
    return run


def test_the_rate_falls_to_zero_over_the_last_part():
    run = own_run(100, cooldown=0.25)
    assert [run.rate(done) for done in (0, 75, 80, 99)] == pytest.approx([0.5, 0.5, 0.5 * 20 / 25, 0.5 / 25])
    assert own_run(100, cooldown=0.0).rate(99) == 0.5


def test_windows_lie_anywhere_within_the_pictures():
    draw, real = np.random.default_rng(0), torch.zeros(1, 3, 7, 9)
    found = [module._window(draw, real, (5, 6)) for _ in range(100)]
    assert {rows.start for rows, _ in found} == {0, 1, 2}
    assert {columns.start for _, columns in found} == {0, 1, 2, 3}
    assert {(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in found} == {(5, 6)}


def test_a_comparator_sees_a_larger_window_made_smaller_and_a_part_of_the_picture_as_it_is():
    run, net = own_run(10), encoder(3)
    parts = TOY, replace(TOY, shrink=2)
    run.compared = [module._compared(part, net, 26) for part in parts]
    real, fake = torch.randn(2, 2, 3, 26, 26, generator=torch.Generator().manual_seed(0))
    theirs, ours = run._features(4, real, fake)
    draw = np.random.default_rng((0, 4))
    for (rows, columns), found, shrink in zip(
        [module._window(draw, real, (side, side)) for side in (12, 24)],
        zip(theirs, ours, strict=True),
        (1, 2),
        strict=True,
    ):
        for images, features in zip((real, fake), found, strict=True):
            seen = images[..., rows, columns].unfold(2, shrink, shrink).unfold(3, shrink, shrink).mean((4, 5))
            torch.testing.assert_close(features, Encoder(net, "conv1", TOY.layers).features(seen))
    assert [part.name for part in parts] == ["toy", "toy at 1/2"]


def test_distances_and_pulls_by_hand():
    ours, theirs = (
        [torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0]])],
        [torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0]])],
    )
    assert module._distance(ours, theirs).item() == pytest.approx(1.5)
    fake = torch.ones(2, 3, requires_grad=True)
    pulls = ProjectedRun._pulls({"a": (fake * torch.tensor([[3.0, 0, 4], [0, 0, 1]])).sum()}, fake)
    assert pulls == {"pull_a": pytest.approx((5 + 1) / 2 * 2 * 1e3)}


def test_a_move_takes_the_rate_and_leaves_no_gradient():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], 9.0)
    weight.sum().backward()
    module._move(optimizer, 0.25)
    assert (weight.item(), weight.grad) == (0.75, None)


def test_losses_that_are_not_finite_are_an_error():
    run = own_run(10)
    run.net = SimpleNamespace(plan=SimpleNamespace(name="g"))
    assert run._logged(3, {"a": torch.tensor(2.0)}) == {"a": 2}
    with pytest.raises(DgnamError, match="net 'g': a loss is not finite at iteration 3"):
        run._logged(3, {"a": torch.tensor(2.0), "b": torch.tensor(float("nan"))})
