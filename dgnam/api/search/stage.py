"""The networks of a search, its units and its score, all found to fit together."""

from __future__ import annotations

import dataclasses
from importlib import metadata
from typing import Any

from ...am import (
    CaffeTarget,
    Classes,
    Evaluator,
    GeneratorPrior,
    Objective,
    SearchSpace,
    Unit,
    act_range_bounds,
    parse_objectives,
)
from ...am.tuning.trials import SAMPLERS
from ...am.tuning.tune import check_apart
from ...errors import DgnamError, closest
from ...files.import_string import python_callable
from ...measure import Judge
from ...measure.class_score import SCORES, Score
from ...runs import folder as runs
from ...zoo import registry as zoo
from ...zoo.registry import ModelEntry
from .request import FORMAT, Request


class Stage:
    """The loaded networks of a request, and its units, all found to fit together."""

    def __init__(self, request: Request, device: str):
        self.request = request
        roles = [(request.target, False), (request.prior, True)]
        roles += [] if request.own_score else [(request.judge, False)]
        self.entries = {name: zoo.get(name) for name, _ in roles}
        for name, generates in roles:
            _check_role(name, generates)
        if request.sampler not in SAMPLERS:
            raise DgnamError(f"sampler '{request.sampler}': give one of {closest(request.sampler, SAMPLERS)}")
        self.space = SearchSpace(**request.space)
        target = CaffeTarget(zoo.load(request.target))
        self.tuning, self.held_out = (
            units_of(text, self.entries[request.target], target, any_layer=request.own_score)
            for text in (request.units, request.report)
        )
        score = python_callable(request.score, "score") if request.own_score else self._judge(target, device)
        upper = self.entries[request.prior].act_range() if request.clip else None
        clip = None if upper is None else act_range_bounds(upper)
        prior = GeneratorPrior(zoo.load(request.prior))
        self.evaluate = Evaluator(target, prior, score, clip, request.seed, device=device)
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
        if self.request.own_score:
            return f"mean of {self.request.score}"
        what = "probability of" if self.request.score == "probability" else "1 / rank of"
        return f"mean {what} the unit's class by {self.request.judge}"

    def _judge(self, target: CaffeTarget, device: str) -> Score:
        """The judge's score, of a judge that knows the target's classes and takes images of its size."""
        request = self.request
        if request.score not in SCORES:
            known = closest(request.score, SCORES)
            raise DgnamError(f"score '{request.score}': give one of {known}, or package.module:function")
        entry, judged = self.entries[request.judge], self.entries[request.target]
        if entry.label_set != judged.label_set:
            raise DgnamError(
                f"judge '{entry.name}' knows the classes of {entry.label_set}, and '{judged.name}' those of "
                f"{judged.label_set}: only the same classes can be compared"
            )
        judge = Judge(zoo.load(request.judge).to(device), str(entry.scores))
        if judge.size != target.size:
            raise DgnamError(
                f"judge '{request.judge}' takes images of {judge.size}, and '{request.target}' of {target.size}"
            )
        return SCORES[request.score](judge)


def units_of(text: str, entry: ModelEntry, target: CaffeTarget, any_layer: bool = False) -> list[Objective]:
    """The objectives that `text` asks for; units of the scores layer of the model `entry` needn't name it.

    any_layer: take all that `parse_objectives` reads.  Else what is no class is an error, since a judge has no score
        for it.
    """
    asked = text if ":" in text else f"{entry.scores}:{text}"
    found = parse_objectives(asked, target, [Classes.of_model(entry)])
    for objective in found:
        if not any_layer and not (isinstance(objective, Unit) and objective.layer == entry.scores):
            raise DgnamError(
                f"{objective}: a judge tells classes, which are the units of layer '{entry.scores}' of '{entry.name}'; "
                "for other units give a --score of your own"
            )
    return found


def _check_role(name: str, generates: bool) -> None:
    if (zoo.get(name).generator is not None) != generates:
        known = [entry.name for entry in zoo.list_models() if (entry.generator is not None) == generates]
        raise DgnamError(
            f"'{name}' is {'no' if generates else 'a'} generator; the {'generators' if generates else 'classifiers'}, "
            f"the closest first: {closest(name, known)}"
        )
