"""Networks and options in place of an experiment's own: what it doesn't take is an error before anything is made.

An experiment judges, labels and scores what it knows: its judges know its target's classes, its figures name its
layers.  What else a network must be is declared in its `Experiment`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dgnam import zoo
from dgnam.am import ClipTarget
from dgnam.api.judges import check_no_judge
from dgnam.api.pictures import HELD_OUT, TRAINING, own_pictures
from dgnam.api.priors import ResolvedPrior
from dgnam.api.targets import ResolvedTarget
from dgnam.data.picture import DataError
from dgnam.errors import DgnamError, closest

from .experiment import OPTIONS, OUTSIDE, Experiment, Models
from .making import Making

ANOTHER = ("target", "labels", "labels_layer")
"""Options that change what a target or its classes are."""


def check_options(experiment: Experiment, arguments: Mapping[str, Any]) -> None:
    """Raise DgnamError for options that mean nothing for this experiment, which would be passed over."""
    for name, why in OPTIONS.items():
        if arguments[name] is not None and name not in experiment.options:
            raise DgnamError(f"{experiment.name} takes no {name}: {why}; leave {name} out")
    if experiment.replacement is None:
        given = [name for name in ANOTHER if arguments[name] is not None]
        if given:
            raise DgnamError(
                f"{experiment.name} takes no other target: it shows networks that were trained for it; leave "
                f"{', '.join(given)} out"
            )


def check_networks(making: Making) -> None:
    """Raise DgnamError where the target or the prior asked for isn't one that the experiment takes."""
    if any(making.arguments[name] is not None for name in ANOTHER):
        _check_target(making, making.target)
    if making.arguments["prior"] is not None:
        _check_prior(making, making.prior)
    if making.experiment.reconstructs and any(making.arguments[name] is not None for name in ("target", "prior")):
        _check_reconstruction(making, making.prior)


def shows_own_pictures(experiment: Experiment, arguments: Mapping[str, Any]) -> bool:
    """Whether the real pictures are those that the experiment names, and not those of the target asked for."""
    return arguments["target"] is None or (experiment.replacement is not None and experiment.replacement.own_pictures)


def missing_pictures(making: Making) -> list[str]:
    """What is said of the image sets of the target asked for that aren't there; unknown ones are a DgnamError."""
    reasons: list[str] = []
    if shows_own_pictures(making.experiment, making.arguments):
        return reasons
    for name in making.models.pictures:
        which = TRAINING if name.endswith("-train") else HELD_OUT
        try:
            own_pictures(making.target, which)
        except DgnamError:
            raise DgnamError(
                f"{making.experiment.name} needs the pictures that its target was trained or measured on, and those of "
                f"'{making.target.name}' are not known here; give a network of the zoo, as {making.models.target}"
            ) from None
        try:
            _ = making.training if which == TRAINING else making.held_out
        except DataError as missing:
            reasons.append(str(missing))
    return reasons


def _check_target(making: Making, target: ResolvedTarget) -> None:
    experiment, models, wanted = making.experiment, making.models, making.experiment.replacement
    assert wanted is not None
    about = f"target '{target.name}'"
    if experiment.clips and not isinstance(target.target, ClipTarget):
        raise DgnamError(
            f"{about} sees single images, and {experiment.name} is for networks that see clips, as {models.target}"
        )
    check_no_judge(target, models.judges)
    layers = target.target.layers()
    lacking = [layer for layer in wanted.layers if layer not in layers]
    if lacking:
        raise DgnamError(
            f"{about} has no layer '{lacking[0]}', which {experiment.name} looks into; its layers, the closest first: "
            f"{closest(lacking[0], layers)}"
        )
    size, crop = making.frame_size, zoo.get(models.target).preprocessing.crop
    if making.knows_classes and models.judges and OUTSIDE not in models.judges and size != (crop, crop):
        raise DgnamError(
            f"{about} takes images of {size}, and the judges of {experiment.name} of {(crop, crop)}; networks that "
            f"they fit: {', '.join(_fitting(models))}"
        )
    if wanted.same_classes and not making.knows_classes:
        raise DgnamError(
            f"{about} does not have the classes of {models.target}, by which {experiment.name} judges and labels; "
            f"networks that have them: {', '.join(_fitting(models))}; or give your own network's by labels"
        )


def _fitting(models: Models) -> Iterator[str]:
    """The classifiers of the zoo with the own target's classes and pictures that are no judges of the experiment."""
    own = zoo.get(models.target)
    for entry in zoo.list_models():
        usual = entry.generator is None and entry.kind == own.kind and entry.name not in models.judges
        alike = usual and all(
            getattr(entry.preprocessing, what) == getattr(own.preprocessing, what) for what in ("frames", "crop")
        )
        if alike and _keys(entry.name) == _keys(own.name):
            yield entry.name


def _keys(model: str) -> list[str]:
    return [label.key for label in zoo.get(model).labels()]


def _check_prior(making: Making, prior: ResolvedPrior) -> None:
    experiment, own = making.experiment, making.models.prior
    if prior.settings is not None:
        raise DgnamError(
            f"prior '{prior.name}' is no generator, and {experiment.name} shows images of codes: give one, as {own}"
        )
    inverted = None if prior.inverts is None else prior.inverts[1]
    if experiment.inverts is not None and inverted != experiment.inverts:
        what = "a layer that is not known here" if inverted is None else inverted
        raise DgnamError(
            f"prior '{prior.name}' inverts {what}, and {experiment.name} sets {experiment.inverts} against other "
            f"layers: give a generator of the zoo that inverts {experiment.inverts}, as {own}"
        )


def _check_reconstruction(making: Making, prior: ResolvedPrior) -> None:
    """Pictures for the target are what the prior's encoder sees."""
    needs = f"{making.experiment.name} reconstructs pictures by the prior and its encoder"
    if prior.inverts is None:
        raise DgnamError(
            f"{needs}, and the encoder of prior '{prior.name}' is not known here: give a generator of the zoo, as "
            f"{making.models.prior}"
        )
    encoder = prior.inverts[0]
    side = zoo.get(encoder).preprocessing.crop
    if making.frame_size != (side, side):
        raise DgnamError(
            f"{needs}, and {encoder}, which prior '{prior.name}' inverts, sees {side}x{side} pixels, not "
            f"{making.frame_size[0]}x{making.frame_size[1]} as target '{making.target.name}': give another"
        )
