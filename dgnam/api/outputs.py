"""What a run leaves beside its chunks: a picture of each job, and a movie where one is asked for."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..am import Film
from ..am.images import picture, published_picture
from ..errors import DgnamError
from ..figures import activation_caption, save_animation
from ..figures.animation import check_animation
from ..files.encode import jpeg, png
from ..runs import Run
from .plan import Plan
from .result import movie_scale, split_frames

IMAGES, MOVIES, CLIPS = "images", "movies", "clips"


@dataclass(frozen=True)
class Outputs:
    """The pictures and movies of a run.

    movies: the kinds, "gif" and "mp4"; none of either makes none.
    every: of how many steps a movie shows one.
    fps: its frames a second.
    published_images: pictures as the published code saved them, JPEGs stretched each to its own range.
    """

    movies: tuple[str, ...] = ()
    every: int = 5
    fps: float = 10.0
    published_images: bool = False

    def __post_init__(self) -> None:
        for kind in self.suffixes:
            check_animation(kind, self.fps)
        if self.every < 1:
            raise DgnamError(f"every {self.every}: give 1 for each step in a movie, 2 for every second one, …")

    def check_clips(self) -> None:
        """Raise DgnamError unless clips, which are movies whether any are asked for or not, can be written."""
        for suffix in clip_suffixes():
            check_animation(suffix, self.fps)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings of the movies' files."""
        return tuple(dict.fromkeys(f".{kind.lower().removeprefix('.')}" for kind in self.movies))

    def image(self, plan: Plan, job: int) -> str:
        """The file of a job's picture, within the run's folder."""
        return f"{IMAGES}/{plan.place(job)}{'.jpg' if self.published_images else '.png'}"

    def content(self, image: np.ndarray) -> bytes:
        """The bytes of an image's picture."""
        return jpeg(published_picture(image)) if self.published_images else png(picture(image))

    def files(self, plan: Plan, job: int, image: np.ndarray, film: Film | None) -> dict[str, bytes]:
        """A job's picture, its clips, and its movies from the steps kept, by their names within the run's folder."""
        found = {self.image(plan, job): self.content(image)}
        if plan.frames > 1:
            (clip,) = split_frames(picture(image)[None], plan.frames)
            for suffix in clip_suffixes():
                found[f"{CLIPS}/{plan.place(job)}{suffix}"] = self._movie(suffix, clip, hold=0)
        for suffix in self.suffixes if film is not None else ():
            assert film is not None
            captions = [
                activation_caption(step, value) for step, value in zip(film.steps, film.activations, strict=True)
            ]
            found[f"{MOVIES}/{plan.place(job)}{suffix}"] = self._movie(suffix, film.pictures, captions=captions)
        return found

    def write(self, run: Run, plan: Plan, job: int, image: np.ndarray, film: Film | None) -> None:
        """Write a job's files."""
        for name, content in self.files(plan, job, image, film).items():
            run.write_bytes(name, content)

    def _movie(self, suffix: str, frames: np.ndarray, **how: Any) -> bytes:
        """The bytes of a movie; its writers want a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"movie{suffix}")
            save_animation(path, frames, fps=self.fps, scale=movie_scale(frames.shape[2]), **how)
            return path.read_bytes()


def clip_suffixes() -> tuple[str, ...]:
    """The kinds of files that clips are written as: .gif, and .mp4 where there is ffmpeg."""
    try:
        check_animation(".mp4", 10.0)
    except DgnamError:
        return (".gif",)
    return ".gif", ".mp4"
