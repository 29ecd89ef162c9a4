"""The pictures of a target where nobody names any: those that a model of the zoo was trained and measured on."""

from types import SimpleNamespace

import pytest

from dgnam.api.pictures import HELD_OUT, TRAINING, own_pictures
from dgnam.errors import DgnamError


def target(model):
    return SimpleNamespace(record={} if model is None else {"model": model}, name=str(model))


@pytest.mark.parametrize(
    ("model", "training", "held_out"),
    [
        ("caffenet", "ilsvrc12-train", "ilsvrc12-val"),
        ("caffenet-yos", "ilsvrc12-train", "ilsvrc12-val"),
        ("places205-alexnet", "places205-train", "places205-val"),
        ("caffenet-mini", "tinyimagenet64-train", "tinyimagenet64-val"),
    ],
)
def test_models_of_the_zoo_have_their_own(model, training, held_out):
    assert own_pictures(target(model), TRAINING) == training
    assert own_pictures(target(model), HELD_OUT) == held_out


@pytest.mark.parametrize("model", [None, "lrcn-single-frame"])
def test_others_have_none(model):
    with pytest.raises(DgnamError, match=f"the held-out pictures of target '{model}' are not known here"):
        own_pictures(target(model), HELD_OUT)
