"""A search from its request to its results, in a folder that a stopped one goes on from."""

from __future__ import annotations

from pathlib import Path

from ...am import search
from ...am.tuning.trials import JOURNAL, read_trials
from ...am.tuning.tune import report
from ...runs.folder import RunFolder
from ...runs.interrupt import Interrupted
from .request import REQUEST, Request
from .results import SHEET, result_lines, write_results
from .stage import Stage


def run(
    request: Request, device: str, *, output: Path, resume: Path | None, show: int = 4, progress: bool = True
) -> list[str]:
    """Search, and write the results; returns the lines to print.

    output, resume: the folder in which a folder is made, or the folder of the run to go on with.
    show: how many of the best and of the worst trials the sheet has.
    Raises DgnamError before a folder is made where the request can't be met, and Interrupted after Ctrl-C.
    """
    stage = Stage(request, device)
    folder = RunFolder.create(output, f"search-{request.target}") if resume is None else RunFolder(resume)
    folder.write_json(REQUEST, stage.record())
    try:
        lines = _search(stage, folder, show, progress)
    except KeyboardInterrupt:
        done = len(read_trials(folder.path)) if (folder.path / JOURNAL).is_file() else 0
        raise Interrupted(
            f"stopped after {done} of {request.trials} trials; go on: dgnam search --resume {folder.path}"
        ) from None
    return [*lines, f"==> figure: {folder.path / SHEET}", f"==> made: {folder.path}/"]


def _search(stage: Stage, folder: RunFolder, show: int, progress: bool) -> list[str]:
    request = stage.request
    trials = search(
        stage.evaluate,
        stage.tuning,
        storage=folder.path,
        space=stage.space,
        trials=request.trials,
        seed=request.seed,
        sampler=request.sampler,
        record=stage.identity(),
        progress=progress,
    )
    rows = report(stage.evaluate, trials, stage.tuning, stage.held_out)
    write_results(folder, stage, trials, rows, show)
    return result_lines(stage, trials, rows)
