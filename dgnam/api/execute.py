"""Doing what a plan says, in memory or into a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..am import Frames, Result, Step, synthesize
from ..am.images import picture, published_picture
from ..errors import DgnamError
from ..figures import activation_caption, save_animation
from ..figures.animation import check_animation
from ..runs.interrupt import Interrupted, noted
from .folder import CHUNKS, IMAGES, MOVIES, Folder
from .plan import Plan


@dataclass(frozen=True)
class Extras:
    """What a run leaves beside images, codes and traces.

    movies: the kinds, "gif" and "mp4"; none of either makes none.
    every: of how many steps a movie shows one.
    fps: its frames a second.
    published: pictures as the published code saved them, JPEGs that are stretched each to its own range.
    """

    movies: tuple[str, ...] = ()
    every: int = 5
    fps: float = 10.0
    published: bool = False

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings of the movies' files."""
        return tuple(dict.fromkeys(f".{kind.lower().removeprefix('.')}" for kind in self.movies))

    def check(self) -> None:
        """Raise DgnamError for what can't be made, before there is a folder."""
        for kind in self.suffixes:
            check_animation(kind, self.fps)
        if self.every < 1:
            raise DgnamError(f"every {self.every}: give 1 for each step in a movie, 2 for every second one, …")


def run_in_memory(plan: Plan, *, progress: bool = True) -> Iterator[Result]:
    """The results of the plan's batches, as they are done."""
    yield from _synthesize(plan, 0, progress, None)


def run_into(folder: Folder, plan: Plan, extras: Extras, *, progress: bool = True) -> None:
    """Do what is left of the plan, and save each batch when it is done.

    Raises Interrupted after Ctrl-C; what is done has been saved.
    """
    writer = _Writer(folder, plan, extras, progress)
    with folder.alone(), noted() as stopped:
        done = folder.finished()
        writer.recall(done)

        def watch(step: Step) -> None:
            if stopped():
                raise Interrupted(f"stopped; {writer.jobs_done} of {len(plan.jobs)} images are done")
            writer.frames(step)

        for batch, result in enumerate(_synthesize(plan, done, progress, watch), done):
            writer.save(batch, result)
            if stopped() and batch + 1 < len(plan.partition):
                raise Interrupted(f"stopped; {writer.jobs_done} of {len(plan.jobs)} images are done")


def _synthesize(plan: Plan, first: int, progress: bool, watch: Any) -> Iterator[Result]:
    return synthesize(
        plan.target.target,
        plan.prior.prior,
        plan.jobs,
        clip=plan.clip,
        partition=plan.partition,
        first_batch=first,
        start_codes=plan.start,
        device=plan.device,
        progress=progress,
        on_step=watch,
    )


class _Writer:
    """The files of a run's batches."""

    def __init__(self, folder: Folder, plan: Plan, extras: Extras, progress: bool):
        self.folder, self.plan, self.extras, self.progress = folder, plan, extras, progress
        self.stems = plan.file_stems()
        self.jobs_done = 0
        self._frames: Frames | None = None

    def frames(self, step: Step) -> None:
        """Keep a step's pictures where there will be a movie."""
        if not self.extras.movies:
            return
        if step.step == 0:
            self._frames = Frames(step.indices, self.extras.every)
        if self._frames is not None:
            self._frames(step)

    def save(self, batch: int, result: Result) -> None:
        """Write a batch: its pictures and movies, and last of all its chunk, which says that they are there."""
        hidden = not (self.progress and self.extras.movies)  # pictures alone take a moment, movies a second each
        pairs = zip(result.indices, result.images, strict=True)
        for job, image in tqdm(pairs, "saving movies", len(result.indices), disable=hidden, leave=False):
            self._picture(job, image)
            for kind in self.extras.suffixes:
                self._movie(job, kind)
        self._frames = None
        self.folder.add(batch, result)
        self.note(batch, result)

    def note(self, batch: int, result: Result) -> None:
        """Enter a batch's jobs in the manifest."""
        self._enter(self._lines(batch, result))

    def recall(self, batches: int) -> None:
        """Enter the jobs of the first batches, which are done already, at once: the manifest never grows shorter."""
        lines = [line for batch in range(batches) for line in self._lines(batch, self.folder.read(batch))]
        if lines:
            self._enter(lines)

    def _enter(self, lines: list[Mapping[str, Any]]) -> None:
        self.jobs_done += len(lines)
        self.folder.note(lines)

    def _lines(self, batch: int, result: Result) -> list[Mapping[str, Any]]:
        return [self._line(batch, row, job, result) for row, job in enumerate(result.indices)]

    def _picture(self, job: int, image: np.ndarray) -> None:
        if self.extras.published:
            self.folder.files.write_jpeg(self._image(job), published_picture(image))
        else:
            self.folder.files.write_png(self._image(job), picture(image))

    def _movie(self, job: int, kind: str) -> None:
        if self._frames is None:
            return
        film = self._frames.film(job)
        path = self.folder.path / MOVIES / f"{self.stems[job]}{kind}"
        path.parent.mkdir(exist_ok=True)
        captions = [activation_caption(step, value) for step, value in zip(film.steps, film.activations, strict=True)]
        scale = max(1, 192 // film.pictures.shape[2])
        save_animation(path, film.pictures, captions=captions, fps=self.extras.fps, scale=scale)

    def _line(self, batch: int, row: int, job: int, result: Result) -> dict[str, Any]:
        asked, steps = self.plan.jobs[job], int(result.steps[row])
        return {
            "job": job,
            "objective": str(asked.objective),
            "caption": self.plan.caption(job),
            "seed": asked.seed,
            **asked.settings.as_dict(),
            "steps": steps,
            "first_activation": _number(result.activations[row, 0]),
            "activation": _number(result.activations[row, steps - 1]),
            "image": self._image(job),
            "chunk": str(Path(CHUNKS) / f"{batch:05d}.h5"),
            "row": row,
        }

    def _image(self, job: int) -> str:
        return f"{IMAGES}/{self.stems[job]}{'.jpg' if self.extras.published else '.png'}"


def _number(value: np.floating[Any]) -> float | None:
    """A float32 as the shortest number that means it; None, JSON's null, for one that is not finite."""
    return float(str(np.float32(value))) if np.isfinite(value) else None
