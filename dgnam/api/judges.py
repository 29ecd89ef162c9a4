"""Open judges: classifiers that say what synthesized images show."""

from __future__ import annotations

from collections.abc import Iterable

from .. import zoo
from ..am import TorchTarget
from ..am.argument_types import checked
from ..am.objectives import Classes
from ..am.score import ImageScore
from ..errors import DgnamError, closest
from ..files.import_string import guarded, import_from_string
from ..measure import Judge, OutsideJudge, TargetJudge
from ..measure.class_score import SCORES
from ..measure.outside_judge import IMAGENET, MIDDLE, SIDE, SPREAD, knows, outside_net
from .fingerprint import fingerprint
from .targets import ResolvedTarget, open_target


@checked
def open_judge(name: str, *, device: str = "cpu") -> Judge:
    """The classifier of this name as a judge; a generator is an error."""
    entry = classifier(name)
    return Judge(zoo.load(name).to(device), str(entry.scores))


def classifier(name: str) -> zoo.ModelEntry:
    """The classifier of this name; a generator is an error."""
    entry = zoo.get(name)
    if entry.generator is not None:
        known = [one.name for one in zoo.list_models() if one.generator is None]
        raise DgnamError(f"'{name}' is a generator; the classifiers, the closest first: {closest(name, known)}")
    return entry


def open_outside_judge(target: ResolvedTarget) -> OutsideJudge | None:
    """The outside judge for a target's classes; None where these are not ImageNet's.

    Raises MissingPackageError where the extra `judge` is not installed.
    """
    for classes in target.classes:
        keys = [label.key for label in classes.labels]
        if knows(keys):
            return OutsideJudge(keys)
    return None


def open_judge_of_classes(name: str, other: str) -> TargetJudge:
    """The classifier of this name, ranking the classes of another one of the zoo, which must be among its own."""
    opened = open_target(classifier(name).name)
    keys = [label.key for label in zoo.get(other).labels()]
    for classes in opened.classes:
        units = {label.key: unit for unit, label in enumerate(classes.labels)}
        if units.keys() >= set(keys):
            return TargetJudge(opened.target, opened.scores, [units[key] for key in keys])
    raise DgnamError(f"judge '{name}' does not know all classes of '{other}'")


def open_outside_target() -> ResolvedTarget:
    """The outside judge's network, EfficientNet-Lite0, as a target with ImageNet's 1000 classes.

    Raises MissingPackageError where the extra `judge` is not installed.
    """
    target = TorchTarget(outside_net(), (SIDE, SIDE), mean=MIDDLE, std=SPREAD, scale=1.0)
    classes = Classes(tuple(zoo.read_labels(IMAGENET)), "_fc")
    return ResolvedTarget(target, "efficientnet-lite0", [classes], fingerprint(target))


def open_score(score: str | ImageScore, judge: str, target: ResolvedTarget, *, device: str = "cpu") -> ImageScore:
    """A score of images and the objectives that they were made for.

    score: "probability" or "rank", by the judge, which must know the target's classes and take images of its size; an
        import string `package.module:name`; or a callable.
    """
    if callable(score):
        return score
    if ":" in score:
        return guarded(import_from_string(score, "score"), score, "score")
    if score not in SCORES:
        raise DgnamError(f"score '{score}': give one of {closest(score, SCORES)}, or package.module:name")
    return SCORES[score](open_judge_of_target(judge, target, device=device))


def open_judge_of_target(judge: str, target: ResolvedTarget, *, device: str = "cpu") -> Judge:
    """A judge of the zoo that knows a target's classes and takes images of its size; any other is a DgnamError."""
    judged_classes(judge, target)
    opened = open_judge(judge, device=device)
    if opened.size != target.target.size:
        raise DgnamError(f"judge '{judge}' takes images of {opened.size}, and '{target.name}' of {target.target.size}")
    return opened


def check_no_judge(target: ResolvedTarget, judges: Iterable[str | None]) -> None:
    """Raise DgnamError where a target is among the judges of its own pictures."""
    if target.record.get("model", "") in judges:
        raise DgnamError(f"target '{target.name}' is a judge here, and can't judge its own pictures: give another")


def judged_classes(judge: str, target: ResolvedTarget) -> list[Classes]:
    """Those classes of a target that a judge knows, of a joint target one for each network that has them.

    Raises DgnamError where there are none, or the judge is no classifier.
    """
    entry = classifier(judge)
    keys = [label.key for label in entry.labels()]
    found = [classes for classes in target.classes if [label.key for label in classes.labels] == keys]
    if not found and not target.classes:
        raise DgnamError(f"judge '{judge}' scores classes, and those of '{target.name}' have no names: give labels")
    if not found:
        raise DgnamError(f"judge '{judge}' knows other classes than '{target.name}': only the same can be compared")
    return found
