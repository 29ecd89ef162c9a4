"""The loop around a search whose score is a callable."""

from __future__ import annotations

from ...errors import DgnamError
from ...runs import Interrupted, defer_interrupt, progress_bar
from ..score import PictureScore
from .score import CONTRACT
from .search import Search


def drive(search: Search, score: PictureScore, generations: int, *, progress: bool = True) -> Search:
    """Ask, score and tell until the search has had `generations` in all, those of earlier runs included.

    Raises Interrupted after Ctrl-C or SIGTERM, once the generation in hand is told, the last one included: what the
    caller would do next does not begin.  A second one, or one within the score, gives that generation up.
    """
    if not callable(score):
        raise DgnamError(f"{score!r} is not a score: {CONTRACT}")
    check_generations(generations)
    try:
        return _drive(search, score, generations, progress)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(_stopped(search, generations)) from None


def check_generations(generations: int) -> None:
    """Raise DgnamError for less than one."""
    if generations < 1:
        raise DgnamError(f"generations {generations}: give 1 or more")


def _drive(search: Search, score: PictureScore, generations: int, progress: bool) -> Search:
    bar = progress_bar(total=generations, initial=search.generation, unit="generation", desc="evolving", show=progress)
    with bar, defer_interrupt() as stop:
        while search.generation < generations and not stop:
            _, images = search.ask()
            search.tell(score(images))
            if search.best is not None:
                bar.set_postfix(best=f"{search.best.score:.4g}", refresh=False)
            bar.update()
    if stop:
        raise stop.interrupted(_stopped(search, generations))
    return search


def _stopped(search: Search, generations: int) -> str:
    return f"stopped after {search.generation} of {generations} generations"
