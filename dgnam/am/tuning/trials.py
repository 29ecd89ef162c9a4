"""A search's trials on disk: an Optuna study, and what each trial made.

    search.log       Optuna's journal: what was drawn, scores, and what the search is
    trials/00007.png the pictures of a trial's objectives, side by side

A journal is written line by line: a process that is killed loses the line that it was writing, and with it the trial
that it was at.  The next one marks that trial as failed and takes it again: what is drawn for it follows from the
search's seed and the number of finished trials before it, however often the search was interrupted.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState
from PIL import Image

from ...errors import DgnamError, FormatError, closest
from ..images import save_png
from ..settings import Settings
from .space import SearchSpace

if sys.platform != "win32":
    import fcntl

JOURNAL, TRIALS = "search.log", "trials"
FORMAT = 1
LARGEST_PICTURE = 112
"""Pixels: larger pictures are kept in this size, enough for a contact sheet."""

SAMPLERS = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
"""random: as the paper searched; tpe: Tree-structured Parzen Estimators, which learn from the trials before."""

_STUDY = "search"
_MOST_PIXELS = 80_000_000


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    number: from 0.
    score: the mean of `scores`, one for each objective, or one in all where the score gave one.
    activation: the mean of the objectives' last activations.
    path: the file of its pictures.
    """

    number: int
    settings: Settings
    score: float
    scores: tuple[float, ...]
    activation: float
    path: Path

    def pictures(self) -> np.ndarray:
        """(n, h, w, 3) uint8 RGB: a picture for each objective, at most 112 pixels wide and high."""
        try:
            with Image.open(self.path) as image:
                if image.width * image.height > _MOST_PIXELS or image.format != "PNG":
                    raise FormatError(f"{self.path}: no pictures of a trial")
                count = int(image.info.get("objectives", "0"))
                strip = np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise FormatError(f"{self.path}: the pictures of trial {self.number} can't be read ({error})") from None
        if count < 1 or strip.shape[1] % count:
            raise FormatError(f"{self.path}: doesn't say how many pictures it holds, or not rightly")
        return np.stack(np.split(strip, count, axis=1))


class TrialStore:
    """The folder of a search, while one process works in it; made by `open_store`."""

    def __init__(self, folder: Path, study: optuna.Study, space: SearchSpace, seed: int, sampler: str):
        self.folder, self.space, self.seed, self.sampler = folder, space, seed, sampler
        self._study = study
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)

    def finished(self) -> list[Trial]:
        """The trials that have a score, by number."""
        return _finished(self.folder, self._study, self.space)

    def ask(self, number: int) -> tuple[optuna.Trial, Settings]:
        """Begin trial `number`, after as many finished ones; what is drawn follows from them, the seed and `number`."""
        drawn_from = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        self._study.sampler = SAMPLERS[self.sampler](seed=drawn_from)
        trial = self._study.ask(fixed_distributions=_distributions(self.space))
        return trial, self.space.settings(trial.params)

    def tell(
        self, trial: optuna.Trial, number: int, scores: np.ndarray, activation: float, pictures: np.ndarray
    ) -> None:
        """Keep what trial `number` came to; it is finished with the last line, its score's."""
        _save_pictures(_picture_path(self.folder, number), pictures)
        trial.set_user_attr("scores", [float(score) for score in scores])
        trial.set_user_attr("activation", activation)
        self._study.tell(trial, float(scores.mean()))

    def fail(self, trial: optuna.Trial) -> None:
        """Give a trial up; the next one to begin is it again."""
        self._study.tell(trial, state=TrialState.FAIL)


