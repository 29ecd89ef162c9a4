"""`reproduce`: an experiment carried out in a run's folder, or what keeps it from running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgnam import zoo
from dgnam.api.fingerprint import file_checksums
from dgnam.api.run_folder import at_work, begin
from dgnam.api.spec import spec_of
from dgnam.caffe.mode import usable_device
from dgnam.caffe.modules.precision import FLOAT32, check_precision
from dgnam.data.named_set import DATA_VARIABLE, find_set
from dgnam.data.picture import DataError
from dgnam.errors import DgnamError, closest
from dgnam.measure.outside_judge import EXTRA, REPORTED, packages
from dgnam.runs import Record, environment
from dgnam.runs.events import read_events
from dgnam.runs.executor import open_executor
from dgnam.runs.index import FINISHED, find_runs, read_summary
from dgnam.runs.record import read_json
from dgnam.runs.run import LOG

from .context import Context
from .experiment import OUTSIDE, SIZES, UNITS, Experiment, Models
from .reference import image_sets
from .replaced import check_networks, check_options, missing_pictures, shows_own_pictures

NUMBERS, TABLE, SUMMARY = "numbers.json", "pictures.csv", "summary.txt"

SHARES = ("_top1", "_top5", "accuracy", "both_fire")
"""How columns of shares end."""

MODELS = ("mini", "128", "paper")

NOT_PUBLIC = "so there is nothing to fetch, and it is there with small models only: --models mini"
NOT_LARGER = "its small models are of 64 px: --models mini"
NO_DATA = (
    f"it needs real pictures: give --data DIR or set ${DATA_VARIABLE}; `dgnam data list` says where they come from"
)


@dataclass(frozen=True)
class Outcome:
    """An experiment's result: numbers with what they are about, in a run folder; or why there are none.

    figure: the main picture's path.
    numbers: as `numbers.json` has them: "units", "findings" by claim, and the experiment's own.
    summary: the same for people to read.
    blocked: what is missing and how to get it; empty where the experiment ran.
    earlier: whether the run was finished before, and nothing was made now.
    """

    folder: Path | None = None
    figure: Path | None = None
    numbers: Mapping[str, Any] | None = None
    summary: Sequence[str] = ()
    blocked: str = ""
    earlier: bool = False


def carry_out(experiment: Experiment, arguments: Mapping[str, Any], kind: Callable[..., Context] = Context) -> Outcome:
    """Run or resume an experiment; missing weights give a blocked outcome.

    kind: makes the context that it is carried out in.
    """
    check_usual(arguments)
    check_options(experiment, arguments)
    if arguments["models"] not in experiment.models:
        why = NOT_LARGER if arguments["models"] == "128" else f"{experiment.unpublished}, {NOT_PUBLIC}"
        return Outcome(blocked=f"{experiment.name} is blocked: {why}")
    models = experiment.models[arguments["models"]]
    missing = [*_missing(models, arguments), *_missing_pictures(experiment, models, arguments)]
    context = kind(experiment, models, arguments)
    if not missing:
        check_networks(context)
        missing = missing_pictures(context)
    if missing:
        return Outcome(blocked=f"{experiment.name} is blocked: {'; '.join(missing)}")
    inputs = {**_inputs(context), "models": arguments["models"], "scale": arguments["scale"]}
    record = Record("reproduce", spec_of(arguments), inputs, environment(*packages()))
    usual = f"{experiment.name}-{arguments['models']}"
    name = usual if arguments["name"] is None else arguments["name"]
    folder, resume = arguments["folder"], arguments["resume"]
    if resume and folder is None:
        begun = find_runs(arguments["output"], name, record)
        finished = next((one for path in begun if (one := _finished(path, _has_pictures(context)))), None)
        if finished is not None:
            return finished
        folder, resume = begun[-1] if begun else None, bool(begun)
    executor = open_executor(arguments["executor"])
    context.arguments = {**arguments, "executor": executor}
    output = None if folder is not None else arguments["output"]
    run = begin(record, folder=folder, output=output, name=name, resume=resume)
    assert run is not None
    context.begun = run
    with executor, at_work(run, unit="images", executor=executor.name, pictures=_has_pictures(context)):
        own = experiment.run(context)
        findings = {claim: finding.as_dict() for claim, finding in context.findings.items()}
        main = context.figures[0].name if experiment.main is None else f"{experiment.main}.png"
        numbers = {"units": len(context.units), "figure": main, "findings": findings, **own}
        summary = _summary(context, numbers)
        run.write_text(TABLE, context.table())
        run.write_text(SUMMARY, "".join(f"{line}\n" for line in summary))
        run.write_json(NUMBERS, numbers)
    return Outcome(run.path, run.path / main, numbers, summary)


def check_usual(arguments: Mapping[str, Any]) -> None:
    """Raise DgnamError for options that are wrong for any experiment."""
    for name, known in (("models", MODELS), ("scale", SIZES)):
        if arguments[name] not in known:
            raise DgnamError(f"{name} '{arguments[name]}': give one of {closest(arguments[name], known)}")
    check_precision(arguments["precision"], usable_device(arguments["device"]))


def _has_pictures(context: Context) -> bool:
    """Whether there is a folder of image sets, of which some experiments make more."""
    with suppress(DgnamError):  # of those that need none, a wrong folder keeps nobody from the rest
        return context.data is not None
    return False


def _finished(folder: Path, pictures: bool) -> Outcome | None:
    """What a run came to that is finished; None where it isn't, or where one of its files is not there.

    pictures: whether there are real pictures now; a run that left out what needs them isn't finished then.
    """
    log = read_events(folder / LOG)
    without = pictures and any(event.get("pictures") is False for event in log[-2:])
    if read_summary(folder).state != FINISHED or without:
        return None
    try:
        numbers = read_json(folder / NUMBERS)
        figure, summary = folder / str(numbers["figure"]), (folder / SUMMARY).read_text(encoding="utf-8")
    except (DgnamError, OSError, ValueError, KeyError):
        return None
    whole = figure.is_file() and (folder / TABLE).is_file()
    return Outcome(folder, figure, numbers, summary.splitlines(), earlier=True) if whole else None


def _inputs(context: Context) -> dict[str, Any]:
    """What decides the experiment's numbers."""
    names = [*(name for name in context.judges if name != OUTSIDE), *context.models.others.values()]
    files = [path for name in names for path in (zoo.get(name).prototxt, zoo.get(name).weights_path())]
    precision = context.arguments["precision"]
    return {
        **({} if precision == FLOAT32 else {"precision": precision}),
        "target": {"name": context.target.name, **context.target.record},
        "prior": {"name": context.prior.name, **context.prior.record},
        "others": file_checksums(*files),
        "layer": context.layer,
        **({"units": context.units} if UNITS in context.experiment.options else {}),
        "seeds": context.seeds,
    }


