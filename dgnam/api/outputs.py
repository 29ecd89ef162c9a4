"""What a run leaves beside its chunks: a picture of each job, and a movie where one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

    def write(self, run: Run, plan: Plan, job: int, image: np.ndarray, film: Film | None) -> None:
        """Write a job's picture, and its movies from the steps kept."""
        run.write_bytes(self.image(plan, job), self.content(image))
        if plan.frames > 1:
            self._write_clip(run.path / CLIPS / plan.place(job), picture(image), plan.frames)
        for kind in self.suffixes if film is not None else ():
            self._write_movie(run.path / MOVIES / f"{plan.place(job)}{kind}", film)  # type: ignore[arg-type]

    def _write_movie(self, path: Path, film: Film) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        captions = [activation_caption(step, value) for step, value in zip(film.steps, film.activations, strict=True)]
        scale = movie_scale(film.pictures.shape[2])
        save_animation(path, film.pictures, captions=captions, fps=self.fps, scale=scale)

    def _write_clip(self, stem: Path, strip: np.ndarray, frames: int) -> None:
        """Write a clip as GIF, and as MP4 where that can be written here."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        (clip,) = split_frames(strip[None], frames)
        for suffix in clip_suffixes():
            path = stem.with_name(f"{stem.name}{suffix}")
            save_animation(path, clip, fps=self.fps, scale=movie_scale(clip.shape[2]), hold=0)


def clip_suffixes() -> tuple[str, ...]:
    """The kinds of files that clips are written as: .gif, and .mp4 where there is ffmpeg."""
    try:
        check_animation(".mp4", 10.0)
    except DgnamError:
        return (".gif",)
    return ".gif", ".mp4"
