"""A model's name → its prototxt, weights (downloaded and checked), preprocessing, labels and act_range.

    entry = get("caffenet")
    net = Net(entry.prototxt, entry.weights_path(), TEST)

`models/registry.json` lists the models: the published ones of the paper, whose weights are downloaded from their
authors into a folder of the user's (`home()`), and the small ones of our own, which lie in `models/`.  A checksum is
there only where somebody published one; a file that the user put into its place by hand serves as a downloaded one.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net, read_weights
from ..errors import DgnamError, FormatError, closest, naming, shortened
from ..files.hdf5 import open_hdf5
from ..files.paths import StrPath, existing_file
from .download import PublishedFile, archive_path, cache_folder, fetch, verify

_MAX_TEXT = 16 << 20
"""Far more than the act_range of any published code takes, or the names of any network's classes."""

_ANY_KEY, _WORDNET_ID = re.compile(r"\S+"), re.compile(r"[nvars]\d{8}")


class MissingWeightsError(DgnamError):
    """A file of a model is not here and can't be had; the message says where to put one got by hand.

    model, path: the model's name, and where the file belongs.
    reasons: for each address that was tried, why it failed.
    """

    def __init__(self, model: str, path: Path, message: str, reasons: tuple[str, ...] = ()):
        super().__init__(message)
        self.model = model
        self.path = path
        self.reasons = reasons


@dataclass(frozen=True)
class Preprocessing:
    """From a picture to a classifier's input, or what a generator makes.

    resize: the picture's height and width before the crop.
    crop: the side of the square that the network sees, the centre unless said otherwise.
    channels: their order, "BGR".
    mean: what is taken off each channel, in that order, of values in [0, 255].
    mean_file: the name of the published mean image that the network was trained with; None where it was `mean`.
    frames: how many pictures, one after the other, a network sees at once; more than 1 where it sees clips.
    """

    resize: tuple[int, int]
    crop: int
    channels: str
    mean: tuple[float, ...]
    mean_file: str | None = None
    frames: int = 1


@dataclass(frozen=True)
class GeneratorInfo:
    """What a generator inverts.

    encoder, layer: the model and the layer whose values, after the ReLU, are the code.
    input, output: the blobs of code and picture.
    code_shape: of one code, without the batch axis.
    act_range_file: the codes' upper bounds; None where none is published.
    """

    encoder: str
    layer: str
    input: str
    output: str
    code_shape: tuple[int, ...]
    act_range_file: PublishedFile | None


