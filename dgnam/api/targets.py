"""Open targets: from a name, a path, an import string, a module or an object to a network with what is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from .. import zoo
from ..am import (
    CaffeTarget,
    Classes,
    ClipTarget,
    JointTarget,
    Objective,
    Settings,
    Target,
    Unit,
    released,
    released_googlenet,
)
from ..am.argument_types import checked
from ..am.objectives import Term
from ..caffe import CaffeModule
from ..caffe.modules.caffe_module import clip_layer
from ..data.preprocessing import read_mean
from ..errors import DgnamError, FormatError, closest
from ..files.import_string import import_from_string
from ..files.paths import StrPath
from ..zoo.layers import positions, units
from .fingerprint import file_checksums, fingerprint

Labels = StrPath | Sequence[str] | Mapping[Any, Any]
"""Names of classes, as `open_target` takes them."""

GENTLE = ("googlenet",)
"""Targets for which the published code has smaller steps."""

MOST_SHOWN = 12
"""An error lists so many layers, the last ones."""


@dataclass(frozen=True, eq=False)
class ResolvedTarget:
    """A target with what is known of it.

    classes: the names of its units, where some have names.
    record: what decides its numbers, as JSON can hold it.
    settings: those published for it.
    files: prototxt and weights, where it is a Caffe net from files.
    opened: the arguments of `open_target` that gave it, where they were names and paths.  It is then sent to another
        process as these, and opened again there.
    """

    target: Target
    name: str
    classes: Sequence[Classes] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=released)
    files: tuple[Path, Path] | None = None
    opened: Mapping[str, Any] | None = None

    def __reduce__(self) -> Any:
        return object.__reduce__(self) if self.opened is None else (_open_again, (dict(self.opened),))

    @property
    def scores(self) -> str:
        """The layer of the class scores: the classes', or the last one, before a softmax or a loss."""
        named = next((classes.scores for classes in self.classes if classes.scores is not None), None)
        if named is not None:
            return named
        layers, counts = self.target.layers(), layer_units(self.target)
        fitting = [name for name, count in counts.items() if any(len(one.labels) == count for one in self.classes)]
        among = fitting if fitting else layers
        wired = self.target.module.plan.layers if isinstance(self.target, CaffeTarget | ClipTarget) else []
        after = {one.name for one in wired if one.layer.type.endswith(("Softmax", "Loss", "Accuracy"))}
        before = [one for one in among if one not in after]
        return before[-1] if before else among[-1]

    def caption(self, objective: Objective) -> str:
        """The class that a unit stands for, or the objective as text; of a sum, each of its terms so."""
        if isinstance(objective, Term):
            return self._name(objective)
        parts = [f"{'-' if w < 0 else '+'} {_factor(abs(w))}{self._name(term)}" for w, term in objective.terms]
        return " ".join(parts).removeprefix("+ ")

    def _name(self, term: Term) -> str:
        if isinstance(term, Unit):
            for classes in self.classes:
                if classes.belong_to(term.layer, self.target.layers(), self.target.layer_shape):
                    return classes.labels[term.index].name
            if isinstance(term.xy, int) and len(positions(self.target.layer_shape(term.layer))) == 2:
                return f"{term},{term.xy}"  # row and column
        return str(term)


