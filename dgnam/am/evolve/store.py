"""What a search leaves on disk: its settings, and the codes and scores of each generation."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DgnamError, FormatError
from ...files.hdf5 import open_hdf5
from ...runs.folder import RunFolder, read_json, versions
from ..regularizers.bounds import Bounds
from .method import Method

SETTINGS, START, GENERATIONS, BEST = "search.json", "start.h5", "generations", "best.png"
FORMAT = 1
_NAME = re.compile(r"(\d{5,})\.h5")


@dataclass(frozen=True, eq=False)
class Settings:
    """All that a search's codes follow from, beside the scores.

    method, parameters: the method's name, and its fields.
    clip: the bounds in the code's shape, or None; start_codes: (k, *code_shape) float32 or None.
    record: what the caller added.
    versions: of the packages that it was made with.
    """

    method: str
    parameters: dict[str, Any]
    seed: int
    code_shape: tuple[int, ...]
    image_size: tuple[int, int]
    clip: Bounds | None
    start_codes: np.ndarray | None
    record: dict[str, Any]
    versions: dict[str, str]

    @classmethod
    def of(
        cls,
        method: Method,
        seed: int,
        code_shape: tuple[int, ...],
        image_size: tuple[int, int],
        clip: Bounds | None,
        start_codes: np.ndarray | None,
        record: dict[str, Any],
    ) -> Settings:
        """The settings of a search that begins now."""
        used = versions() | ({"cma": metadata.version("cma")} if method.name == "cma" else {})
        fields = dataclasses.asdict(method)
        return cls(method.name, fields, seed, code_shape, image_size, clip, start_codes, record, used)

    def as_json(self) -> dict[str, Any]:
        """All but the arrays."""
        return {
            "format": FORMAT,
            "method": self.method,
            "parameters": self.parameters,
            "seed": self.seed,
            "code_shape": list(self.code_shape),
            "image_size": list(self.image_size),
            "record": self.record,
            "versions": self.versions,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The bounds, in the code's shape, and the start codes, where there are any."""
        found = {}
        if self.clip is not None:
            for name, bound in (("lower", self.clip.lower), ("upper", self.clip.upper)):
                found[name] = np.array(np.broadcast_to(np.asarray(bound, np.float32), self.code_shape))
        if self.start_codes is not None:
            found["start_codes"] = self.start_codes
        return found


class Store:
    """A search's folder, written and read."""

    def __init__(self, path: Path, settings: Settings):
        self.path, self.settings = path, settings
        self._files = RunFolder(path)

    @classmethod
    def create(cls, path: str | Path, settings: Settings) -> Store:
        """A new search's folder; one that already holds something is an error."""
        folder = RunFolder.create_at(path).path
        store = cls(folder, settings)
        (folder / GENERATIONS).mkdir()
        store._files.write_arrays(START, settings.arrays(), {})
        store._files.write_json(SETTINGS, settings.as_json())
        return store

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """The folder of a search that began earlier."""
        folder = Path(path)
        if not (folder / SETTINGS).is_file():
            raise DgnamError(f"{folder} holds no search: there is no {SETTINGS} in it")
        return cls(folder, _read_settings(folder))

    def count(self) -> int:
        """How many generations have been told; a gap among them is an error."""
        found = sorted(
            int(match[1]) for path in (self.path / GENERATIONS).glob("*.h5") if (match := _NAME.fullmatch(path.name))
        )
        if found != list(range(len(found))):
            missing = min(set(range(len(found))) - set(found))
            raise FormatError(f"{self._file(missing)} is missing, and later generations are there")
        return len(found)

    def add(self, generation: int, codes: np.ndarray, scores: np.ndarray) -> None:
        """Save a generation; one that is already there was told by somebody else, and is an error."""
        path = self._file(generation)
        if path.exists():
            raise DgnamError(f"{path} is already there: another process goes on with this search")
        name = str(path.relative_to(self.path))
        self._files.write_arrays(name, {"codes": codes, "scores": scores}, {"generation": generation})

    def read(self, generation: int) -> tuple[np.ndarray, np.ndarray]:
        """A generation's codes (n, *code_shape) float32 and scores (n,) float64."""
        with open_hdf5(self._file(generation)) as file:
            return file.numbers("codes").astype(np.float32), file.numbers("scores").astype(np.float64)

    def write_best(self, picture: np.ndarray) -> None:
        """Put a picture (h, w, 3) uint8 RGB into the place of the best."""
        self._files.write_png(BEST, picture)

    def _file(self, generation: int) -> Path:
        return self.path / GENERATIONS / f"{generation:05d}.h5"


def _read_settings(folder: Path) -> Settings:
    path = folder / SETTINGS
    content = read_json(path)
    kinds = {"method": str, "parameters": dict, "seed": int, "code_shape": list, "image_size": list}
    kinds |= {"record": dict, "versions": dict}
    if content.get("format") != FORMAT:
        raise FormatError(f"{path}: not a search's settings of format {FORMAT}")
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            raise FormatError(f"{path}: '{key}' is missing or no {kind.__name__}")
    fields: Mapping[str, Any] = {key: content[key] for key in kinds}
    shapes = {key: tuple(fields[key]) for key in ("code_shape", "image_size")}
    return Settings(**{**fields, **shapes}, **_read_arrays(folder / START))


def _read_arrays(path: Path) -> dict[str, Any]:
    with open_hdf5(path) as file:
        arrays = {name: file.numbers(name) for name in ("lower", "upper", "start_codes") if file.has(name)}
    if ("lower" in arrays) != ("upper" in arrays):
        raise FormatError(f"{path}: holds one bound without the other")
    clip = Bounds(arrays["lower"], arrays["upper"]) if "lower" in arrays else None
    return {"clip": clip, "start_codes": arrays.get("start_codes")}
