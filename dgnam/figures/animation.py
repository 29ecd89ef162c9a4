"""Movies: pictures one after the other, each with a caption, as GIF or MP4.

    film = frames.film(job)  # of `dgnam.am.Frames`, which watched the steps
    captions = map(activation_caption, film.steps, film.activations)
    save_animation("robin.mp4", film.pictures, captions=captions, scale=2)

Frames may come from a generator: however many there are, one or two at a time are held.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import DgnamError, closest
from ..files.paths import replacing
from . import gif, mp4
from .caption import captioned, load_font, wrap

FORMATS = (".gif", ".mp4")

MOST_SCALE = 64
"""How many times as large frames may be shown."""

LONGEST_HOLD = 600.0
"""Seconds; a GIF can't hold a frame much longer."""


def save_animation(
    path: str | PathLike[str],
    frames: Iterable[np.ndarray],
    *,
    captions: Iterable[str] | None = None,
    fps: float = 10.0,
    scale: int = 1,
    hold: float = 1.0,
    loop: bool = True,
    text_size: int = 12,
) -> Path:
    """Write frames as a movie, GIF or MP4 by the name's ending; returns the file's path.

    The same call gives the same bytes.

    frames: (h, w, 3) uint8 RGB each, all of one size; an array (T, h, w, 3), or any iterable.
    captions: a text under each frame, as many as frames; all are read first, for the room that they take.
    fps: frames each second; a GIF counts in hundredths of a second, at most 50 a second.
    scale: how many times as large the frames are shown.
    hold: how many seconds the last frame stays; an MP4 repeats it.
    loop: a GIF begins again for ever; MP4 leaves that to the player.

    An MP4 needs the package imageio-ffmpeg; without it there is MissingPackageError.
    """
    target, suffix = Path(path), Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise DgnamError(f"{target}: give a name that ends in one of {closest(suffix, FORMATS)}")
    check_animation(suffix, fps)
    _check(scale, hold, text_size)
    dressed = _dressed(_checked(frames), captions, scale, text_size)
    with replacing(target) as partial:
        if suffix == ".gif":
            with open(partial, "wb") as file:
                gif.write_gif(file, _with_delays(_small_enough(dressed), 1 / fps, max(hold, 1 / fps)), loop=loop)
        else:
            mp4.write_mp4(partial, _with_last_repeated(dressed, max(0, round(hold * fps) - 1)), fps=fps)
    return target


def check_animation(suffix: str, fps: float) -> None:
    """Raise DgnamError unless movies of this kind can be written here, at so many frames a second."""
    if suffix not in FORMATS:
        raise DgnamError(f"movie '{suffix}': give one of {closest(suffix, FORMATS)}")
    most = gif.MOST_FPS if suffix == ".gif" else mp4.MOST_FPS
    if not 0.01 <= fps <= most:
        raise DgnamError(f"fps {fps:g}: give 0.01 to {most:g} frames a second")
    if suffix == ".mp4":
        mp4.ffmpeg_program()


def _check(scale: int, hold: float, text_size: int) -> None:
    if not 1 <= scale <= MOST_SCALE or scale != int(scale):
        raise DgnamError(f"scale {scale}: give a whole number, 1 to {MOST_SCALE}")
    if not (math.isfinite(hold) and 0 <= hold <= LONGEST_HOLD):
        raise DgnamError(f"hold {hold:g}: give 0 to {LONGEST_HOLD:g} seconds")
    if not 4 <= text_size <= 200:
        raise DgnamError(f"text_size {text_size}: give 4 to 200 pixels")


def _checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames, each found to be a picture of the first one's size; none at all is an error."""
    shape: tuple[int, ...] | None = None
    for number, frame in enumerate(frames):
        picture = np.asarray(frame)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
            raise DgnamError(
                f"frame {number} is {picture.dtype} of shape {picture.shape}; frames are (h, w, 3) uint8, RGB"
            )
        if shape is not None and picture.shape != shape:
            raise DgnamError(f"frame {number} has shape {picture.shape}, and those before it {shape}")
        shape = picture.shape
        yield np.ascontiguousarray(picture)
    if shape is None:
        raise DgnamError("a movie needs at least one frame, and got none")


def _dressed(
    frames: Iterator[np.ndarray], captions: Iterable[str] | None, scale: int, text_size: int
) -> Iterator[np.ndarray]:
    """The frames enlarged, and over their captions where there are any."""
    if captions is None:
        yield from (_enlarged(frame, scale) for frame in frames)
        return
    font, texts, lines = load_font(text_size), list(captions), []
    for number, (frame, text) in enumerate(itertools.zip_longest(frames, texts)):
        if frame is None or text is None:
            raise DgnamError(f"there are {'fewer' if frame is None else 'more'} frames than captions, {len(texts)}")
        picture = _enlarged(frame, scale)
        if number == 0:
            lines = [wrap(text, picture.shape[1], font) for text in texts]
        yield captioned(picture, lines[number], text_size, max(map(len, lines)))


def _enlarged(frame: np.ndarray, scale: int) -> np.ndarray:
    if scale == 1:
        return frame
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))


def _small_enough(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    for frame in frames:
        if max(frame.shape[:2]) > gif.LARGEST:
            raise DgnamError(f"a GIF is at most {gif.LARGEST} pixels wide and high, and a frame is {frame.shape[:2]}")
        yield frame


def _with_delays(frames: Iterator[np.ndarray], usual: float, last: float) -> Iterator[tuple[np.ndarray, float]]:
    """Each frame with its seconds."""
    before = next(frames)
    for frame in frames:
        yield before, usual
        before = frame
    yield before, last


def _with_last_repeated(frames: Iterator[np.ndarray], times: int) -> Iterator[np.ndarray]:
    frame = next(frames)
    yield frame
    for frame in frames:
        yield frame
    for _ in range(times):
        yield frame