@checked
def open_target(
    target: object,
    *,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    clips: bool = False,
) -> ResolvedTarget:
    """The target that is given or named.

    target: a `Target` or `ResolvedTarget`; a `CaffeModule`; a model of `dgnam models list`, or an import string
        `package.module:name` of a Target in Python; several of these with commas between, whose layers are then
        `name.layer`; the path of a deploy prototxt, with its `weights`; or a dict of any of these by name.
    weights: of a prototxt, a .caffemodel, .h5 or .pt file.
    labels: names of the classes: a file, a folder with a folder for each class, a list or a dict; see
        `dgnam.zoo.label_files`.
    labels_layer: the layer whose units they name; None for each layer that has as many units.
    mean, scale, channels: of a prototxt: values of 0 to 255 minus `mean` (as `104,117,123` in the order of `channels`,
        or a .binaryproto or .npy file; None for 104 of blue, 117 of green and 123 of red), times `scale`; BGR as
        Caffe's tools have it, or RGB.
    clips: whether it may be a `ClipTarget`, whose images are film strips; otherwise a net that sees clips is an error.
    Raises DgnamError with the closest names for an unknown one.
    """
    own = {"weights": weights, "mean": mean, "scale": scale, "channels": channels}
    if is_prototxt(target):
        found = _own_net(Path(str(target)), **own)  # type: ignore[arg-type]
    else:
        usual = {"weights": None, "mean": None, "scale": 1.0, "channels": "BGR"}
        unused = [name for name, value in own.items() if value != usual[name]]
        if unused:
            raise DgnamError(f"target {_shown(target)} is not a prototxt: leave {', '.join(unused)} out")
        found = _open(target)
    if isinstance(found.target, ClipTarget) and not clips:
        raise DgnamError(
            f"target '{found.name}' sees clips of {found.target.frames} frames, and this is for networks of single "
            "images; `dgnam synthesize` makes clips for it"
        )
    given = {"target": target, **own, "labels": labels, "labels_layer": labels_layer, "clips": clips}
    opened = given if isinstance(target, str | PathLike) else found.opened
    if labels is None and labels_layer is None:
        return found if opened is found.opened else dataclasses.replace(found, opened=opened)
    classes = named_classes(labels, labels_layer, found.name, layer_units(found.target))
    return dataclasses.replace(found, classes=[classes], opened=opened if opened is given else None)


def _open_again(opened: Mapping[str, Any]) -> ResolvedTarget:
    return open_target(**opened)


def joint(targets: Mapping[str, ResolvedTarget], size: tuple[int, int] | None = None) -> ResolvedTarget:
    """Several targets as one, whose layers are called `name.layer`; the settings are the first one's.

    size: of the image that they share, which each sees by its center or resized; None for the largest of their inputs.
    """
    if not targets or not all(isinstance(name, str) for name in targets) or "size" in targets:
        raise DgnamError(f"several targets need names, none of them 'size': {list(targets)}")
    shared = {} if size is None else {"size": size}
    return ResolvedTarget(
        JointTarget(size, **{name: one.target for name, one in targets.items()}),
        ",".join(targets),
        [classes.of_target(name) for name, one in targets.items() for classes in one.classes],
        {"joint": {name: dict(one.record) for name, one in targets.items()}, **shared},
        next(iter(targets.values())).settings,
    )


def _open(target: Any) -> ResolvedTarget:
    if isinstance(target, ResolvedTarget):
        return target
    if isinstance(target, Mapping):
        return joint({name: open_target(one) for name, one in target.items()})
    if isinstance(target, CaffeModule):
        net = _caffe_target(target)
        return ResolvedTarget(net, target.plan.name, record=fingerprint(net))
    if isinstance(target, nn.Module):
        raise DgnamError(
            "a torch module needs its input's size and preprocessing: give TorchTarget(module, size=(H, W))"
        )
    if not isinstance(target, str | PathLike):
        return _given(target)
    text = str(target)
    names = text.split(",")
    if len(set(names)) < len(names):
        raise DgnamError(f"target '{text}' has a model twice")
    if len(names) > 1:
        return joint({name: _open(name) for name in names})
    if ":" in text:
        found = _imported(text)
        return ResolvedTarget(found, text, record={"python": text, **fingerprint(found)})
    return _zoo_target(text)


def _caffe_target(module: CaffeModule, **preprocessing: Any) -> CaffeTarget | ClipTarget:
    """A Caffe net of images, or of clips."""
    kind = CaffeTarget if clip_layer(module.plan) is None else ClipTarget
    return kind(module, **preprocessing)


def _zoo_target(name: str) -> ResolvedTarget:
    models = {entry.name: entry for entry in zoo.list_models()}
    classifiers = [known for known, entry in models.items() if entry.generator is None]
    if name not in classifiers:
        what = "is a generator" if name in models else "is not known"
        raise DgnamError(
            f"target '{name}' {what}: give the path of a .prototxt file, or a classifier, the closest first: "
            f"{closest(name, classifiers, limit=20)}"
        )
    entry = zoo.get(name)
    try:
        weights = entry.weights_path()
    except zoo.MissingWeightsError as error:
        here = [one for one in classifiers if models[one].kind == "mini" and not models[one].untrained]
        raise error.hinting(f"What works here: {closest(name, here)}") from None
    target = _caffe_target(zoo.load(name), mean=entry.preprocessing.mean)
    record = {"model": name, "files": file_checksums(entry.prototxt, weights)}
    settings = released_googlenet() if name in GENTLE else released()
    return ResolvedTarget(target, name, [Classes.of_model(entry)], record, settings, (entry.prototxt, weights))


