"""The registry of models: a name → its prototxt, weights (downloaded and checked), preprocessing, labels, act_range.

    entry = get("caffenet")
    net = Net(entry.prototxt, entry.weights_path(), TEST)

`models/registry.json` lists the models: the published ones of the paper, whose weights are downloaded from their
authors into the user's folder (`home()`), and small ones of our own in `models/`.  Checksums are those that somebody
published; a file that the user puts into place by hand serves as a downloaded one.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DgnamError, closest
from . import folders
from .download import PublishedFile, archive_path, fetch, verify
from .labels import Label, labels_path, read_labels

if TYPE_CHECKING:
    import numpy as np


class MissingWeightsError(DgnamError):
    """A file of a model is missing and cannot be downloaded; the message says where to put it by hand.

    model, path: the model's name, and the place of the file.
    reasons: why each address failed.
    """

    def __init__(self, model: str, path: Path, message: str, reasons: tuple[str, ...] = ()):
        super().__init__(message)
        self.model = model
        self.path = path
        self.reasons = reasons

    def hinting(self, hint: str) -> MissingWeightsError:
        """The same error, with what can be done instead at its end."""
        return MissingWeightsError(self.model, self.path, f"{self}. {hint}", self.reasons)


@dataclass(frozen=True)
class PreprocessingInfo:
    """From a picture to a classifier's input, or the output of a generator.

    resize: the picture's height and width before the crop.
    crop: the side of the square that the network takes, in the center unless said otherwise.
    channels: their order, "BGR".
    mean: subtracted from each channel, in that order, of values in [0, 255].
    mean_file: the name of the published mean image that the network was trained with; None if it was `mean`.
    frames: the number of consecutive pictures that a network takes at once; more than 1 for clips.
    """

    resize: tuple[int, int]
    crop: int
    channels: str
    mean: tuple[float, ...]
    mean_file: str | None = None
    frames: int = 1


@dataclass(frozen=True)
class GeneratorInfo:
    """The encoder that a generator inverts, and the generator's input and output.

    encoder, layer: the model and the layer whose values, after the ReLU, are the code.
    input, output: the blobs of code and image.
    code_shape: the shape of one code, without the batch axis.
    act_range_file: the codes' upper bounds; None if none are published.
    """

    encoder: str
    layer: str
    input: str
    output: str
    code_shape: tuple[int, ...]
    act_range_file: PublishedFile | None


@dataclass(frozen=True)
class ModelEntry:
    """A model in the registry.

    kind: "published" or "mini" (trained by us, shipped with the package).
    role: its part in the paper.
    scores: the layer of the class scores before the softmax; None for a generator.
    generator: None for a classifier.
    definition: the model whose definitions it shares, with weights of its own; None if it has its own definitions.
    """

    name: str
    title: str
    kind: str
    role: str
    weights: PublishedFile
    preprocessing: PreprocessingInfo
    label_set: str | None
    scores: str | None
    generator: GeneratorInfo | None
    license: str
    source: str | None
    citation: str
    note: str | None
    definition: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the model's definitions."""
        return folders.data_folder("prototxt") / (self.name if self.definition is None else self.definition)

    @property
    def prototxt(self) -> Path:
        """The definition to use the model with."""
        return self.folder / "deploy.prototxt"

    def weights_path(self, download: bool = True) -> Path:
        """The file of the weights, its checksum verified.

        Missing weights are downloaded if `download`; MissingWeightsError says what to do if that fails.
        """
        return self._obtain(self.weights, download)

    def files(self) -> list[Path]:
        """The weights and, of a generator, the published act_range if there is one; an error if one is missing."""
        paths = [self.weights_path()]
        if self.generator is not None and self.generator.act_range_file is not None:
            paths.append(self._obtain(self.generator.act_range_file, download=True))
        return paths

    def places(self) -> dict[str, Path]:
        """The places of its files, present or not: prototxt, weights, and act_range and labels if it has them."""
        found = {"prototxt": self.prototxt, "weights": self._place(self.weights)}
        if self.generator is not None and self.generator.act_range_file is not None:
            found["act_range"] = self._place(self.generator.act_range_file)
        if self.label_set is not None:
            found["labels"] = labels_path(self.label_set)
        return found

    @property
    def untrained(self) -> bool:
        """Whether this is one of our small models with a recipe and no weights yet."""
        return self.kind == "mini" and self.weights.checksum is None

    def state(self, what: str = "weights") -> str:
        """The state of a file in `places`: "here", "missing", or "damaged" if its checksum is wrong.

        Weights of our own that are not trained yet are "untrained".
        """
        if what == "weights" and self.untrained:
            return "untrained"
        published = {"weights": self.weights}
        if self.generator is not None and self.generator.act_range_file is not None:
            published["act_range"] = self.generator.act_range_file
        if what not in published:
            return "here" if self.places()[what].is_file() else "missing"
        try:
            self._obtain(published[what], download=False)
        except MissingWeightsError:
            return "missing"
        except DgnamError:
            return "damaged"
        return "here"

    def labels(self) -> list[Label]:
        """The classes, in order of the scores."""
        if self.label_set is None:
            raise DgnamError(f"model '{self.name}' is a generator and has no classes")
        return read_labels(self.label_set)

    def act_range(self, download: bool = True) -> np.ndarray | None:
        """The upper bound of each code neuron, float32 of `generator.code_shape`; None if none are published."""
        if self.generator is None:
            raise DgnamError(f"model '{self.name}' is not a generator and has no act_range")
        if self.generator.act_range_file is None:
            return None
        from .act_range import read_act_range

        path = self._obtain(self.generator.act_range_file, download)
        bounds = read_act_range(path)
        if bounds.size != math.prod(self.generator.code_shape):
            raise DgnamError(
                f"{path} has {bounds.size} bounds, and a code of '{self.name}' {self.generator.code_shape} numbers"
            )
        return bounds.reshape(self.generator.code_shape)

    def _place(self, file: PublishedFile) -> Path:
        return (folders.data_folder("models") if self.kind == "mini" else folders.home()) / self.name / file.file

    def _obtain(self, file: PublishedFile, download: bool) -> Path:
        path = self._place(file)
        reasons: list[str] = []
        if not path.is_file():
            reasons = fetch(file, path, folders.archives(), online=download)
        if not path.is_file():
            raise MissingWeightsError(self.name, path, _how_to_get(self, file, path, reasons), tuple(reasons))
        verify(path, file.checksum)
        return path


