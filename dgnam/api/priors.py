"""Open priors: from a name, a path or an object to what makes images of codes, with what is known of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .. import zoo
from ..am import PIXEL_PRESETS, Bounds, GeneratorPrior, Prior, RandomStart, Settings, Start, pixel_preset
from ..am.argument_types import checked
from ..errors import DgnamError, closest
from ..files.paths import StrPath
from .fingerprint import file_checksums, fingerprint

SMALL_PRIOR, MIDDLE_PRIOR, LARGE_PRIOR = "deepsim-fc6-v2-mini", "deepsim-fc6-128", "deepsim-fc6"
"""The priors where none is given: generators of 64, 128 and 256 px."""

MIDDLE, LARGE = 112, 160
"""Targets of a smaller side than `MIDDLE` get the small generator, those of `LARGE` or more the large one."""

_PIXELS = ", ".join(name for name in PIXEL_PRESETS if name != "pixels")

PUBLISHED_SIZE = 227
"""The images that the published pixel priors were made for."""

PUBLISHED_RANGE = 12.0
"""The mean act_range of the codes that the published steps were made for, CaffeNet's fc6."""


@dataclass(frozen=True, eq=False)
class ResolvedPrior:
    """A prior with what is known of it.

    act_range: the upper bound of each number of its code; None where none is known.
    clip: the bounds of a pixel preset; None for a generator.
    settings, start: of a pixel preset; None and random codes for a generator.
    inverts: of a generator of the zoo, the encoder and the layer whose values are its codes.
    step_scale: what the published sizes of steps are multiplied by where nobody chose one; see `suited_steps`.
    files: prototxt and weights, of a Caffe generator from files.
    opened: the arguments of `open_prior` that gave it, where they were names and paths.  It is then sent to another
        process as these, and opened again there.
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
    files: tuple[Path, Path] | None = None
    opened: Mapping[str, Any] | None = None

    def __reduce__(self) -> Any:
        return object.__reduce__(self) if self.opened is None else (_open_again, (dict(self.opened),))


def _open_again(opened: Mapping[str, Any]) -> ResolvedPrior:
    return open_prior(**opened)


@checked
def open_prior(prior: object, size: tuple[int, int] | None, *, weights: StrPath | None = None) -> ResolvedPrior:
    """The prior that is given or named.

    prior: a `Prior` or `ResolvedPrior`; a generator of `dgnam models list`; the path of a generator's prototxt, with
        its `weights`; or one of `PIXEL_PRESETS`, in pixels.  None takes `default_prior`.
    size: height and width of the target's input; None where the target may see any.
    Raises DgnamError with the closest names for an unknown one.
    """
    if prior is None:
        prior = default_prior(size)
    if not isinstance(prior, str | PathLike):
        if weights is not None:
            raise DgnamError(f"prior {type(prior).__name__} is not a prototxt: leave its weights out")
        return _given(prior)
    return replace(_named(str(prior), size, weights), opened={"prior": prior, "size": size, "weights": weights})


def _named(text: str, size: tuple[int, int] | None, weights: StrPath | None) -> ResolvedPrior:
    if text.endswith((".prototxt", ".pbtxt")) or Path(text).is_file():
        return _own_generator(Path(text), weights)
    if weights is not None:
        raise DgnamError(f"prior '{text}' is not a prototxt: leave its weights out")
    if text in PIXEL_PRESETS:
        if size is None:
            raise DgnamError(f"prior '{text}' makes pixels of a network's size, and here is none: give a generator")
        return _pixels(text, size)
    return _zoo_prior(text)


def default_prior(size: tuple[int, int] | None) -> str:
    """The generator for a target of this size: one of ours for fc6; for a large target the published, if it is here.

    Where it isn't, the small one is taken with a warning; its images are enlarged to what the target takes.
    """
    if size is None or min(size) < MIDDLE:
        return SMALL_PRIOR
    if min(size) < LARGE:
        return MIDDLE_PRIOR
    large = zoo.get(LARGE_PRIOR)
    missing = [what for what in large.places() if large.state(what) == "missing"]
    if not missing:
        return LARGE_PRIOR
    warnings.warn(
        f"the published generator {LARGE_PRIOR}, for images of this size, is not here ({', '.join(missing)} missing), "
        f"so the prior is {SMALL_PRIOR}: 64 px, enlarged to {size[0]}x{size[1]}; dgnam models fetch {LARGE_PRIOR} "
        "gets the other",
        stacklevel=2,
    )
    return SMALL_PRIOR


def suited_steps(kind: str, act_range: np.ndarray | None) -> float:
    """How much longer than published a step suits a generator's codes: as much as their mean act_range is larger.

    kind: of a `ModelEntry`.  A published generator has the published steps whatever its codes are.
    """
    if kind != "mini" or act_range is None:
        return 1.0
    return float(np.mean(act_range, dtype=np.float64)) / PUBLISHED_RANGE


def _given(prior: Any) -> ResolvedPrior:
    if isinstance(prior, ResolvedPrior):
        return prior
    if not callable(prior) or not hasattr(prior, "code_shape"):
        raise DgnamError(
            f"{type(prior).__name__} is not a prior: give a model's name, GeneratorPrior(…) or TorchPrior(…)"
        )
    return ResolvedPrior(prior, type(prior).__name__, fingerprint(prior))


def _own_generator(prototxt: Path, weights: StrPath | None) -> ResolvedPrior:
    if weights is None:
        raise DgnamError(f"the generator {prototxt} needs its weights, a .caffemodel, .h5 or .pt file")
    module = zoo.load_net(prototxt, weights, f"generator '{prototxt}'")
    files = prototxt, Path(weights)
    return ResolvedPrior(GeneratorPrior(module), prototxt.name, {"files": file_checksums(*files)}, files=files)


def _zoo_prior(name: str) -> ResolvedPrior:
    models = {entry.name: entry for entry in zoo.list_models()}
    generators = [known for known, entry in models.items() if entry.generator is not None]
    if name not in generators:
        what = "is a classifier" if name in models else "is not known"
        raise DgnamError(
            f"prior '{name}' {what}: give the path of a generator's .prototxt file, or one of, the closest first: "
            f"{closest(name, [*generators, *PIXEL_PRESETS], limit=20)}"
        )
    entry = zoo.get(name)
    assert entry.generator is not None
    try:
        upper, files = entry.act_range(), entry.files()
    except zoo.MissingWeightsError as error:
        here = f"What works here: --prior {SMALL_PRIOR} (64 px, enlarged), or in pixels: {_PIXELS}"
        raise error.hinting(here) from None
    return ResolvedPrior(
        GeneratorPrior(zoo.load(name)),
        name,
        {"model": name, "files": file_checksums(entry.prototxt, *files)},
        upper,
        inverts=(entry.generator.encoder, entry.generator.layer),
        step_scale=suited_steps(entry.kind, upper),
        files=(entry.prototxt, entry.weights_path()),
    )


def _pixels(name: str, size: tuple[int, int]) -> ResolvedPrior:
    """A published pixel prior; its lengths are for images of 227 pixels, and for small ones as much shorter."""
    scale = min(size) / PUBLISHED_SIZE if min(size) < LARGE else 1.0
    made = pixel_preset(name, size, scale)
    record = {"pixels": name, "scale": scale, "source": made.source}
    return ResolvedPrior(made.prior, name, record, clip=made.clip, settings=made.settings, start=made.start)
