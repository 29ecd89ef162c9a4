"""`dgnam search`: try settings at random, score the images by a judge, and report the best on other units.

A run's folder: run.json (what was asked for), search.log and trials/ (what a search goes on from; see
`dgnam.am.trial_store`), and at the end search.json, trials.csv and contact_sheet.png.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from . import runs, zoo
from .am import CaffeTarget, Evaluator, GeneratorPrior, SearchSpace, Unit, act_range_bounds, search
from .am.hyperparameters import MOST_TRIALS, Row, best_trial, check_apart, describe, report
from .am.search_space import NAMES, Range
from .am.trial_store import JOURNAL, SAMPLERS, Trial, read_trials
from .caffe.errors import CaffeError, CaffeFormatError, closest
from .caffe.mode import usable_device
from .caffe.proto.files import existing_file, replacing
from .figures import Candidate, contact_sheet
from .measure import Judge
from .measure.class_score import SCORES

INTERRUPTED = 130
"""The exit status after Ctrl-C."""

REQUEST, RESULT, TABLE, SHEET = "run.json", "search.json", "trials.csv", "contact_sheet.png"
FORMAT = 1
_LONGEST = 1 << 20
_MOST_UNITS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be searched for, and how; what a resume reads.

    target, prior, judge: models of the zoo.
    score: how the judge scores, of SCORES.
    units, report: what the settings are tuned on and reported on, as text.
    """

    target: str
    prior: str
    judge: str
    score: str
    units: str
    report: str
    trials: int
    seed: int
    sampler: str
    clip: bool
    space: dict[str, Any]


