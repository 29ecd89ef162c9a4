"""Measuring a model of the small zoo again, to compare with its card."""

from __future__ import annotations

import os

from ... import zoo
from ...data.dataset import open_dataset
from . import recipes as plans
from .evaluate import measure_classifier, measure_generator
from .recipes import ClassifierPlan, SnapshotPlan


def remeasure(name: str, data_folder: str | os.PathLike[str] | None = None) -> dict[str, float]:
    """The numbers that the card of model `name` has, as its stored weights give them now on the pictures it names."""
    plan = plans.plan_of(name)
    net = zoo.load(name)
    if isinstance(plan, ClassifierPlan | SnapshotPlan):
        now = measure_classifier(name, plans.classifier_plan(plan), net, data_folder)
    else:
        now = measure_generator(
            plan, net, zoo.load(plan.encoder), open_dataset(plans.HELD_OUT, folder=data_folder).in_memory()
        )
    return {key: value for key, value in now.items() if key != "on"}
