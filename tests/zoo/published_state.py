"""Stand-ins for the published weights: state dicts with random numbers, in the forms in which they are published."""

from __future__ import annotations

import torch

from dgnam import zoo
from dgnam.caffe import TEST, CaffeModule
from dgnam.caffe.proto import read_net

OWN = {"defc7": "fc7", "defc6": "fc6", "defc5": "fc5"}
OWN |= {f"deconv{i}": f"tconv{i}_0" for i in (5, 4, 3)} | {f"conv{i}_1": f"tconv{i}_1" for i in (5, 4, 3)}
OWN |= {f"deconv{i}": f"tconv{i}" for i in (2, 1, 0)}
"""What another publisher calls the layers of the generators for fully connected layers."""


def state_of(name: str, seed: int = 0, stray: bool = True) -> dict[str, torch.Tensor]:
    """A state dict of the published model `name`: numbers of its shapes, small enough for a pass to stay finite.

    stray: whether keys of fully connected layers have the published `.1.`.
    """
    module = CaffeModule(read_net(zoo.get(name).prototxt), phase=TEST)
    state: dict[str, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(seed)
    for layer, params in module.layer_params():
        pair = ".1" if stray and layer.startswith(("fc", "defc")) else ""
        for what, param in zip(("weight", "bias"), params, strict=False):
            deviation = (2 / max(1, param[0].numel())) ** 0.5 if what == "weight" else 0.1
            values = torch.empty(param.shape).normal_(0, deviation, generator=generator)
            state[f"{layer}{pair}.{what}"] = values
    return state


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same as that publisher keeps it: without biases behind the fully connected layers."""
    kept = {key: value for key, value in state.items() if key.endswith("weight") or key.startswith("defc")}
    return {f"{OWN[key.split('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in kept.items()}
