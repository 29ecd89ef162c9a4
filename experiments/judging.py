"""What judges say of an experiment's pictures, and the settings that are chosen by them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from dgnam import zoo
from dgnam.am import Settings, released
from dgnam.api.judges import open_judge, open_outside_judge
from dgnam.api.targets import ResolvedTarget
from dgnam.api.tune import tune
from dgnam.data.preprocessing import quantized
from dgnam.errors import DgnamError, MissingPackageError
from dgnam.measure import BaseJudge, Judge, Verdict, kid_difference
from dgnam.measure.class_score import score_by_probability
from dgnam.measure.judge import rank_by_target, resized
from dgnam.measure.outside_judge import CHOSEN, HALVES, REPORTED
from dgnam.measure.statistics import mean_difference

from .crops import Crop
from .experiment import OUTSIDE
from .finding import Controls, Part
from .making import Making, evenly
from .pictures import Pictures
from .rates import of_photographs
from .reconstructions import BATCH
from .reference import FEATURES, reference

TUNED_ON = {"small": 4, "full": 8}
"""Units that settings are tuned on."""

TUNED_TRIALS = {"small": 3, "full": 12}
"""The settings tried; none at smoke scale."""

TUNED_ITERS = (50, 400)
"""The numbers of steps tried."""

TUNED_RATES = (0.3, 32.0, "log")
"""The first learning rates tried: codes of some layers are smaller than others."""


@dataclass(eq=False)
class Judging(Making):
    """An experiment whose pictures are judged.

    rows: of the table of all pictures that were measured, by step, unit and seed.
    """

    rows: dict[tuple[str, object, int], dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def judges(self) -> dict[str, BaseJudge]:
        """By name: the experiment's judges that know the target's classes and take images of its size.

        The outside judge is among them where its extra is installed.
        """
        return self.judges_of(self.target)

    def judges_of(self, target: ResolvedTarget) -> dict[str, BaseJudge]:
        """The same for another target."""
        found: dict[str, BaseJudge] = {}
        for name in self.models.judges:
            judge = self._outside(target) if name == OUTSIDE else _fitting(name, target)
            if judge is not None:
                found[name] = judge
        return found

    @staticmethod
    def _outside(target: ResolvedTarget) -> BaseJudge | None:
        try:
            return open_outside_judge(target)
        except MissingPackageError:
            return None

    def reported(self, judge: str, units: Sequence[int]) -> list[int]:
        """The units whose pictures a judge sees: of the outside judge those of odd index.

        By the others generators are chosen.
        """
        return [unit for unit in units if judge != OUTSIDE or unit % 2 == HALVES[REPORTED]]

    def judge(
        self, step: str, pictures: Pictures, own: str | None = None, judges: Mapping[str, BaseJudge] | None = None
    ) -> dict[str, Verdict]:
        """What the judges, but the step's `own` target, say of its pictures, each array (units, seeds), by their names.

        judges: None for the experiment's.
        A judge says nothing where none of the units is among those that it sees.  Each picture gets its line in the
        table.
        """
        verdicts: dict[str, Verdict] = {}
        for name, judge in (self.judges if judges is None else judges).items():
            seen = pictures.of_units(self.reported(name, pictures.units))
            if len(seen) and name != own:
                verdicts[name] = judge.rank(seen.images, seen.classes).reshape(len(seen.units), len(seen.seeds))
        self._tabulate(step, pictures, verdicts)
        return verdicts

    def verdict(self, step: str, judge: str, pictures: Pictures) -> Verdict:
        """What a classifier of the zoo says of a step's pictures, which are of its size and its classes, as `judge`."""
        found = _opened(judge).rank(pictures.images, pictures.classes).reshape(len(pictures.units), len(pictures.seeds))
        self._tabulate(step, pictures, {judge: found})
        return found

    def own_rate(self, pictures: Pictures) -> float:
        """How often the target itself ranks a picture's unit first."""
        return rank_by_target(self.target.target, self.layer, pictures.images, pictures.classes).top(1)

    def points(
        self, found: Mapping[str, Mapping[str, Verdict]], ours: str, theirs: str, name: str = "{judge}", k: int = 1
    ) -> dict[str, Part]:
        """For each judge the difference of two steps in how often their class is among the first k, paired by unit."""
        return {
            name.format(judge=judge): partial(
                mean_difference, found[ours][judge].points(k), found[theirs][judge].points(k)
            )
            for judge in found[ours]
        }

    def kernel_distance(self, ours: Pictures, theirs: Pictures) -> Part:
        """By how much the KID of their pictures from real ones is above that of ours, in judge-mini's features."""
        return partial(
            kid_difference,
            self.features(theirs.images),
            self.features(ours.images),
            reference(f"features, {FEATURES}"),
            first_units=theirs.classes,
            second_units=ours.classes,
        )

    def features(self, images: np.ndarray, crop: Crop | None = None, of: str = FEATURES) -> np.ndarray:
        """(N, K) float32 of images of any size: a judge's features of them, resized to its own size.

        It is neither a target nor a prior, and sees of a whole picture as much as a target does.
        crop: shows it a part of each image; None all of it.
        of: the judge, by its name.
        """
        judge, parts = _opened(of), (quantized(images[k : k + BATCH]) for k in range(0, len(images), BATCH))
        shown = parts if crop is None else map(crop, parts)
        return np.concatenate([judge.features(resized(part, judge.size)) for part in shown])

    @cached_property
    def recognized(self) -> Controls:
        """Those of claims about recognizability: how often judges rank a class first, in percentage points.

        In random codes through the prior; in photographs, and in the prior's reconstructions of them, by the cards.
        """
        random = self.judge("random codes", self.random_codes())
        floor = {f"random codes, {judge}": float(verdict.points().mean()) for judge, verdict in random.items()}
        return Controls(floor, of_photographs(self.judges, self.prior.name))

    def tuned(self, step: str, *, target: ResolvedTarget | None = None, prior: Any = None) -> Settings:
        """The best of some random settings, by the outside judge, on some units that this scale doesn't see.

        They are of even index, by which everything is chosen; where that judge isn't there, the first of the others
        chooses.  Kept in the folder `step`.  The published settings where no judge or too few units are left.
        """
        net = self.target if target is None else target
        if not self.tunes or not self.judges:
            return released()
        judge = self.judges.get(OUTSIDE)
        by = {"judge": next(iter(self.judges))} if judge is None else {"score": score_by_probability(judge)}
        tuning = evenly(self._choosing, TUNED_ON[self.arguments["scale"]])
        held_out = next(unit for unit in self._unseen if unit not in tuning)
        found = tune(
            net,
            [f"{net.scores}:{unit}" for unit in tuning],
            report_on=f"{net.scores}:{held_out}",
            prior=self.prior if prior is None else prior,
            trials=TUNED_TRIALS[self.arguments["scale"]],
            n_iters=TUNED_ITERS,
            start_lr=TUNED_RATES,
            compare=False,
            device=self.arguments["device"],
            **by,
            **self.step(step),
            executor=self.arguments["executor"],
        )
        return found.rows[0].settings

    @property
    def tunes(self) -> bool:
        """Whether settings are tuned at this scale, where there are judges."""
        count = TUNED_ON.get(self.arguments["scale"])
        return count is not None and len(self._choosing) >= count and len(self._unseen) > count

    @property
    def _unseen(self) -> list[int]:
        """The units that this scale doesn't see."""
        return [unit for unit in range(len(self.labels)) if unit not in self.units]

    @property
    def _choosing(self) -> list[int]:
        """Those of even index among them."""
        return [unit for unit in self._unseen if unit % 2 == HALVES[CHOSEN]]

    def _tabulate(self, step: str, pictures: Pictures, verdicts: Mapping[str, Verdict]) -> None:
        reached = {} if pictures.activations is None else {"activation": pictures.activations}
        self.tabulate(step, pictures.units, pictures.seeds, reached)
        for name, verdict in verdicts.items():
            said = {f"{name} rank": verdict.ranks, f"{name} log probability": verdict.log_probability}
            self.tabulate(step, self.reported(name, pictures.units), pictures.seeds, said)

    def tabulate(
        self, step: str, units: Sequence[object], seeds: Sequence[int], columns: Mapping[str, np.ndarray]
    ) -> None:
        """Enter numbers (units, seeds) into the lines of a step's pictures in the table, by the names of their columns.

        units: what the lines are of: units, or what stands for them, such as pairs.  A column that a line has already
            is an error: then two sets of pictures go by one step.
        """
        places = [(step, unit, seed) for unit in units for seed in seeds]
        for column, values in columns.items():
            for (_, unit, seed), value in zip(places, np.ravel(values), strict=True):
                row = self.rows.setdefault((step, unit, seed), {"step": step, "unit": unit, "seed": seed})
                if column in row:
                    raise DgnamError(f"step '{step}', unit {unit}, seed {seed}: its {column} is in the table already")
                row[column] = f"{value:.6g}"

    def table(self) -> str:
        """A line for each picture that was measured, as CSV."""
        columns = list(dict.fromkeys(key for row in self.rows.values() for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows.values())
        return text.getvalue()


@cache
def _opened(judge: str) -> Judge:
    """A judge of the zoo, on the CPU; experiments ask the same few again and again."""
    return open_judge(judge)


def _fitting(judge: str, target: ResolvedTarget) -> BaseJudge | None:
    """A judge of the zoo, if it knows a target's classes and takes images of its size."""
    keys = [label.key for label in zoo.get(judge).labels()]
    if keys not in [[label.key for label in classes.labels] for classes in target.classes]:
        return None
    opened = _opened(judge)
    return opened if opened.size == target.target.size else None
