"""Who plays: from names and files to a target that is looked into and a prior that makes its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..am import (
    PIXEL_RECIPES,
    Bounds,
    CaffeTarget,
    Classes,
    GeneratorPrior,
    Objective,
    Prior,
    RandomStart,
    Settings,
    Several,
    Start,
    Target,
    Unit,
    pixel_recipe,
    released,
    released_googlenet,
)
from ..am.objectives.objective import Term
from ..caffe.modules.caffe_module import CaffeModule
from ..data.image_set import MEAN_BGR
from ..data.network_input import read_mean
from ..errors import DgnamError, FormatError, closest
from ..files.import_string import python_callable
from ..files.paths import StrPath
from ..runs.folder import sha256
from ..zoo import registry as zoo
from .fingerprint import fingerprint

DEFAULT_PRIORS = {True: "deepsim-fc6-mini", False: "deepsim-fc6"}
"""The prior where none is given: for targets that take less than `SMALL` pixels, and for the others."""

SMALL = 112
"""Targets of a smaller side are given the small generator, which makes 64 px."""

PUBLISHED_SIZE = 227
"""The images that the published pixel priors were made for."""

GENTLE = ("googlenet",)
"""Targets for which the published code has smaller steps."""

PUBLISHED_RANGE = 12.0
"""The mean act_range of the codes that the published steps were made for, CaffeNet's fc6."""


@dataclass(frozen=True)
class TargetFiles:
    """A Caffe net of the user's own: what its prototxt doesn't say.

    weights: a .caffemodel or .h5 file.
    labels: a text file, a line for each class: `name`, or `key name, synonym, …` where keys are WordNet ids.
    mean: values such as `104,117,123`, in the order of `channels`, or a .binaryproto or .npy file.
    scale: what values of 0 to 255 are multiplied by once the mean is off.
    channels: BGR as Caffe's tools have it, or RGB.
    """

    weights: StrPath | None = None
    labels: StrPath | None = None
    mean: str | None = None
    scale: float = 1.0
    channels: str = "BGR"

    @property
    def given(self) -> list[str]:
        """The options that differ from what they are when left out."""
        usual = TargetFiles()
        return [name for name, value in vars(self).items() if value != getattr(usual, name)]


@dataclass(frozen=True, eq=False)
class TargetInfo:
    """A target with what is known of it.

    classes: the names of its units, where some have names.
    record: what decides its numbers, as JSON can hold it.
    settings: those that are published for it.
    """

    target: Target
    name: str
    classes: Sequence[Classes] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=released)

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
        return str(term)


@dataclass(frozen=True, eq=False)
class PriorInfo:
    """A prior with what is known of it.

    act_range: the upper bound of each number of its code; None where none is known.
    clip: what codes are clipped to unless the user says otherwise; `clip_name` records it.
    settings, start: of a published pixel prior; None and random codes for a generator.
    inverts: of a generator of the zoo, the encoder and the layer whose values are its codes.
    step_scale: what the published sizes of steps are multiplied by where nobody chose one; see `suited_steps`.
    """

    prior: Prior
    name: str
    record: Mapping[str, Any] = field(default_factory=dict)
    act_range: np.ndarray | None = None
    clip: Bounds | None = None
    settings: Settings | None = None
    start: Start = field(default_factory=RandomStart)
    inverts: tuple[str, str] | None = None
    step_scale: float = 1.0


def open_target(spec: object, files: TargetFiles | None = None) -> TargetInfo:
    """The target that `spec` is or names.

    spec: a `Target`; a `CaffeModule`; a model of `dgnam models list`, or several with commas between, whose layers are
        then name.layer; the path of a deploy prototxt, with `files`; or `package.module:name` of a Target in Python.
    """
    files = TargetFiles() if files is None else files
    if files.given and not (isinstance(spec, str | Path) and _is_prototxt(str(spec))):
        raise DgnamError(f"target {_shown(spec)} is no prototxt, so there is no use for {', '.join(files.given)}")
    if isinstance(spec, CaffeModule):
        net = CaffeTarget(spec)
        return TargetInfo(net, spec.plan.name, record=fingerprint(net))
    if isinstance(spec, nn.Module):
        raise DgnamError(
            "a torch module needs its input's size and preprocessing: give TorchTarget(module, size=(H, W))"
        )
    if not isinstance(spec, str | Path):
        return _given(spec)
    text = str(spec)
    if _is_prototxt(text):
        return _own_target(Path(text), files)
    if ":" in text:
        target = _imported(text)
        return TargetInfo(target, text, record={"python": text, **fingerprint(target)})
    names = text.split(",")
    if len(names) == 1:
        return _zoo_target(text)
    if len(set(names)) < len(names):
        raise DgnamError(f"target '{text}' has a model twice")
    return joined({name: _zoo_target(name) for name in names})


