"""The networks of a search, its units and its score, all found to fit together."""

from __future__ import annotations

import dataclasses
from importlib import metadata
from typing import Any

from .. import runs, zoo
from ..am import CaffeTarget, Classes, Evaluator, GeneratorPrior, SearchSpace, Unit, act_range_bounds, parse_objectives
from ..am.hyperparameters import check_apart
from ..am.trial_store import SAMPLERS
from ..caffe.errors import CaffeError, closest
from ..measure import Judge
from ..measure.class_score import SCORES
from ..zoo import ModelEntry
from .request import FORMAT, Request


class Stage:
    """The loaded networks of a request, and its units, all found to fit together."""

    def __init__(self, request: Request, device: str):
        self.request = request
        self.entries = {name: zoo.get(name) for name in (request.target, request.prior, request.judge)}
        for name, generates in ((request.target, False), (request.prior, True), (request.judge, False)):
            _check_role(name, generates)
        if request.sampler not in SAMPLERS:
            raise CaffeError(f"sampler '{request.sampler}': give one of {closest(request.sampler, SAMPLERS)}")
        if request.score not in SCORES:
            raise CaffeError(f"score '{request.score}': give one of {closest(request.score, SCORES)}")
        self._check_classes()
        self.space = SearchSpace(**request.space)
        target = CaffeTarget(zoo.load(request.target))
        self.tuning, self.held_out = (
            class_units(text, self.entries[request.target], target) for text in (request.units, request.report)
        )
        judge = Judge(zoo.load(request.judge).to(device), str(self.entries[request.judge].scores))
        if judge.size != target.size:
            raise CaffeError(
                f"judge '{request.judge}' takes images of {judge.size}, and '{request.target}' of {target.size}"
            )
        upper = self.entries[request.prior].act_range() if request.clip else None
        clip = None if upper is None else act_range_bounds(upper)
        prior = GeneratorPrior(zoo.load(request.prior))
        self.evaluate = Evaluator(target, prior, SCORES[request.score](judge), clip, request.seed, device=device)
        check_apart(self.evaluate, self.tuning, self.held_out)

    def record(self) -> dict[str, Any]:
        """All that decides the run's numbers."""
        files = [path for entry in self.entries.values() for path in (entry.prototxt, *entry.files())]
        return {
            "format": FORMAT,
            "request": dataclasses.asdict(self.request),
            "device": self.evaluate.device,
            "files": {f"{path.parent.name}/{path.name}": runs.sha256(path) for path in files},
            "versions": runs.versions() | {"optuna": metadata.version("optuna")},
            "threads": runs.threads(),
        }

    def identity(self) -> dict[str, Any]:
        """What tells this search from another in the same folder."""
        request = self.request
        return {name: getattr(request, name) for name in ("target", "prior", "judge", "score", "clip")}

    @property
    def measure(self) -> str:
        """What the score is, in words."""
        what = "probability of" if self.request.score == "probability" else "1 / rank of"
        return f"mean {what} the unit's class by {self.request.judge}"

    def _check_classes(self) -> None:
        target, judge = self.entries[self.request.target], self.entries[self.request.judge]
        if target.label_set != judge.label_set:
            raise CaffeError(
                f"judge '{judge.name}' knows the classes of {judge.label_set}, and '{target.name}' those of "
                f"{target.label_set}: only the same classes can be compared"
            )


def class_units(text: str, entry: ModelEntry, target: CaffeTarget) -> list[Unit]:
    """The classes that `text` asks for, as units of the scores layer of the model `entry`, which it needn't name.

    Anything else that `parse_objectives` reads is an error, since a judge has no score for it.
    """
    asked = text if ":" in text else f"{entry.scores}:{text}"
    units = []
    for objective in parse_objectives(asked, target, [Classes.of_model(entry)]):
        if not isinstance(objective, Unit) or objective.layer != entry.scores:
            raise CaffeError(
                f"{objective}: a judge tells classes, which are the units of layer '{entry.scores}' of '{entry.name}'"
            )
        units.append(objective)
    return units


def _check_role(name: str, generates: bool) -> None:
    if (zoo.get(name).generator is not None) != generates:
        known = [entry.name for entry in zoo.list_models() if (entry.generator is not None) == generates]
        raise CaffeError(
            f"'{name}' is {'no' if generates else 'a'} generator; the {'generators' if generates else 'classifiers'}, "
            f"the closest first: {closest(name, known)}"
        )