@contextlib.contextmanager
def open_store(
    folder: Path, space: SearchSpace, seed: int, sampler: str, record: Mapping[str, Any]
) -> Iterator[TrialStore]:
    """The store of a search, new or begun earlier; one begun for something else, or at work, is an error.

    record: what else decides the trials, as JSON has it.
    """
    if sampler not in SAMPLERS:
        raise DgnamError(f"sampler '{sampler}': give one of {closest(sampler, SAMPLERS)}")
    try:
        (folder / TRIALS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DgnamError(f"the folder {folder} can't be made: {error.strerror}") from None
    wanted = _plain({**record, "format": FORMAT, "space": space.as_dict(), "seed": seed, "sampler": sampler})
    with _alone(folder / JOURNAL), _quiet():
        _cut_torn_line(folder / JOURNAL)
        with _reading(folder):
            study = optuna.create_study(
                storage=_storage(folder), study_name=_STUDY, direction="maximize", load_if_exists=True
            )
            _check_same(folder, study, wanted)
            store = TrialStore(folder, study, space, seed, sampler)
        yield store


def read_trials(folder: str | Path) -> list[Trial]:
    """The finished trials of a search's folder, by number, from the folder alone."""
    place = Path(folder)
    if not (place / JOURNAL).is_file():
        raise DgnamError(f"{place} holds no search: there is no {JOURNAL} in it")
    with _quiet(), _reading(place):
        study = optuna.load_study(storage=_storage(place), study_name=_STUDY)
        return _finished(place, study, SearchSpace(**study.user_attrs["what"]["space"]))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they come back from JSON, so that they compare equal."""
    try:
        return dict(json.loads(json.dumps(values)))
    except (TypeError, ValueError) as error:
        raise DgnamError(f"what a search is called is written as JSON: {error}") from None


class _NoLock(JournalFileOpenLock):
    """Optuna's own lock outlives a killed process by 30 seconds; the folder is ours alone already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


def _storage(folder: Path) -> JournalStorage:
    path = str(folder / JOURNAL)
    return JournalStorage(JournalFileBackend(path, lock_obj=_NoLock(path)))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the journal, until the process ends at the latest; another that holds it is an error."""
    try:
        file = open(path, "ab")  # noqa: SIM115, closed below
    except OSError as error:
        raise DgnamError(f"{path}: can't be written ({error.strerror})") from None
    with file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DgnamError(f"{path}: another process is at work on this search") from None
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of each study that it makes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """A journal that Optuna can't make sense of is an error that names it."""
    try:
        yield
    except (DgnamError, OSError):
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise FormatError(f"{folder / JOURNAL}: not the journal of a search ({why})") from error


def _cut_torn_line(path: Path) -> None:
    """Drop the end of a line that a killed process left unfinished: what is appended to it would be lost too."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with open(path, "r+b") as file:
            file.truncate(whole)


def _check_same(folder: Path, study: optuna.Study, wanted: Mapping[str, Any]) -> None:
    """Write what a new search is, or compare it with what it was."""
    known = study.user_attrs.get("what")
    if known is None:
        study.set_user_attr("what", dict(wanted))
        return
    for key in sorted({*wanted, *known}):
        if known.get(key) != wanted.get(key):
            raise DgnamError(
                f"{folder} holds a search with {key} {known.get(key)}, not {wanted.get(key)}: give another folder, or "
                "the same search"
            )


def _distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    found: dict[str, BaseDistribution] = {}
    for name, (low, high, log) in space.ranges.items():
        if name == "n_iters":
            found[name] = IntDistribution(int(low), int(high), log=log)
        else:
            found[name] = FloatDistribution(low, high, log=log)
    return found


def _finished(folder: Path, study: optuna.Study, space: SearchSpace) -> list[Trial]:
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ordered = sorted(done, key=lambda trial: trial.number)
    return [_trial(folder, number, trial, space) for number, trial in enumerate(ordered)]


def _trial(folder: Path, number: int, trial: FrozenTrial, space: SearchSpace) -> Trial:
    assert trial.value is not None
    scores, activation = tuple(trial.user_attrs["scores"]), trial.user_attrs["activation"]
    settings = space.settings(trial.params)
    return Trial(number, settings, trial.value, scores, activation, _picture_path(folder, number))


def _picture_path(folder: Path, number: int) -> Path:
    return folder / TRIALS / f"{number:05d}.png"


def _save_pictures(path: Path, pictures: np.ndarray) -> None:
    """Pictures (n, h, w, 3) side by side; their number goes with them."""
    small = []
    for picture in pictures:
        image = Image.fromarray(picture)
        image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
        small.append(np.asarray(image))
    save_png(path, np.concatenate(small, axis=1), {"objectives": str(len(small))})
