"""What could not be climbed is said."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import dgnam
from dgnam.am import Channel, Job, Result, Stop, TorchTarget, Unit, released
from dgnam.api.unclimbed import Unclimbed
from dgnam.cli.call import call
from dgnam.errors import DgnamError, NotClimbedWarning

ASK = {"prior": "deepsim-fc6-mini", "settings": released(n_iters=3), "progress": False}


class Last(nn.Module):
    """A convolution and a function of its values."""

    def __init__(self, function):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out, self.function = nn.Conv2d(3, 4, 64), nn.Identity(), function

    def forward(self, x):
        return self.out(self.function(self.conv(x).flatten(1)))


KINDS = {
    "not finite": (lambda x: torch.log(x - 1000), "out:1", "the objective is not finite"),
    "infinite": (lambda x: x + torch.inf, "out:1", "the objective is not finite"),
    "silent": (lambda x: (x - 1000).relu(), "out:1", "no gradient at the first step"),
    "constant": (
        lambda x: nn.functional.layer_norm(x.repeat(1, 25).cumsum(1), (100,)),
        "flat",
        "the objective changed by no more than rounding",
    ),
}


def target_of(kind):
    function, text, message = KINDS[kind]
    target = TorchTarget(Last(function), size=(64, 64))
    objective = dgnam.am.Direction("out", np.ones(100)) if text == "flat" else text
    return target, objective, message


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_warning_and_a_line_of_the_summary(kind, tmp_path):
    target, objective, message = target_of(kind)
    with pytest.warns(NotClimbedWarning, match=message) as told:
        found = dgnam.visualize(target, objective, seeds=2, **ASK)
    assert [warning.filename for warning in told if warning.category is NotClimbedWarning] == [__file__]
    assert found.summary == [str(told[-1].message)]
    assert re.search(r"seed 0 \(step \d\), .* seed 1 \(step \d\) \(2 of 2 images\)$", found.summary[0])
    with pytest.warns(NotClimbedWarning, match=message):
        saved = dgnam.visualize(target, objective, folder=tmp_path / "run", seeds=2, **ASK)
    assert saved.summary[-1] == found.summary[0]


def test_what_is_climbed_says_nothing(tmp_path):
    target = TorchTarget(Last(lambda x: x), size=(64, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dgnam.visualize(target, "out:1", **ASK).summary == []


def test_a_command_says_it_once(capsys):
    target, objective, message = target_of("silent")
    with warnings.catch_warnings():
        found = call(dgnam.visualize, {"target": target, "objective": objective, **ASK})
    assert message in found.summary[0]
    assert message not in capsys.readouterr().err


def test_reasons_of_a_batch():
    plan = SimpleNamespace(jobs=[Job(Unit("fc", k), 7) for k in range(5)])
    stopped = [Stop.NONE, Stop.ZERO_GRADIENT, Stop.ZERO_GRADIENT, Stop.FLAT, Stop.NONE]
    activations = np.array([[1, 2], [0, np.nan], [1, 2], [1, 1], [1, np.inf]], np.float32)
    steps = np.array([2, 1, 2, 2, 2])
    unclimbed = Unclimbed(plan)
    empty = np.zeros((5, 1))
    unclimbed.add(Result(tuple(range(5)), empty, empty, activations, steps, np.array(stopped, np.int8)))
    assert [line.split(": ")[1] for line in unclimbed.lines()] == [
        "fc:1 seed 7 (step 1)",
        "fc:2 seed 7 (step 2)",
        "fc:3 seed 7 (step 2)",
        "fc:4 seed 7 (step 2)",
    ]
    assert [line[:20] for line in unclimbed.lines()] == [
        "no gradient at the f",
        "the gradient became ",
        "the objective change",
        "the objective is not",
    ]


@pytest.mark.parametrize("part", ["target", "prior"])
def test_what_has_no_gradient_raises_before_a_folder_is_made(part, tmp_path):
    class Frozen(nn.Linear):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x.flatten(1))

    torch.manual_seed(0)
    bad = {
        "target": {"target": TorchTarget(Frozen(12, 4), (2, 2)), "prior": "deepsim-fc6-mini"},
        "prior": {
            "target": TorchTarget(nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), (2, 2)),
            "prior": dgnam.am.TorchPrior(nn.Sequential(Frozen(5, 12), nn.Unflatten(1, (3, 2, 2))), 5),
        },
    }[part]
    objective = "output:1" if part == "target" else Channel("1", 1)
    with pytest.raises(DgnamError, match=f"the {part} .* has no gradient"):
        dgnam.visualize(**{**ASK, **bad}, objective=objective, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
