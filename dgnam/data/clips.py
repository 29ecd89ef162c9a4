"""Clips made of stills: a window moves over the picture, as a camera pans.

    clips = Clips(open_dataset("sports64-train"), ClipOptions(window=56, label="motion"))
    frames, labels = clips.take(np.arange(12))     # (16 * 12, 56, 56, 3), (12,)

The label decides what a network can learn from time: each frame shows the class of the still, and no single frame shows
the direction of motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..errors import DgnamError, closest
from .dataset import Indexed

Label = Literal["class", "motion"]
DIRECTIONS = ("right", "left")
"""Which way the window moves; the classes of the label "motion"."""

_BOUNDS = {"window": (1, 4096), "frames": (2, 1024), "paths": (1, 10_000), "overhang": (0, 4096)}


@dataclass(frozen=True)
class ClipOptions:
    """How clips are made of stills.

    window: the side of a frame.
    overhang: how far the window may reach out over the still's sides, in pixels.
    fill: what it sees there, R, G, B.
    label: "class", the still's; or "motion", a place in `DIRECTIONS`.
    frames: how many a clip has.
    paths: how many paths each still is panned along; each is taken in both directions, so that a set of frames without
        its order says nothing of the motion.
    """

    window: int
    label: Label
    frames: int = 16
    paths: int = 1
    overhang: int = 16
    fill: tuple[int, int, int] = (123, 117, 104)

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise DgnamError(f"{name} {getattr(self, name)} of clips: give {least} to {most}")
        if self.label not in get_args(Label):
            raise DgnamError(f"label '{self.label}' of clips: give {closest(self.label, get_args(Label))}")


@dataclass(frozen=True)
class Clips:
    """Of each still its clips, one after the other: along each path to the right, and the same to the left.

    `take` returns more pictures than labels: `frames` for each label.
    """

    stills: Indexed
    options: ClipOptions

    def __post_init__(self) -> None:
        height, width = self.stills.size
        window, overhang = self.options.window, self.options.overhang
        if height < window or width + 2 * overhang <= window:
            raise DgnamError(
                f"{self.name}: a window of {window} has no room to move in pictures of {height}x{width} with an "
                f"overhang of {overhang}; bring them to a larger size with resize"
            )

    @property
    def name(self) -> str:
        return self.stills.name

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.options.window, self.options.window

    def __len__(self) -> int:
        return len(self.stills) * self.options.paths * len(DIRECTIONS)

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The frames (frames * n, H, W, 3) uint8 RGB, all first ones before all second ones, and labels (n,) int64."""
        chosen = np.arange(len(self))[places]
        of_still, direction = np.divmod(chosen, len(DIRECTIONS))
        still, path = np.divmod(of_still, self.options.paths)
        stills, classes = self.stills.take(still)
        pictures = self._wider(stills)
        frames = np.empty((self.options.frames, len(chosen), *self.size, 3), np.uint8)
        for clip, where in enumerate(zip(still, path, direction, strict=True)):
            top, lefts = self._pan(*where)
            for frame, left in enumerate(lefts):
                window = self.options.window
                frames[frame, clip] = pictures[clip, top : top + window, left : left + window]
        labels = classes if self.options.label == "class" else direction.astype(np.int64)
        return frames.reshape(-1, *self.size, 3), labels

    def _wider(self, stills: np.ndarray) -> np.ndarray:
        """The stills with the overhang at their sides."""
        count, height, width, channels = stills.shape
        overhang = self.options.overhang
        pictures = np.empty((count, height, width + 2 * overhang, channels), np.uint8)
        pictures[:] = self.options.fill
        pictures[:, :, overhang : overhang + width] = stills
        return pictures

    def _pan(self, still: int, path: int, direction: int) -> tuple[int, np.ndarray]:
        """The window's top, and its left in each frame: over half of the room at least, at an even pace."""
        height, width = self.stills.size
        room = width + 2 * self.options.overhang - self.options.window
        draw = np.random.default_rng((still, path))
        way = draw.integers((room + 1) // 2, room + 1)
        start = draw.integers(0, room - way + 1)
        top = draw.integers(0, height - self.options.window + 1)
        lefts = np.rint(np.linspace(start, start + way, self.options.frames)).astype(np.intp)
        return int(top), lefts if direction == 0 else lefts[::-1]


@dataclass(frozen=True)
class FramesShuffled:
    """The same clips, each with its frames in a random order, always the same one."""

    clips: Clips

    @property
    def name(self) -> str:
        return self.clips.name

    @property
    def size(self) -> tuple[int, int]:
        return self.clips.size

    def __len__(self) -> int:
        return len(self.clips)

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        frames, labels = self.clips.take(places)
        chosen, count = np.arange(len(self))[places], self.clips.options.frames
        drawn = [np.random.default_rng(place).permutation(count) for place in chosen]
        orders = np.array(drawn, np.intp).reshape(-1, count).T
        clips = frames.reshape(count, len(chosen), *frames.shape[1:])
        return clips[orders, np.arange(len(chosen))].reshape(frames.shape), labels
