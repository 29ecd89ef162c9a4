"""The registry of models: a name → its prototxt, weights (downloaded and checked), preprocessing, labels, act_range.

    entry = get("caffenet")
    net = Net(entry.prototxt, entry.weights_path(), TEST)

`models/registry.json` lists the models: the published ones of the paper, whose weights are downloaded from their
authors into the user's folder (`home()`), and small ones of our own in `models/`.  Weights may be published in several
files, as a caffemodel and as a state dict; the first that is here is taken, or else the first that an address gives.
Checksums are those that somebody published; a file that the user puts into place by hand serves as a downloaded one.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DgnamError, closest
from . import folders
from .checksums import first_checksum, keep_checksum
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
    act_range_file: the codes' upper bounds; None if none are published.  Without addresses it is one that the user
        measures and adds.
    """

    encoder: str
    layer: str
    input: str
    output: str
    code_shape: tuple[int, ...]
    act_range_file: PublishedFile | None


@dataclass(frozen=True)
class KnownPass:
    """A forward pass whose numbers somebody published.

    picture: resized to the network's input, in [0, 255], BGR, minus `mean`.
    probabilities: of classes, by their index.
    tolerance: how far they may be off, absolutely.
    """

    picture: PublishedFile
    mean: tuple[float, ...]
    probabilities: Mapping[str, float]
    tolerance: float
    source: str


@dataclass(frozen=True)
class ModelEntry:
    """A model in the registry.

    kind: "published" or "mini" (trained by us, shipped with the package).
    role: its part in the paper.
    scores: the layer of the class scores before the softmax; None for a generator.
    generator: None for a classifier.
    definition: the model whose definitions it shares, with weights of its own; None if it has its own definitions.
    other_weights: further files of the same weights, in the order in which they are tried.
    known_pass: None if nobody published one.
    image_set: the base of the names of the image sets that it was trained and measured on, in `dgnam.data.catalog`;
        None of a small model, whose recipe names them, and where none is known.
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
    other_weights: tuple[PublishedFile, ...] = ()
    known_pass: KnownPass | None = None
    image_set: str | None = None

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
        path = self._obtain(self.weights_files, download)
        published = next(file for file in self.weights_files if self.place(file) == path)
        return path if published.layers is None else self._renamed(published, path)

    @property
    def weights_files(self) -> tuple[PublishedFile, ...]:
        """All files of the weights."""
        return self.weights, *self.other_weights

    def published_files(self) -> dict[str, tuple[PublishedFile, ...]]:
        """What is downloaded, by what it is; each in the files that it may come in."""
        found = {"weights": self.weights_files}
        if self.generator is not None and self.generator.act_range_file is not None:
            found["act_range"] = (self.generator.act_range_file,)
        if self.known_pass is not None:
            found["known_pass"] = (self.known_pass.picture,)
        return found

    def obtain(self, what: str, download: bool = True) -> Path:
        """One of `published_files`, its checksum verified, or kept where none is published and the file is good."""
        files = self.published_files()[what]
        path = self._obtain(files, download)
        file = next(file for file in files if self.place(file) == path)
        if file.checksum is None and first_checksum(path) is None:  # somebody has put it there
            self._check(file, path)
            keep_checksum(path, None)
        return path

    def files(self) -> list[Path]:
        """The weights and, of a generator, the published act_range if there is one; an error if one is missing."""
        paths = [self.weights_path()]
        if self._bounds is not None:
            paths.append(self._obtain((self._bounds,), download=True))
        return paths

    def places(self) -> dict[str, Path]:
        """The places of its files, present or not: prototxt, weights, and act_range and labels if it has them."""
        places = [self.place(file) for file in self.weights_files]
        found = {"prototxt": self.prototxt, "weights": next((path for path in places if path.is_file()), places[0])}
        if self._bounds is not None:
            found["act_range"] = self.place(self._bounds)
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
        published = self.published_files()
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
        if self._bounds is None:
            return None
        return self.read_bounds(self._obtain((self._bounds,), download))

    def read_bounds(self, path: Path) -> np.ndarray:
        """The act_range in a file, as `act_range`; one number for each channel bounds all its places."""
        from .act_range import read_act_range

        assert self.generator is not None
        bounds, shape = read_act_range(path), self.generator.code_shape
        if bounds.size == math.prod(shape):
            return bounds.reshape(shape)
        if bounds.size == shape[0]:
            import numpy as np

            return np.broadcast_to(bounds.reshape(-1, *(1 for _ in shape[1:])), shape).copy()
        raise DgnamError(f"{path} has {bounds.size} bounds, and a code of '{self.name}' {shape} numbers")

    def place(self, file: PublishedFile) -> Path:
        """The place of one of its files."""
        return (folders.data_folder("models") if self.kind == "mini" else folders.home()) / self.name / file.file

    @property
    def _bounds(self) -> PublishedFile | None:
        """The file of its act_range; None if there is none, or one to be measured that is not here."""
        file = None if self.generator is None else self.generator.act_range_file
        own = file is not None and self.kind == "published" and not file.urls
        return None if file is None or (own and not self.place(file).is_file()) else file

    def _obtain(self, files: Sequence[PublishedFile], download: bool) -> Path:
        """The first of the files that is here, or that one of its addresses gives."""
        reasons: list[str] = []
        for file in sorted(files, key=lambda file: not self.place(file).is_file()):
            path = self.place(file)
            if not path.is_file():
                check = functools.partial(self._check, file)
                reasons += fetch(file, path, folders.archives(), online=download, check=check)
            if path.is_file():
                verify(path, file.checksum)
                return path
        path = self.place(files[0])
        raise MissingWeightsError(self.name, path, _how_to_get(self, files, path, reasons), tuple(reasons))

    def _check(self, file: PublishedFile, path: Path) -> None:
        from .comparing import check_file

        check_file(self, file, path)

    def _renamed(self, file: PublishedFile, path: Path) -> Path:
        """Weights that name their layers otherwise, as a caffemodel with our names beside them."""
        from .renamed import write_renamed

        assert file.layers is not None
        target = path.with_suffix(".caffemodel")
        if not target.is_file():
            write_renamed(target, path, file.layers, self.prototxt)
            keep_checksum(target, None)
        verify(target, None)
        return target


def list_models() -> list[ModelEntry]:
    """All models, in the registry's order."""
    return list(_registry(folders.data_folder("models") / "registry.json").values())