@dataclass(frozen=True)
class Label:
    """A class: its key (a WordNet id, a category) and its names, the usual one first."""

    key: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ModelEntry:
    """What the registry says of a model.

    kind: "published" or "mini" (trained by us, shipped with the package).
    role: its part in the paper.
    scores: the layer of the class scores before the softmax; None for a generator.
    generator: None for a classifier.
    definition: the model whose definitions it has, and differs from by its weights alone; None where it has its own.
    """

    name: str
    title: str
    kind: str
    role: str
    weights: PublishedFile
    preprocessing: Preprocessing
    label_set: str | None
    scores: str | None
    generator: GeneratorInfo | None
    licence: str
    source: str | None
    citation: str
    note: str | None
    definition: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the model's definitions."""
        return data_folder("prototxt") / (self.name if self.definition is None else self.definition)

    @property
    def prototxt(self) -> Path:
        """The definition to use the model with."""
        return self.folder / "deploy.prototxt"

    def weights_path(self, download: bool = True) -> Path:
        """Where the weights lie, after their checksum was found right.

        Missing ones are downloaded first, if `download`; where that fails, MissingWeightsError says what to do.
        """
        return self._obtain(self.weights, download)

    def files(self) -> list[Path]:
        """Weights and, of a generator, the act_range where one is published; an error where one is missing."""
        paths = [self.weights_path()]
        if self.generator is not None and self.generator.act_range_file is not None:
            paths.append(self._obtain(self.generator.act_range_file, download=True))
        return paths

    def places(self) -> dict[str, Path]:
        """Where each of its files lies or would lie: prototxt, weights, and act_range and labels where it has them."""
        found = {"prototxt": self.prototxt, "weights": self._place(self.weights)}
        if self.generator is not None and self.generator.act_range_file is not None:
            found["act_range"] = self._place(self.generator.act_range_file)
        if self.label_set is not None:
            found["labels"] = labels_path(self.label_set)
        return found

    @property
    def untrained(self) -> bool:
        """Whether this is one of our small models that has a recipe and no weights yet."""
        return self.kind == "mini" and self.weights.checksum is None

    def state(self, what: str = "weights") -> str:
        """Whether a file that `places` names is here: "here", "missing", or "damaged", where its checksum is wrong.

        Weights of our own that nobody has trained yet are "untrained".
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
        """The upper bound of each code neuron, float32 of `generator.code_shape`; None where none is published."""
        if self.generator is None:
            raise DgnamError(f"model '{self.name}' is no generator and has no act_range")
        if self.generator.act_range_file is None:
            return None
        path = self._obtain(self.generator.act_range_file, download)
        bounds = read_act_range(path)
        if bounds.size != math.prod(self.generator.code_shape):
            raise DgnamError(
                f"{path} has {bounds.size} bounds, and a code of '{self.name}' {self.generator.code_shape} numbers"
            )
        return bounds.reshape(self.generator.code_shape)

    def _place(self, file: PublishedFile) -> Path:
        return (data_folder("models") if self.kind == "mini" else home()) / self.name / file.file

    def _obtain(self, file: PublishedFile, download: bool) -> Path:
        path = self._place(file)
        reasons: list[str] = []
        if not path.is_file():
            reasons = fetch(file, path, _archives(), online=download)
        if not path.is_file():
            raise MissingWeightsError(self.name, path, _how_to_get(self, file, path, reasons), tuple(reasons))
        verify(path, file.checksum)
        return path


def list_models() -> list[ModelEntry]:
    """All models, in the registry's order."""
    return list(_registry(data_folder("models") / "registry.json").values())


def get(name: str) -> ModelEntry:
    """The model of this name; an unknown name is an error that lists the closest."""
    models = _registry(data_folder("models") / "registry.json")
    if name not in models:
        raise DgnamError(
            f"there is no model '{name}'; the known ones, the closest first: {closest(name, models, limit=20)}"
        )
    return models[name]


def load(name: str) -> CaffeModule:
    """The model of this name with its weights, for evaluation."""
    entry = get(name)
    return load_net(entry.prototxt, entry.weights_path(), f"model '{name}'")


def load_net(prototxt: StrPath, weights_path: StrPath, what: str) -> CaffeModule:
    """A net with its weights, for evaluation; weights that lack one of its layers, called `what`, are an error."""
    weights = read_weights(weights_path)
    with naming(f"{prototxt} with {weights_path}"):
        module = CaffeModule(read_net(prototxt), weights).eval()
    without = [layer for layer, _ in module.layer_params() if layer not in weights]
    if without:
        raise DgnamError(f"{weights_path} has no weights for layers {', '.join(without)} of {what}")
    return module


def home() -> Path:
    """Where downloaded files lie: `$DGNAM_HOME`, or else the user's cache folder."""
    chosen = os.environ.get("DGNAM_HOME")
    return Path(chosen) if chosen is not None else cache_folder()


def _archives() -> Path:
    return home() / "archives"


