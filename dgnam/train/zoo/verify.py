"""Whether models are what their registry entries and cards say.

    for check in verify("caffenet-mini", data_folder="…"):
        print(check.line)

Checksums, definitions and bounds can be checked anywhere; what a card says was measured, only where the held-out
pictures are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import zoo
from ...caffe.modules.caffe_module import CaffeModule
from ...data.named_set import data_folder as find_data_folder
from ...data.picture import DataError
from ...errors import DgnamError, MissingPackageError
from ...files.checksums import sha256
from ...measure.outside_judge import check_installed
from ...zoo.checksums import first_checksum
from ...zoo.comparing import check_same
from .evaluate import evaluate_model
from .known_pass import DISTORTED, probabilities, rank_of_its_picture

TOLERANCE = 0.002
"""How far a measured number may be from the card's, of shares and cosines, and relative for what is larger than 1.

Ten pictures of 5,000: other processors and versions round otherwise, and turn a few near ties.
"""

OUTSIDE = "outside_"
"""How the names of the outside judge's numbers begin."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked; `right` is None where it could not be, and `text` says why."""

    model: str
    what: str
    right: bool | None
    text: str

    @property
    def line(self) -> str:
        state = {True: "right", False: "WRONG", None: "skipped"}[self.right]
        return f"{self.model:24} {self.what:22} {state:8} {self.text}"


def verify(name: str, data: str | Path | None = None) -> Iterator[Check]:
    """Check the model of this name, one thing after the other; what depends on a thing that is wrong is left out.

    data: the folder of the image sets; None takes $DGNAM_DATA, and does without where that is not set.
    Nothing is downloaded.
    """
    entry = zoo.get(name)
    if entry.untrained:
        yield Check(name, "weights", None, f"not trained yet: dgnam train {name}")
        return
    try:
        path = entry.weights_path(download=False)
    except zoo.MissingWeightsError as error:
        yield Check(name, "weights", False if entry.kind == "mini" else None, f"not here: {error.path}")
        return
    except DgnamError as error:
        yield Check(name, "weights", False, str(error))
        return
    yield _checksum(entry)
    try:
        module = zoo.load(name)
        yield from _net(entry, module)
    except DgnamError as error:
        yield Check(name, "net", False, str(error))
        return
    if entry.kind == "published":
        yield from _files(entry)
        yield from _passes(entry, module)
    if entry.kind == "mini":
        yield from _card(name, path, data)


def _checksum(entry: zoo.ModelEntry) -> Check:
    """Which checksum the weights were compared with."""
    place = entry.places()["weights"]
    published = next(file for file in entry.weights_files if entry.place(file) == place).checksum
    if published is not None:
        return Check(entry.name, "weights", True, published)
    first = first_checksum(place)
    if first is None:
        return Check(entry.name, "weights", None, f"no checksum of {place.name} is published, nor kept of a download")
    return Check(entry.name, "weights", True, f"{first}, of the first download")


def _files(entry: zoo.ModelEntry) -> Iterator[Check]:
    """That further files of the weights that are here hold the same numbers."""
    places = dict.fromkeys(entry.place(file) for file in entry.weights_files if file.layers is None)
    here = [path for path in places if path.is_file()]
    for other in here[1:]:
        try:
            found = check_same(other, here[0])
        except DgnamError as error:
            yield Check(entry.name, "same numbers", False, str(error))
        else:
            yield Check(entry.name, "same numbers", True, f"{other.name} and {here[0].name}: {found:.2g}")


def _passes(entry: zoo.ModelEntry, module: CaffeModule) -> Iterator[Check]:
    """That the net computes what is known of it, of a picture that is fetched with it or with its encoder."""
    encoder = entry if entry.generator is None else zoo.get(entry.generator.encoder)
    known = encoder.known_pass
    if known is None:
        return
    what = "known pass" if entry.generator is None else "inversion"
    try:
        picture = encoder.obtain("known_pass", download=False)
        if entry.generator is not None:
            encoder.weights_path(download=False)
    except DgnamError as error:
        lacking = error.path if isinstance(error, zoo.MissingWeightsError) else error
        yield Check(entry.name, what, None, f"not here: {lacking}: dgnam models fetch {encoder.name}")
        return
    if entry.generator is None:
        found = probabilities(module, known, picture)
        off = max(abs(here - there) for here, there in found.values())
        shown = ", ".join(f"{name}: {here:.4f} ({there:.4f})" for name, (here, there) in found.items())
        yield Check(entry.name, what, off <= known.tolerance, f"{picture.name}, here and in {known.source}: {shown}")
        return
    rank = rank_of_its_picture(entry, module, zoo.load(encoder.name), picture)
    ahead = "none is" if rank == 1 else f"{rank - 1} are"
    text = f"of {picture.name}'s {DISTORTED - 1} distortions {ahead} nearer to the code of its reconstruction"
    yield Check(entry.name, what, rank == 1, text)