def get(name: str) -> ModelEntry:
    """The model of this name; raises DgnamError with the closest names for an unknown one."""
    models = {**_registry(folders.data_folder("models") / "registry.json"), **_replaced}
    if name not in models:
        raise DgnamError(
            f"there is no model '{name}'; the known ones, the closest first: {closest(name, models, limit=20)}"
        )
    return models[name]


_replaced: dict[str, ModelEntry] = {}


@contextmanager
def replaced(entries: Sequence[ModelEntry]) -> Iterator[None]:
    """Within it, `get` gives these models in place of those of their names."""
    before = dict(_replaced)
    _replaced.update({entry.name: entry for entry in entries})
    try:
        yield
    finally:
        _replaced.clear()
        _replaced.update(before)


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
        "other_weights": tuple(_file(one) for one in rest.pop("other_weights", ())),
        "known_pass": _known_pass(rest.pop("known_pass", None)),
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


def _known_pass(fields: Mapping[str, Any] | None) -> KnownPass | None:
    if fields is None:
        return None
    rest = dict(fields)
    return KnownPass(picture=_file(rest.pop("picture")), **_tuples(rest))


def _file(fields: Mapping[str, Any]) -> PublishedFile:
    return PublishedFile(**_tuples(fields))


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def _how_to_get(entry: ModelEntry, files: Sequence[PublishedFile], path: Path, reasons: list[str]) -> str:
    """The message for a missing file: what is missing, what was tried, what to do."""
    file = files[0]
    text = f"model '{entry.name}' ({entry.title}): {file.file} is not at {path}"
    if entry.untrained:
        return f"{text}; it has not been trained yet: `dgnam train {entry.name} --data DIR`, in a checkout, makes it"
    if not file.urls:
        return f"{text}; it comes with the package, so the installation is incomplete"
    archives = [archive_path(f.urls[0], folders.archives()) for f in files if f.member is not None]
    places = ["put the file there"]
    if archives:
        places.append(f"or the archive that holds it at {' or '.join(dict.fromkeys(map(str, archives)))}")
    urls = ", ".join(url for one in files for url in one.urls)
    tried = "; tried " + "; ".join(reasons) if reasons else f"; published at {urls}"
    if len(files) > 1:
        places.append(f"or let `dgnam models add FILE --as {entry.name}` do so, for any of its files")
    known = (
        f"{file.file} must have the checksum {file.checksum}"
        if file.checksum is not None
        else "no checksum of it is published"
    )
    also = f"; see {entry.source}" if entry.source is not None else ""
    return f"{text}{tried}. If you get it another way, {', '.join(places)}: {known}{also}"