def search_command(
    target: Annotated[str | None, typer.Argument(help="A classifier of `dgnam models list`.")] = None,
    units: Annotated[
        str | None,
        typer.Argument(help="The units that settings are tuned on, as 3,17,40-49 or fc8:3,17,40-49."),
    ] = None,
    report_on: Annotated[
        str | None, typer.Option("--report", help="Other units, on which the best settings are reported.")
    ] = None,
    judge: Annotated[str, typer.Option(help="The classifier that scores the images.")] = "judge-mini",
    score: Annotated[
        str, typer.Option(help="probability: the judge's of the unit's class; rank: 1 / the rank that it gives it.")
    ] = "probability",
    prior: Annotated[str, typer.Option(help="The generator that makes the images.")] = "deepsim-fc6-mini",
    trials: Annotated[
        int | None, typer.Option(min=1, max=MOST_TRIALS, help="How many settings to try in all; 50 if left out.")
    ] = None,
    sampler: Annotated[
        str, typer.Option(help="random, as in the paper; or tpe, which learns from the trials before.")
    ] = "random",
    n_iters: Annotated[str | None, typer.Option(help="The numbers of steps to try, as 50,400.")] = None,
    start_lr: Annotated[
        str | None, typer.Option(help="The first step's sizes, as 1,32,log: evenly by logarithm; 1,32: evenly.")
    ] = None,
    shrink: Annotated[str | None, typer.Option(help="The released code's L2, as 0.9,1.")] = None,
    norm_penalty: Annotated[str | None, typer.Option(help="In place of shrink: Eq. 1's L2, as 0.0005,0.5,log.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the settings tried and of the start codes.")] = 0,
    free: Annotated[
        bool, typer.Option("--no-clip", help="Leave codes free, not within the prior's act_range.")
    ] = False,
    show: Annotated[int, typer.Option(min=1, help="How many of the best and of the worst the sheet shows.")] = 4,
    output: Annotated[Path, typer.Option(help="The folder in which the run gets a folder of its own.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run's folder to go on with; its own settings hold, only --trials may differ.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Search at random for the settings that make the best images, as the paper's authors did by eye.

    dgnam search caffenet-mini 0-7 --report 8-15

    A run that was stopped, or killed, goes on with --resume FOLDER.
    """
    place = usable_device(device)
    if resume is not None:
        if any(given is not None for given in (target, units, report_on)):
            raise CaffeError("--resume takes target, units and --report from the run's folder: leave them out")
        request = _read_request(resume)
        request = request if trials is None else dataclasses.replace(request, trials=trials)
    else:
        if target is None or units is None or report_on is None:
            raise CaffeError(
                "give a target, units and --report, as caffenet-mini 0-7 --report 8-15, or --resume FOLDER"
            )
        space = _space(n_iters, start_lr, shrink, norm_penalty).as_dict()
        count = 50 if trials is None else trials
        request = Request(target, prior, judge, score, units, report_on, count, seed, sampler, not free, space)
    stage = _Stage(request, place)
    folder = runs.RunFolder.create(output, f"search-{request.target}") if resume is None else runs.RunFolder(resume)
    folder.write_json(REQUEST, stage.record())
    try:
        _run(stage, folder, show, not quiet)
    except KeyboardInterrupt:
        done = len(read_trials(folder.path)) if (folder.path / JOURNAL).is_file() else 0
        print(f"==> stopped after {done} of {request.trials} trials; go on: dgnam search --resume {folder.path}")
        raise typer.Exit(INTERRUPTED) from None


class _Stage:
    """The loaded networks of a request, and its units, all found to fit together."""

    def __init__(self, request: Request, device: str):
        self.request = request
        self.entries = {name: zoo.get(name) for name in (request.target, request.prior, request.judge)}
        for name, generates in ((request.target, False), (request.prior, True), (request.judge, False)):
            _check_role(name, generates)
        if request.sampler not in SAMPLERS:
            raise CaffeError(f"sampler '{request.sampler}': give one of {closest(request.sampler, SAMPLERS)}")
        if request.score not in SCORES:
            raise CaffeError(f"score '{request.score}': give one of {closest(request.score, SCORES)}")
        self._check_classes()
        self.space = SearchSpace(**request.space)
        self.tuning, self.held_out = (self._units(text) for text in (request.units, request.report))
        target = CaffeTarget(zoo.load(request.target))
        judge = Judge(zoo.load(request.judge).to(device), str(self.entries[request.judge].scores))
        if judge.size != target.size:
            raise CaffeError(
                f"judge '{request.judge}' takes images of {judge.size}, and '{request.target}' of {target.size}"
            )
        upper = self.entries[request.prior].act_range() if request.clip else None
        clip = None if upper is None else act_range_bounds(upper)
        prior = GeneratorPrior(zoo.load(request.prior))
        self.evaluate = Evaluator(target, prior, SCORES[request.score](judge), clip, request.seed, device=device)
        check_apart(self.evaluate, self.tuning, self.held_out)

    def record(self) -> dict[str, Any]:
        """All that decides the run's numbers."""
        files = [path for entry in self.entries.values() for path in (entry.prototxt, *entry.files())]
        return {
            "format": FORMAT,
            "request": dataclasses.asdict(self.request),
            "device": self.evaluate.device,
            "files": {f"{path.parent.name}/{path.name}": runs.sha256(path) for path in files},
            "versions": runs.versions() | {"optuna": metadata.version("optuna")},
            "threads": runs.threads(),
        }

    def identity(self) -> dict[str, Any]:
        """What tells this search from another in the same folder."""
        request = self.request
        return {name: getattr(request, name) for name in ("target", "prior", "judge", "score", "clip")}

    @property
    def measure(self) -> str:
        """What the score is, in words."""
        what = "probability of" if self.request.score == "probability" else "1 / rank of"
        return f"mean {what} the unit's class by {self.request.judge}"

    def _check_classes(self) -> None:
        target, judge = self.entries[self.request.target], self.entries[self.request.judge]
        if target.label_set != judge.label_set:
            raise CaffeError(
                f"judge '{judge.name}' knows the classes of {judge.label_set}, and '{target.name}' those of "
                f"{target.label_set}: only the same classes can be compared"
            )

    def _units(self, text: str) -> list[Unit]:
        entry = self.entries[self.request.target]
        found = parse_units(text, str(entry.scores))
        others = [str(unit) for unit in found if unit.layer != entry.scores]
        if others:
            raise CaffeError(
                f"unit {others[0]}: a judge tells classes, which are the units of layer '{entry.scores}' of "
                f"'{entry.name}'"
            )
        return found


def parse_units(text: str, layer: str) -> list[Unit]:
    """Units from text: numbers and ranges, `3,17,40-49`, of `layer` or of the one named first, `fc8:3,17,40-49`."""
    named, colon, numbers = text.rpartition(":")
    units: list[Unit] = []
    for part in numbers.split(","):
        first, dash, last = part.strip().partition("-")
        good = first.isdecimal() and len(first) < 10 and (not dash or (last.isdecimal() and int(first) <= int(last)))
        if not good or (colon and not named):
            raise CaffeError(f"units '{text}': '{part}' is no unit or range; write 3,17,40-49 or {layer}:3,17,40-49")
        until = min(int(last), int(first) + _MOST_UNITS) if dash else int(first)
        units.extend(Unit(named if colon else layer, index) for index in range(int(first), until + 1))
    return units


def _run(stage: _Stage, folder: runs.RunFolder, show: int, progress: bool) -> None:
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
    folder.write_json(RESULT, _result(stage, trials, rows))
    write_table(folder.path / TABLE, trials)
    folder.write_png(SHEET, draw_sheet(trials, stage, show))
    print("\n".join(_lines(stage, trials, rows)))
    print(f"==> figure: {folder.path / SHEET}\n==> made: {folder.path}/")


def _result(stage: _Stage, trials: Sequence[Trial], rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "score": stage.measure,
        "tuning": [str(unit) for unit in stage.tuning],
        "held_out": [str(unit) for unit in stage.held_out],
        "trials": len(trials),
        "best_trial": best_trial(trials).number,
        "rows": [
            {
                "name": row.name,
                "settings": row.settings.as_dict(),
                "tuning": {"score": row.tuning_score, "scores": list(row.tuning)},
                "held_out": {"score": row.held_out_score, "scores": list(row.held_out)},
            }
            for row in rows
        ],
    }


def write_table(path: Path, trials: Sequence[Trial]) -> None:
    """Write the trials as CSV, a line each, by number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rules = sorted({name for trial in trials for name in _drawn(trial)}, key=NAMES.index)
    writer.writerow(["trial", "score", "activation", *rules])
    for trial in trials:
        drawn = _drawn(trial)
        values = [trial.score, trial.activation, *(drawn[name] for name in rules)]
        writer.writerow([trial.number, *values])
    with replacing(path) as partial:
        partial.write_text(text.getvalue(), encoding="utf-8")


def _drawn(trial: Trial) -> dict[str, float]:
    """What was drawn for a trial, by name."""
    rule = vars(trial.settings.regularisation)
    names = {"factor": "shrink", "weight": "norm_penalty"}
    found = {"n_iters": trial.settings.n_iters, "start_lr": trial.settings.schedule.start}
    return found | {names[key]: value for key, value in rule.items()}


def candidate(trial: Trial) -> Candidate:
    """A trial for a contact sheet, from its search's folder alone: `map(candidate, read_trials(folder))`."""
    name, activation = f"trial {trial.number}: score {trial.score:.3f}", f"activation {trial.activation:.1f}"
    return Candidate(trial.score, trial.pictures(), (name, *describe(trial.settings, "\n").split("\n"), activation))


def draw_sheet(trials: Sequence[Trial], stage: _Stage, show: int) -> np.ndarray:
    """The best and the worst trials' pictures over their settings."""
    note = f"Units {stage.request.units}; score: {stage.measure}."
    if stage.entries[stage.request.target].kind == "mini":
        note += " Small models."
    return contact_sheet(
        [candidate(trial) for trial in trials], k=show, title=f"Settings for {stage.request.target}", note=note
    )


def _lines(stage: _Stage, trials: Sequence[Trial], rows: Sequence[Row]) -> list[str]:
    """A table: the best and the baselines, their scores on both sets."""
    tuned, held = f"tuned on {len(stage.tuning)}", f"held out {len(stage.held_out)}"
    lines = [
        f"{len(trials)} trials; score: {stage.measure}",
        " ".ljust(10) + tuned.rjust(14) + held.rjust(14) + "   settings",
    ]
    for row in rows:
        scores = f"{row.tuning_score:14.3f}{row.held_out_score:14.3f}"
        lines.append(f"{row.name:10}{scores}   {describe(row.settings)}")
    return lines


def _space(n_iters: str | None, start_lr: str | None, shrink: str | None, norm_penalty: str | None) -> SearchSpace:
    given = {"n_iters": n_iters, "start_lr": start_lr, "shrink": shrink, "norm_penalty": norm_penalty}
    ranges: dict[str, Any] = {name: _range(name, text) for name, text in given.items() if text is not None}
    if "norm_penalty" in ranges and "shrink" not in ranges:
        ranges["shrink"] = None
    return SearchSpace(**ranges)


def _range(name: str, text: str) -> Range:
    """A range from text: `1,32` or `1,32,log`."""
    parts = [part.strip() for part in text.split(",")]
    try:
        low, high = (float(part) for part in parts[:2])
    except ValueError:
        parts = []
    if len(parts) not in (2, 3) or parts[2:] not in ([], ["log"]):
        option = f"--{name.replace('_', '-')}"
        raise CaffeError(f"{option} '{text}': write the least and the greatest value, as 1,32, or 1,32,log")
    return low, high, len(parts) == 3


def _check_role(name: str, generates: bool) -> None:
    if (zoo.get(name).generator is not None) != generates:
        known = [entry.name for entry in zoo.list_models() if (entry.generator is not None) == generates]
        raise CaffeError(
            f"'{name}' is {'no' if generates else 'a'} generator; the {'generators' if generates else 'classifiers'}, "
            f"the closest first: {closest(name, known)}"
        )


def _read_request(folder: Path) -> Request:
    if not (folder / REQUEST).is_file():
        raise CaffeError(f"{folder} holds no run of a search: there is no {REQUEST} in it")
    path = existing_file(folder / REQUEST)
    if path.stat().st_size > _LONGEST:
        raise CaffeFormatError(f"{path}: too long for a search's settings")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CaffeFormatError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("request"), dict):
        raise CaffeFormatError(f"{path}: not a search's settings of format {FORMAT}")
    return Request(**_fields(path, content["request"]))


def _fields(path: Path, read: dict[str, Any]) -> dict[str, Any]:
    """What a request takes, each of its kind."""
    kinds = {"trials": int, "seed": int, "clip": bool, "space": dict}
    for field in dataclasses.fields(Request):
        kind = kinds.get(field.name, str)
        if not isinstance(read.get(field.name), kind):
            raise CaffeFormatError(f"{path}: '{field.name}' is missing or no {kind.__name__}")
    known = {field.name for field in dataclasses.fields(SearchSpace)}
    if set(read["space"]) != known:
        raise CaffeFormatError(f"{path}: 'space' must have {sorted(known)}")
    return {field.name: read[field.name] for field in dataclasses.fields(Request)}


app = typer.Typer(add_completion=False)
app.command("search")(search_command)