def _net(entry: zoo.ModelEntry, module: CaffeModule) -> Iterator[Check]:
    """That it loads, its numbers are finite, and its shapes are those of the registry."""
    broken = [layer for layer, blobs in module.weights().items() if not all(np.isfinite(blob).all() for blob in blobs)]
    if broken:
        yield Check(entry.name, "net", False, f"layers {', '.join(broken)} have weights that are not finite")
        return
    size = sum(param.numel() for param in module.parameters())
    yield Check(entry.name, "net", True, f"{size:,} parameters in {len(module.layer_names)} layers")
    shapes = dict(zip(module.plan.blob_names, module.plan.blob_shapes, strict=True))
    if entry.generator is None:
        plan = module.plan
        units = math.prod(plan.blob_shapes[plan.layers[plan.layer_index(str(entry.scores))].tops[0]][1:])
        labels = len(entry.labels())
        yield Check(entry.name, "classes", units == labels, f"{units} units of {entry.scores}, {labels} labels")
        return
    made = entry.generator
    for what, shape in (("code", shapes.get(made.input)), ("picture", shapes.get(made.output))):
        wanted = made.code_shape if what == "code" else (3, *entry.preprocessing.resize)
        found = () if shape is None else tuple(shape[1:])
        yield Check(entry.name, what, found == wanted, f"{found}, and the registry says {wanted}")
    yield _bounds(entry)


def _bounds(entry: zoo.ModelEntry) -> Check:
    try:
        bounds = entry.act_range(download=False)
    except zoo.MissingWeightsError as error:
        return Check(entry.name, "act_range", False if entry.kind == "mini" else None, f"not here: {error.path}")
    except DgnamError as error:
        return Check(entry.name, "act_range", False, str(error))
    if bounds is None:
        own = entry.generator is not None and entry.generator.act_range_file is not None
        how = f", nor measured yet: dgnam act-range, dgnam models add FILE --as {entry.name}" if own else ""
        return Check(entry.name, "act_range", None, f"none is published{how}")
    right = bool((bounds >= 0).all())
    return Check(entry.name, "act_range", right, f"{bounds.size} bounds, {bounds.min():.4g} to {bounds.max():.4g}")


def _card(name: str, weights: Path, data: str | Path | None) -> Iterator[Check]:
    """That the card is of these weights, and what it says was measured is measured again."""
    path = weights.parent / "card.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        said, digest = card["measured"], card["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Check(name, "card", False, f"{path} can't be read ({type(error).__name__}: {error})")
        return
    right = digest == sha256(weights)
    yield Check(name, "card", right, f"{path.name} of {card.get('date')}" if right else f"{path} is of other weights")
    try:
        find_data_folder(data)
        lacking = _no_outside_judge()
        outside = any(what.startswith(OUTSIDE) for what in said)  # older cards have none of the outside judge's numbers
        found = evaluate_model(name, data, outside=outside and lacking is None)
    except DataError as error:
        if data is not None:
            raise
        yield Check(name, "measured", None, f"not measured again: {error}")
        return
    except DgnamError as error:
        yield Check(name, "measured", None, f"not measured again: {error}")
        return
    for what, value in found.items():
        yield _compared(name, what, value, said.get(what))
    for what in sorted(set(said) - set(found) - {"on"}):
        if what.startswith(OUTSIDE) and lacking is not None:
            yield Check(name, what, None, f"not measured again: {lacking}")
            continue
        yield Check(name, what, False, f"the card says {said[what]}, and nothing measures it")


def _no_outside_judge() -> str | None:
    """Why the outside judge can't be asked; None where it can."""
    try:
        check_installed()
    except MissingPackageError as error:
        return str(error)
    return None


def _compared(name: str, what: str, value: float, said: Any) -> Check:
    if not isinstance(said, int | float):
        return Check(name, what, False, f"{value:.4f}, and the card says nothing of it")
    right = bool(abs(value - said) <= TOLERANCE * max(1.0, abs(said)))
    return Check(name, what, right, f"{value:.4f}, and the card says {said:.4f}")
