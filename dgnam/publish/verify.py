"""Measuring a model of the small zoo again, to compare with its card."""

from __future__ import annotations

import json
import os
from typing import Any

from .. import zoo
from ..caffe.errors import CaffeError
from ..data import load_set
from . import plans
from .measured import measure_classifier, measure_generator
from .plans import ClassifierPlan


def remeasure(
    name: str, data_folder: str | os.PathLike[str] | None = None
) -> dict[str, tuple[float | None, float | None]]:
    """The numbers of model `name`: for each, what its card says and what its stored weights give now.

    None stands where one of the two lacks the number.
    """
    plan = plans.plan_of(name)
    path = zoo.data_folder("models") / name / "card.json"
    if not path.is_file():
        raise CaffeError(f"model '{name}' has no card: there is no {path}")
    said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["measured"]
    net = zoo.load(name)
    if isinstance(plan, ClassifierPlan):
        now = measure_classifier(name, plan, net, data_folder)
    else:
        now = measure_generator(plan, net, zoo.load(plan.encoder), load_set(plans.HELD_OUT, data_folder))
    keys = [key for key in {**said, **now} if key != "on"]
    return {key: (said.get(key), now.get(key)) for key in keys}