def _missing(models: Models, arguments: Mapping[str, Any]) -> list[str]:
    """What each absent file of the models is, and how to get it, after an attempt to download it."""
    reasons = []
    needed = [models.target] if arguments["target"] is None else []
    needed += [models.prior] if arguments["prior"] is None else []
    obtain: list[Callable[[], object]] = [zoo.get(name).weights_path for name in (*needed, *models.files)]
    opened = [models.prior] if arguments["prior"] is None else []
    obtain += [zoo.get(name).act_range for name in (*opened, *models.files) if zoo.get(name).generator is not None]
    for get in obtain:
        try:
            get()
        except zoo.MissingWeightsError as missing:
            reasons.append(str(missing))
    return reasons


def _missing_pictures(experiment: Experiment, models: Models, arguments: Mapping[str, Any]) -> list[str]:
    """What is said of each image set that is needed and not there; of all in one where there is no folder of them."""
    if not models.pictures:
        return []
    folder, reasons = image_sets(arguments["data"]), []
    if folder is None:
        return [f"{NO_DATA}; needed: {', '.join(models.pictures)}"]
    for name in models.pictures if shows_own_pictures(experiment, arguments) else ():
        try:
            find_set(name, folder)
        except DataError as missing:
            reasons.append(str(missing))
    return reasons


def _summary(context: Context, numbers: Mapping[str, Any]) -> list[str]:
    """The numbers and the findings for people."""
    lines = [line for finding in context.findings.values() for line in finding.lines()]
    precision = context.arguments["precision"]
    if precision != FLOAT32:
        lines.append(f"networks computed in {precision} while pictures were made")
    return [*_lines(context, numbers), *lines]


def _lines(context: Context, numbers: Mapping[str, Any]) -> list[str]:
    """A table: a row to each step."""
    steps = {name: values for name, values in numbers.items() if isinstance(values, dict) and name != "findings"}
    rows = list(steps.items())
    columns = {key: max(14, len(key) + 2) for _, values in rows for key in values}
    if not columns:
        return []
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{numbers['units']} units".ljust(width) + "".join(name.rjust(wide) for name, wide in columns.items())]
    for name, values in rows:
        cells = (_cell(values.get(column), column).rjust(wide) for column, wide in columns.items())
        lines.append(name.ljust(width) + "".join(cells))
    if OUTSIDE in context.models.judges:
        what = f"the outside judge sees the units of {REPORTED} index"
        lines.append(what if packages() else f"{what}; it is not installed: pip install {EXTRA}")
    return lines


def _cell(value: float | None, column: str) -> str:
    if value is None:
        return "not judged"
    return f"{value:.1%}" if column.endswith(SHARES) else f"{value:.3g}"
