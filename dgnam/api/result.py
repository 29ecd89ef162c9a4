"""What `visualize` gives back: pictures with all that belongs to them, which show themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import h5py
import numpy as np

from ..am import Objective, Settings
from ..am.argument_types import checked
from ..errors import DgnamError, optional_module
from ..figures import draw_traces, save_animation
from ..figures.animation import MOST_SCALE
from ..files.encode import png
from ..files.paths import utf8, write_bytes
from ..runs.chunks import to_bytes
from ..runs.folder import create_folder
from .sheet import MOST_SHOWN, Entry, Sweep, draw_sheet
from .shown import Shown
from .visualized import Visualized

if TYPE_CHECKING:
    import pandas

SHOWN_SIZE = 128
"""Pictures that are smaller than this are enlarged in a grid, a whole number of times."""

MOVIE_SIZE = 192
"""Movies of smaller pictures are enlarged, a whole number of times."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """The arrays of a `Visualization`; the first axis of each is its pictures'."""

    images: np.ndarray
    raw: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    traces: np.ndarray


class Visualization(Shown):
    """Preferred images; a run's arrays are read from its folder when they are first asked for.

        found[0].save("lemon.png")
        [one.activation for one in found]
        found.to_frame()

    captions: a text for each, the class or the objective, and `title` one for all of them.
    objectives, seeds, settings: what each was made for, from which seed and how; no settings without gradients.  Of a
        loaded run objectives are text, and settings what the run's record says of them.
    folder: where it was saved, or None.
    summary: what it came to, in lines for people.
    frames: the frames of a clip, side by side in each of `images` and `raw`; 1 where the target sees images.
    sweep: how several settings come among the pictures; measured: what `activations` are, for the grid.
    """

    def __init__(
        self,
        load: Callable[[], Arrays],
        *,
        captions: Sequence[str],
        title: str,
        objectives: Sequence[Objective | str | None],
        seeds: Sequence[int],
        settings: Sequence[Settings | Mapping[str, Any] | None],
        size: tuple[int, int] | None,
        folder: Path | None = None,
        stems: Sequence[str] = (),
        summary: Sequence[str] = (),
        frames: int = 1,
        sweep: Sweep | None = None,
        measured: str = "activation",
    ):
        self._load, self._size, self._stems, self.frames = load, size, stems, frames
        self.captions, self.title, self.objectives = captions, title, objectives
        self.seeds, self.settings, self.folder, self.summary = seeds, settings, folder, summary
        self._sweep, self._measured = sweep, measured

    @cached_property
    def _arrays(self) -> Arrays:
        return self._load()

    @property
    def images(self) -> np.ndarray:
        """(N, H, W, 3) uint8, RGB: values from 120 below the mean to 120 above it, as 0 to 255; of a callable the
        pictures that it scored."""
        return self._arrays.images

    @property
    def clips(self) -> np.ndarray:
        """(N, frames, H, W, 3) uint8, RGB: the pictures cut into their frames."""
        return split_frames(self.images, self.frames)

    @property
    def raw(self) -> np.ndarray:
        """(N, 3, H, W) float32, BGR, mean-subtracted: what the target saw, before the last update."""
        return self._arrays.raw

    @property
    def codes(self) -> np.ndarray:
        """(N, *code_shape) float32, after the last update; without gradients, those of the images."""
        return self._arrays.codes

    @property
    def activations(self) -> np.ndarray:
        """(N,) float32, of `raw`; where the settings have a transform, of what it made of `raw` in that step."""
        return self._arrays.activations

    @property
    def traces(self) -> np.ndarray:
        """(N, steps) float32, the activation at each step; NaN after a job's last.

        Without gradients, the best score of each generation.
        """
        return self._arrays.traces

    def __len__(self) -> int:
        return len(self.seeds)

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3] if self._size is None else self._size
        where = "" if self.folder is None else f", in {self.folder}"
        what = "images of" if self.frames == 1 else f"clips of {self.frames} frames of"
        return f"<{type(self).__name__}: {self.title}; {len(self)} {what} {height}x{width // self.frames}{where}>"

    @overload
    def __getitem__(self, place: SupportsIndex) -> Visualized: ...
    @overload
    def __getitem__(self, place: slice) -> list[Visualized]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Visualized | list[Visualized]:
        """One of the pictures with all that belongs to it, or those of a slice."""
        places = range(len(self))[place]
        return [self._one(k) for k in places] if isinstance(places, range) else self._one(places)

    def __iter__(self) -> Iterator[Visualized]:
        return (self._one(place) for place in range(len(self)))

    def to_frame(self) -> pandas.DataFrame:
        """A table as a pandas DataFrame, a row for each picture: caption, seed, settings, activations and steps."""
        frames = optional_module("pandas", "a DataFrame", "pandas")
        rows = []
        for one in self:
            steps = int(np.isfinite(one.trace).sum())
            settings = one.settings.as_dict() if isinstance(one.settings, Settings) else one.settings or {}
            rows.append(
                {
                    "caption": one.caption,
                    "objective": None if one.objective is None else str(one.objective),
                    "seed": one.seed,
                    **settings,
                    "steps": steps,
                    "first_activation": float(one.trace[0]) if len(one.trace) else None,
                    "activation": one.activation,
                }
            )
        return frames.DataFrame(rows)

    def draw_traces(self, **options: Any) -> np.ndarray:
        """The traces as a figure, (H, W, 3) uint8 RGB; options as `dgnam.figures.draw_traces` has them."""
        names = [f"{self.captions[k]} seed {self.seeds[k]}" for k in range(len(self))]
        groups = [] if self._sweep is None else [self._sweep.name(k) for k in range(len(self))]
        return draw_traces(self.traces, names, **{"groups": groups, **options})

    def _one(self, place: int) -> Visualized:
        return Visualized(
            self.captions[place],
            self.objectives[place],
            self.seeds[place],
            self.settings[place],
            self.images[place],
            self.raw[place],
            self.codes[place],
            float(self.activations[place]),
            self.traces[place],
        )

    @checked
    def grid(self, columns: int | None = None, scale: int | None = None) -> np.ndarray:
        """The pictures with units, seeds and activations, (H, W, 3) uint8 RGB; the first 400 of them.

        columns: pictures in a row; None for about as many rows as columns, and of several settings for a table, units
            and seeds down and settings across.
        scale: how many times as large they are shown; None enlarges small ones to about 128 pixels.
        """
        if not len(self):
            raise DgnamError("there are no pictures to show")
        shown = min(len(self), MOST_SHOWN if self._sweep is None else self._sweep.most_shown)
        numbers = [f"{self._measured} {number:.4g}" for number in self.activations[:shown]]
        said = zip(self.images[:shown], self.captions[:shown], self.seeds[:shown], numbers, strict=True)
        sweep = self._sweep if columns is None else None
        return draw_sheet(
            [Entry(*one) for one in said],
            sweep,
            columns=_columns(shown, self.frames) if columns is None else columns,
            title=self.title,
            note="" if shown == len(self) else f"The first {shown} of {len(self)}.",
            scale=enlargement(self.images.shape[2] // self.frames) if scale is None else scale,
        )

    @checked
    def save(self, path: str | PathLike[str]) -> Path:
        """Write the grid to a file named *.png, or everything into a new folder; returns the path.

        The folder gets each picture, of clips also a GIF, `grid.png`, and `arrays.h5` with the datasets raw, codes,
        activations, traces, captions and seeds, and the attribute title.  A folder that holds something is an error; a
        file is replaced.
        """
        target = Path(path)
        if target.suffix.lower() == ".png":
            write_bytes(target, png(self.grid()))
            return target
        if target.suffix[1:2].isalpha() and not target.is_dir():  # but a number, as in lr-0.5, is a folder's
            raise DgnamError(f"{target}: give a name that ends in .png for the grid, or a folder's for everything")
        if target.is_file():
            raise DgnamError(f"{target} is a file; give a new folder")
        folder = create_folder(target)
        names = self._stems if self._stems else [f"{k:04d}" for k in range(len(self))]
        for name, image in zip(names, self.images, strict=True):
            write_bytes(folder / f"{name}.png", png(image))
        for name, clip in zip(names, self.clips, strict=True) if self.frames > 1 else ():
            save_animation(folder / f"{name}.gif", clip, scale=movie_scale(clip.shape[2]), hold=0)
        write_bytes(folder / "grid.png", png(self.grid()))
        arrays = {name: getattr(self, name) for name in ("raw", "codes", "activations", "traces")}
        arrays["captions"] = np.array([utf8(caption) for caption in self.captions], h5py.string_dtype())
        arrays["seeds"] = np.array(list(self.seeds), np.int64)
        write_bytes(folder / "arrays.h5", to_bytes(arrays, {"title": self.title}))
        return target


def movie_scale(width: int) -> int:
    """How many times as large a movie shows pictures of this width."""
    return min(max(1, MOVIE_SIZE // width), MOST_SCALE)


def enlargement(width: int) -> int:
    """How many times as large a picture of this width is shown."""
    return max(1, SHOWN_SIZE // width)


def split_frames(pictures: np.ndarray, frames: int) -> np.ndarray:
    """Film strips (N, H, frames * W, 3) as clips (N, frames, H, W, 3)."""
    count, height, width, channels = pictures.shape
    return pictures.reshape(count, height, frames, width // frames, channels).transpose(0, 2, 1, 3, 4)


def _columns(count: int, frames: int) -> int:
    """About one and a half times as many columns as rows; film strips are below each other."""
    if frames > 1:
        return 1
    return min(count, max(4, math.ceil(math.sqrt(1.5 * count))))