def _own_net(
    prototxt: Path, *, weights: StrPath | None, mean: str | None, scale: float, channels: str
) -> ResolvedTarget:
    if weights is None:
        raise DgnamError(f"{prototxt} needs its weights: give a .caffemodel, .h5 or .pt file")
    module = zoo.load_net(prototxt, weights, f"'{prototxt}'")
    values = None if mean is None else read_mean(mean)
    target = _caffe_target(module, mean=values, scale=scale, channels=channels)
    files = [prototxt, Path(weights), *([Path(mean)] if mean is not None and Path(mean).is_file() else [])]
    shown = Path(mean).name if len(files) > 2 else mean  # type: ignore[arg-type]
    record = {"files": file_checksums(*files), "mean": shown, "scale": scale, "channels": channels}
    return ResolvedTarget(target, prototxt.name, record=record, files=(prototxt, Path(weights)))


def named_classes(labels: Labels | None, layer: str | None, target: str, counts: Mapping[str, int]) -> Classes:
    """The classes of a target; names that are too many or too few for its units are a FormatError.

    counts: of each layer that may have classes the number of units, as `layer_units`.
    """
    if labels is None:
        raise DgnamError(f"labels_layer '{layer}' without labels: give the names of its units")
    is_path = isinstance(labels, str | PathLike)
    source = str(labels) if is_path else "labels"
    classes = Classes(tuple(zoo.read_label_file(labels) if is_path else zoo.labels_of(labels)), layer, alone=True)  # type: ignore[arg-type]
    count, names = len(classes.labels), ", ".join(label.name for label in classes.labels[:3])
    has = f"has {count} class{'' if count == 1 else 'es'} ({names}{', …' if count > 3 else ''})"
    if layer is not None and counts.get(layer) == count:
        return classes
    known = ", ".join(f"{name} ({number})" for name, number in list(counts.items())[-MOST_SHOWN:])
    if layer is not None:
        but = f"has {counts[layer]} units" if layer in counts else "is none of those whose units can be classes"
        raise FormatError(f"{source}: {has}, and layer '{layer}' of '{target}' {but}: {known}")
    if count not in counts.values():
        raise FormatError(
            f"{source}: {has}, and no layer of '{target}' has {count} units; those whose units can be classes: {known}"
        )
    return dataclasses.replace(classes, alone=False)


def layer_units(target: Target) -> dict[str, int]:
    """Of each layer whose units have no positions, and so may be classes, how many there are."""
    found = {}
    for layer in target.layers():
        with suppress(DgnamError):  # of a layer without values of its own for each image
            shape = target.layer_shape(layer)
            if shape and not positions(shape):
                found[layer] = units(shape)
    return found


def _given(target: Any) -> ResolvedTarget:
    if not callable(target) or not hasattr(target, "layer_shape"):
        raise DgnamError(
            f"{type(target).__name__} is not a target: give a model's name, a prototxt's path, CaffeTarget(…), "
            "TorchTarget(…) or JointTarget(…)"
        )
    return ResolvedTarget(target, type(target).__name__, record=fingerprint(target))


def _imported(path: str) -> Target:
    """The Target at `package.module:name`, or what the callable there returns."""
    found: Any = import_from_string(path, "target")
    if isinstance(found, type) or not hasattr(found, "layer_shape"):
        try:
            found = found()
        except Exception as error:
            raise DgnamError(f"target '{path}': calling it fails, with {type(error).__name__}: {error}") from error
    if not hasattr(found, "layer_shape"):
        raise DgnamError(f"target '{path}' is not a Target but returned a {type(found).__name__}")
    target: Target = found
    return target


def is_prototxt(target: object) -> bool:
    """Whether a target is the path of a prototxt, there or not."""
    if not isinstance(target, str | PathLike):
        return False
    return str(target).endswith((".prototxt", ".pbtxt")) or Path(target).is_file()


def _shown(target: object) -> str:
    return f"'{target}'" if isinstance(target, str | PathLike) else type(target).__name__


def _factor(weight: float) -> str:
    return "" if weight == 1 else f"{weight:g} * "
