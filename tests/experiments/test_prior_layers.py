"""Priors of different layers: the paper's four decide its claims, and all published ones are shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dgnam import zoo
from dgnam.experiments import EXPERIMENTS, reproduce
from dgnam.experiments.claims import claims
from dgnam.experiments.sec3_1_prior_layers import EXPERIMENT, FURTHER, LAYERS


def test_the_published_priors_are_those_of_nine_generators() -> None:
    models = EXPERIMENT.models["paper"]
    names = {"fc6": models.prior, **models.others}
    assert set(names) == {*LAYERS, *FURTHER}
    assert len(names) == 9
    for layer, name in names.items():
        generator = zoo.get(name).generator
        assert generator is not None
        assert (generator.encoder, generator.layer) == (models.target, layer.removesuffix("_eucl"))


def test_further_priors_are_shown_and_decide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    models = EXPERIMENT.models["mini"]
    more = replace(models, others={**models.others, "fc8": "deepsim-fc7-v2-mini"})
    monkeypatch.setitem(EXPERIMENTS, EXPERIMENT.name, replace(EXPERIMENT, models={"mini": more}))
    outcome = reproduce(EXPERIMENT.name, scale="smoke", folder=tmp_path / "run", progress=False)
    numbers = json.loads((outcome.folder / "numbers.json").read_text())
    assert {*LAYERS, "fc8"} <= set(numbers)
    for claim, found in numbers["findings"].items():
        assert {*found["parts"], *found["missing"]} == set(claims()[claim].bounds)