def joined(targets: Mapping[str, TargetInfo]) -> TargetInfo:
    """Several targets as one, whose layers are called `name.layer`; the settings are the first one's."""
    if not targets or not all(isinstance(name, str) for name in targets) or "size" in targets:
        raise DgnamError(f"targets by name, and none of them called size, are needed, not {list(targets)}")
    return TargetInfo(
        Several(None, **{name: info.target for name, info in targets.items()}),
        ",".join(targets),
        [classes.of_target(name) for name, info in targets.items() for classes in info.classes],
        {"several": {name: dict(info.record) for name, info in targets.items()}},
        next(iter(targets.values())).settings,
    )


def open_prior(spec: object, size: tuple[int, int] | None, weights: StrPath | None = None) -> PriorInfo:
    """The prior that `spec` is or names, for a target of `size`; None where the target may see any.

    spec: a `Prior`; a generator of `dgnam models list`; the path of a generator's prototxt, with its `weights`; or one
        of `PIXEL_RECIPES`.  None takes our small generator or the published fc6 one, by the target's size.
    """
    if spec is None:
        spec = DEFAULT_PRIORS[size is None or min(size) < SMALL]
    if not isinstance(spec, str | Path):
        if not callable(spec) or not hasattr(spec, "code_shape"):
            raise DgnamError(
                f"{type(spec).__name__} is no prior: give a model's name, GeneratorPrior(…) or TorchPrior(…)"
            )
        return PriorInfo(spec, type(spec).__name__, fingerprint(spec))  # type: ignore[arg-type]
    text = str(spec)
    if _is_prototxt(text):
        if weights is None:
            raise DgnamError(f"the generator {text} needs its weights, a .caffemodel or .h5 file")
        module = zoo.load_net(text, weights, f"generator '{text}'")
        return PriorInfo(GeneratorPrior(module), Path(text).name, _files(Path(text), Path(weights)))
    if weights is not None:
        raise DgnamError(f"prior '{text}' is no prototxt, so there is no use for other weights")
    if text in PIXEL_RECIPES:
        if size is None:
            raise DgnamError(f"prior '{text}' makes pixels of a network's size, and here is none: give a generator")
        return _pixels(text, size)
    return _zoo_prior(text)


def _zoo_target(name: str) -> TargetInfo:
    if name not in {entry.name for entry in zoo.list_models()}:
        known = [entry.name for entry in zoo.list_models() if entry.generator is None]
        raise DgnamError(
            f"there is no target '{name}': give the path of a .prototxt file, or a classifier, the closest first: "
            f"{closest(name, known, limit=20)}"
        )
    entry = zoo.get(name)
    if entry.generator is not None:
        known = [other.name for other in zoo.list_models() if other.generator is None]
        raise DgnamError(f"'{name}' is a generator; the targets: {closest(name, known, limit=20)}")
    target = CaffeTarget(zoo.load(name), mean=entry.preprocessing.mean)
    settings = released_googlenet() if name in GENTLE else released()
    return TargetInfo(
        target,
        name,
        [Classes.of_model(entry)],
        {"model": name} | _files(entry.prototxt, entry.weights_path()),
        settings,
    )