def list_models() -> list[ModelEntry]:
    """All models, in the registry's order."""
    return list(_registry(folders.data_folder("models") / "registry.json").values())


def get(name: str) -> ModelEntry:
    """The model of this name; raises DgnamError with the closest names for an unknown one."""
    models = _registry(folders.data_folder("models") / "registry.json")
    if name not in models:
        raise DgnamError(
            f"there is no model '{name}'; the known ones, the closest first: {closest(name, models, limit=20)}"
        )
    return models[name]


@functools.lru_cache(maxsize=4)
def _registry(path: Path) -> dict[str, ModelEntry]:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return {name: _entry(name, fields) for name, fields in raw.items()}


def clear_cache() -> None:
    """Read the registry again at its next use, since the file has changed."""
    _registry.cache_clear()


def _entry(name: str, fields: Mapping[str, Any]) -> ModelEntry:
    rest = dict(fields)
    made = {
        "weights": _file(rest.pop("weights")),
        "preprocessing": PreprocessingInfo(**_tuples(rest.pop("preprocessing"))),
        "generator": _generator(rest.pop("generator")),
        "label_set": rest.pop("labels"),
    }
    return ModelEntry(name=name, **made, **rest)


def _generator(fields: Mapping[str, Any] | None) -> GeneratorInfo | None:
    if fields is None:
        return None
    rest = dict(fields)
    bounds = rest.pop("act_range")
    return GeneratorInfo(**_tuples(rest), act_range_file=None if bounds is None else _file(bounds))


def _file(fields: Mapping[str, Any]) -> PublishedFile:
    return PublishedFile(**_tuples(fields))


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def _how_to_get(entry: ModelEntry, file: PublishedFile, path: Path, reasons: list[str]) -> str:
    """The message for a missing file: what is missing, what was tried, what to do."""
    text = f"model '{entry.name}' ({entry.title}): {file.file} is not at {path}"
    if entry.untrained:
        return f"{text}; it has not been trained yet: `dgnam train {entry.name} --data DIR`, in a checkout, makes it"
    if not file.urls:
        return f"{text}; it comes with the package, so the installation is incomplete"
    if file.member is not None:
        file_here = (
            f"put the file there, or the archive that holds it at {archive_path(file.urls[0], folders.archives())}"
        )
    else:
        file_here = "put the file there"
    tried = "; tried " + "; ".join(reasons) if reasons else "; published at " + ", ".join(file.urls)
    known = (
        f"it must have the checksum {file.checksum}" if file.checksum is not None else "no checksum of it is published"
    )
    also = f"; see {entry.source}" if entry.source is not None else ""
    return f"{text}{tried}. If you get it another way, {file_here}: {known}{also}"