def data_folder(name: str) -> Path:
    """The folder `models` or `prototxt`: beside the modules once installed, at the top in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise DgnamError(f"the folder '{name}' is neither in {package} nor beside it: the installation is incomplete")


def labels_path(label_set: str) -> Path:
    """The file that lists the classes of this set."""
    return data_folder("models") / "labels" / f"{label_set}.txt"


def read_labels(label_set: str) -> list[Label]:
    """The classes that `models/labels/<label_set>.txt` lists, a line `key name, synonym, …` each."""
    return _read_labels(labels_path(label_set), _ANY_KEY)


def read_label_file(path: StrPath) -> list[Label]:
    """The classes that a text file of the user's lists, a line each, in the order of the scores.

    A line is `name, synonym, …`, and may have a WordNet id such as n01443537 before it, as synset_words.txt has.
    Lines that begin with # are comments.
    """
    return _read_labels(Path(path), _WORDNET_ID)


def _read_labels(path: Path, key: re.Pattern[str]) -> list[Label]:
    if existing_file(path).stat().st_size > _MAX_TEXT:
        raise FormatError(f"{path}: is too large for a list of classes (at most {_MAX_TEXT} bytes)")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is no text ({shortened(str(error))})") from None
    labels = [_label(line.strip(), key) for line in lines if line.strip() and not line.startswith("#")]
    if not labels:
        raise FormatError(f"{path}: lists no class; write a line for each, in the order of the scores")
    return labels


def _label(line: str, key: re.Pattern[str]) -> Label:
    first, _, rest = line.partition(" ")
    keyed = rest.strip() != "" and key.fullmatch(first) is not None
    names = tuple(name.strip() for name in (rest if keyed else line).split(",") if name.strip())
    return Label(first if keyed else line, names if names else (line,))


def read_act_range(path: str | Path) -> np.ndarray:
    """The upper bounds (n,) float32 in a file: the published text (one line of integers), or HDF5 with `act_range`."""
    path = Path(path)
    values = _read_hdf5(path) if path.suffix in (".h5", ".hdf5") else _read_text(path)
    if values.size == 0 or not np.isfinite(values).all():
        raise FormatError(f"{path}: an act_range holds one finite number for each neuron of the code")
    return values


def _read_text(path: Path) -> np.ndarray:
    size = existing_file(path).stat().st_size
    if size > _MAX_TEXT:
        raise FormatError(f"{path}: {size} bytes are too many for an act_range as text (at most {_MAX_TEXT})")
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and an error
            return np.array(path.read_text(encoding="ascii").split(), dtype=np.float32)
    except (UnicodeDecodeError, ValueError) as error:
        raise FormatError(f"{path}: not a text of numbers with blanks between them ({shortened(str(error))})") from None


def _read_hdf5(path: Path) -> np.ndarray:
    with open_hdf5(path) as file:
        if "act_range" not in file.names():
            raise file.fail(f"has no dataset 'act_range'; it has {sorted(file.names())[:8]}")
        return file.floats("act_range").ravel()


@functools.lru_cache(maxsize=4)
def _registry(path: Path) -> dict[str, ModelEntry]:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return {name: _entry(name, fields) for name, fields in raw.items()}


def forget() -> None:
    """Read the registry anew at the next question, since it was changed."""
    _registry.cache_clear()


def _entry(name: str, fields: Mapping[str, Any]) -> ModelEntry:
    rest = dict(fields)
    made = {
        "weights": _file(rest.pop("weights")),
        "preprocessing": Preprocessing(**_tuples(rest.pop("preprocessing"))),
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
    """What is missing, what was tried, and what to do about it."""
    text = f"model '{entry.name}' ({entry.title}): {file.file} is not at {path}"
    if entry.untrained:
        return f"{text}; it has not been trained yet: `dgnam train {entry.name} --data DIR`, in a checkout, makes it"
    if not file.urls:
        return f"{text}; it comes with the package, so the installation is incomplete"
    if file.member is not None:
        file_here = f"put the file there, or the archive that holds it at {archive_path(file.urls[0], _archives())}"
    else:
        file_here = "put the file there"
    tried = "; tried " + "; ".join(reasons) if reasons else "; published at " + ", ".join(file.urls)
    known = (
        f"it must have the checksum {file.checksum}" if file.checksum is not None else "no checksum of it is published"
    )
    also = f"; see {entry.source}" if entry.source is not None else ""
    return f"{text}{tried}. If you get it another way, {file_here}: {known}{also}"