def _own_target(prototxt: Path, files: TargetFiles) -> TargetInfo:
    if files.weights is None:
        raise DgnamError(f"{prototxt} needs its weights: give a .caffemodel or .h5 file")
    module = zoo.load_net(prototxt, files.weights, f"'{prototxt}'")
    mean = MEAN_BGR if files.mean is None else read_mean(files.mean)
    target = CaffeTarget(module, mean=mean, scale=files.scale, channels=files.channels)
    classes = () if files.labels is None else [_classes(target, files.labels)]
    chosen = {"mean": files.mean, "scale": files.scale, "channels": files.channels}
    return TargetInfo(target, prototxt.name, classes, _files(prototxt, Path(files.weights)) | chosen)


def _classes(target: CaffeTarget, path: StrPath) -> Classes:
    """The classes in a file, as many as the last layer has units."""
    labels, last = zoo.read_label_file(path), target.layers()[-1]
    units = target.layer_shape(last)[0]
    if units != len(labels):
        raise FormatError(f"{path}: has {len(labels)} classes, and the last layer '{last}' {units} units")
    return Classes(tuple(labels))


def _zoo_prior(name: str) -> PriorInfo:
    models = {entry.name: entry for entry in zoo.list_models()}
    generators = [known for known, entry in models.items() if entry.generator is not None]
    if name not in generators:
        what = "is a classifier" if name in models else "is not known"
        raise DgnamError(
            f"prior '{name}' {what}: give the path of a generator's .prototxt file, or one of, the closest first: "
            f"{closest(name, [*generators, *PIXEL_RECIPES], limit=20)}"
        )
    entry = zoo.get(name)
    assert entry.generator is not None
    inverts = entry.generator.encoder, entry.generator.layer
    record = {"model": name} | _files(entry.prototxt, *entry.files())
    upper = entry.act_range()
    prior = GeneratorPrior(zoo.load(name))
    return PriorInfo(prior, name, record, upper, inverts=inverts, step_scale=suited_steps(entry.kind, upper))


def suited_steps(kind: str, act_range: np.ndarray | None) -> float:
    """How much longer than published a step suits a generator's codes: as much as their mean act_range is larger.

    kind: of a `ModelEntry`.  A published generator has the published steps whatever its codes are.
    """
    if kind != "mini" or act_range is None:
        return 1.0
    return float(np.mean(act_range, dtype=np.float64)) / PUBLISHED_RANGE


def _pixels(name: str, size: tuple[int, int]) -> PriorInfo:
    """A published pixel prior; its lengths are for images of 227 pixels, and for small ones as much shorter."""
    scale = min(size) / PUBLISHED_SIZE if min(size) < SMALL else 1.0
    recipe = pixel_recipe(name, size, scale)
    record = {"pixels": name, "scale": scale, "source": recipe.source}
    return PriorInfo(recipe.prior, name, record, clip=recipe.clip, settings=recipe.settings, start=recipe.start)


def _given(target: Any) -> TargetInfo:
    if not callable(target) or not hasattr(target, "layer_shape"):
        raise DgnamError(
            f"{type(target).__name__} is no target: give a model's name, a prototxt's path, CaffeTarget(…), "
            "TorchTarget(…) or Several(…)"
        )
    return TargetInfo(target, type(target).__name__, record=fingerprint(target))


def _imported(path: str) -> Target:
    """The Target at `package.module:name`, or what the callable there returns."""
    found: Any = python_callable(path, "target")
    if isinstance(found, type) or not hasattr(found, "layer_shape"):
        try:
            found = found()
        except Exception as error:
            raise DgnamError(f"target '{path}': calling it fails, with {type(error).__name__}: {error}") from error
    if not hasattr(found, "layer_shape"):
        raise DgnamError(f"target '{path}' is no Target but returned one of {type(found).__name__}")
    target: Target = found
    return target


def _shown(spec: object) -> str:
    return f"'{spec}'" if isinstance(spec, str | Path) else type(spec).__name__


def _factor(weight: float) -> str:
    return "" if weight == 1 else f"{weight:g} * "


def _is_prototxt(text: str) -> bool:
    return text.endswith((".prototxt", ".pbtxt")) or Path(text).is_file()


def _files(*paths: Path) -> dict[str, Any]:
    return {"files": {f"{path.parent.name}/{path.name}": sha256(path) for path in paths}}
