"""Record runs' results in the repository, and write the tables made from them.

`experiments/results/` holds the numbers and the main figure of one run of each experiment, and the `STRIPS`.
Between marks of the form `<!-- NAME -->` and `<!-- /NAME -->`, the `PAGES` hold tables written only by this module.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dgnam.errors import DgnamError
from dgnam.files.encode import jpeg
from dgnam.files.paths import write_bytes
from dgnam.runs import Record

from . import EXPERIMENTS, find_experiment, hardware
from .claim_tables import claim_table, further_name, part_table, section_table
from .fig1_output_units import EXPERIMENT
from .planned import STEPS, hours
from .strip import strip

PAGES = {
    "README.md": ("figure 1", "sections", "hardware"),
    "experiments/README.md": ("claims", "parts", "figure 1", "scenes", "blind naming", "rehearsal"),
    "models/README.md": ("models",),
}
"""The pages with generated tables, and which."""

NAME, SCENES, LARGE_SCENES = "fig1-mini", "sec3_2_places-mini", "sec3_2_places-128"
STRIPS = {
    NAME: ("strip-mini.jpg", range(0, 200, 40), 3, 80),
    LARGE_SCENES: ("strip-128.jpg", range(0, 100, 20), 2, 50),
}
"""Of a recorded run: the file, some classes, by number and not by result, how many times as large, and the quality."""

GPU_STEP = 0.001
"""Seconds of a step of an image through CaffeNet and the generator for fc6, assumed where no GPU was measured."""

QUALITY = {True: 88, False: 75}
"""Of the JPEG of figure 1, and of the others."""

PANELS = {
    "dgn_am": "**the method**: 200 steps in code space",
    "random_codes": "control: random codes, no search",
    "pixels": "control: 200 steps in pixels, no generator",
}
COLUMNS = {
    "target_top1": "target ranks it first",
    "judge_top1": "judge's top-1",
    "judge_top5": "judge's top-5",
    "outside_top1": "outside judge's top-1",
    "outside_top5": "outside judge's top-5",
}
CARD = {"": "reconstructions of photographs by the generator", "_of_pictures": "the photographs"}
"""What the generator's card measures: how the names of its numbers end."""


def record(run: str | Path, root: str | Path) -> list[Path]:
    """Record the results of an experiment's run, or of `dgnam bench`, and write all tables; returns the files written.

    run: its folder, of figure 1 with its blind naming if that is scored.  A run of figure 1 with the same pictures as
        the recorded one keeps the recorded naming.  Of `dgnam bench` the file that it wrote.
    root: the checkout.
    """
    source, results = Path(run), Path(root) / "experiments" / "results"
    if source.is_file():
        _check_root(root)
        return [hardware.record(source, Path(root)), *write_tables(root)]
    try:
        kept = Record.read(source)
        numbers = json.loads((source / "numbers.json").read_text(encoding="utf-8"))
        experiment = find_experiment(str(kept.spec["experiment"]))
        name = experiment.name
        naming = source / "blind" / "score.json"
        blind = json.loads(naming.read_text(encoding="utf-8")) if naming.is_file() else None
        figure = _content(source / str(numbers["figure"]))
    except (OSError, ValueError, KeyError, DgnamError) as error:
        raise DgnamError(f"{source} is not a finished run of an experiment ({error})") from None
    _check_root(root)
    about = kept.inputs
    usual = about["models"] != "paper" and about["seeds"][0] == 0 and about["scale"] != "smoke"
    if not usual or any(kept.spec.get(option) is not None for option in ("target", "prior", "backend", "units")):
        raise DgnamError(
            f"{source} is not a run that the pages show: all units of the small models, beginning at seed 0"
        )
    results.mkdir(exist_ok=True)
    shown = _jpeg(figure, QUALITY[name == EXPERIMENT.name])
    stem = f"{name}-{about['models']}"
    if blind is None and _content(results / f"{stem}.jpg") == shown:
        blind = json.loads(_content(results / f"{stem}.json")).get("blind")
    found = {"run": dict(about), "environment": dict(kept.environment), "numbers": numbers}
    found |= {} if blind is None else {"blind": blind}
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
    written = {f"{stem}.json": f"{text}\n".encode(), f"{stem}.jpg": shown}
    further = {one: _content(source / f"{one}.png") for one in experiment.further}
    written |= {further_name(name, one): _jpeg(content, QUALITY[False]) for one, content in further.items() if content}
    if stem in STRIPS:
        file, units, scale, quality = STRIPS[stem]
        written[file] = jpeg(strip(source, experiment, units, scale), quality=quality)
    for file, content in written.items():
        write_bytes(results / file, content)
    return [*(results / file for file in written), *write_tables(root)]


def _jpeg(figure: bytes, quality: int) -> bytes:
    """A figure as JPEG."""
    with Image.open(io.BytesIO(figure)) as image:
        return jpeg(np.asarray(image.convert("RGB")), quality=quality)


def _check_root(root: str | Path) -> None:
    if not all((Path(root) / page).is_file() for page in PAGES):
        raise DgnamError(f"{Path(root).resolve()} is not a checkout of dgnam: it lacks one of {', '.join(PAGES)}")


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def write_tables(root: str | Path) -> list[Path]:
    """Put the tables between their marks in all pages; returns the pages."""
    pages = [Path(root) / page for page in PAGES]
    for page in pages:
        _write(page, with_tables(page.read_text(encoding="utf-8"), root))
    return pages


def with_tables(text: str, root: str | Path) -> str:
    """The page with every marked table as the results and cards have it now; one of which nothing is recorded stays."""
    for name, table in TABLES.items():
        if f"<!-- {name} -->" not in text:
            continue
        body = table(Path(root))
        if body is None:
            continue
        marked = rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)"
        text = re.sub(marked, body.replace("\\", r"\\"), text, flags=re.S)
    return text


def _figure_1(root: Path) -> str:
    kept = json.loads((root / f"experiments/results/{NAME}.json").read_text(encoding="utf-8"))
    numbers = kept["numbers"]
    head = f"| all {numbers['units']} units, seed {kept['run']['seeds'][0]} | " + " | ".join(COLUMNS.values()) + " |"
    rows = [f"| {title} | " + " | ".join(_percent(numbers[key], COLUMNS)) + " |" for key, title in PANELS.items()]
    prior = EXPERIMENT.models["mini"].prior
    card = json.loads((root / f"models/{prior}/card.json").read_text(encoding="utf-8"))["measured"]
    for ending, title in CARD.items():
        values = {column: card.get(f"{column}{ending}") for column in COLUMNS}
        rows.append(f"| {title} | " + " | ".join(_percent(values, COLUMNS)) + " |")
    return "\n".join([head, "| --- |" + " ---: |" * len(COLUMNS), *rows]) + "\n"


def _scenes(root: Path) -> str | None:
    """Figure 3 by networks of 64 and of 128 px, a column to each; None until both are recorded."""
    columns = []
    for size, name in (("64 px", SCENES), ("128 px", LARGE_SCENES)):
        path = root / f"experiments/results/{name}.json"
        if not path.is_file():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        about, numbers = kept["run"], kept["numbers"]
        (judge,) = find_experiment(name.rpartition("-")[0]).models[about["models"]].judges
        card = json.loads((root / f"models/{judge}/card.json").read_text(encoding="utf-8"))["measured"]
        shares = [*(numbers[step]["scene_judge_top5"] for step in PANELS), card["top5"]]
        head = f"{size}: {len(about['units'])} scenes, seeds {', '.join(map(str, about['seeds']))}"
        columns.append([head, "---:", *(f"{share:.1%}" for share in shares)])
    titles = ["a scene judge's top-5", "---", *PANELS.values(), "real pictures"]
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(titles, *columns, strict=True))


def _percent(values: Mapping[str, float | None], columns: Mapping[str, str]) -> list[str]:
    """The cells of a row; a dash for what was not measured."""
    found = [values.get(column) for column in columns]
    return ["-" if value is None else f"{value:.1%}" for value in found]


def _blind(root: Path) -> str:
    """How many pictures of each kind each rater named right."""
    kept = json.loads((root / f"experiments/results/{NAME}.json").read_text(encoding="utf-8")).get("blind")
    if kept is None:
        return ""
    head = ["pictures", *(f"{rater}: right" for rater in kept["raters"]), "share", "between chance and photographs"]
    lines = [f"| {' | '.join(head)} |", "| --- |" + " ---: |" * (len(head) - 1)]
    for kind, values in kept["kinds"].items():
        right = (f"{count} of {values['pictures']}" for count in values["right"])
        ends = [_interval(values[name]) for name in ("share", "above_chance")]
        lines.append(f"| {' | '.join([kind, *right, *ends])} |")
    agreed = kept["kappa"]
    lines += [] if agreed is None else ["", f"The raters agree to a Cohen's kappa of {_interval(agreed)}."]
    return "\n".join(lines) + "\n"


def _interval(estimate: Mapping[str, Any] | None) -> str:
    return "" if estimate is None else f"{estimate['value']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def _models(root: Path) -> str:
    lines = ["| model | what | measured on held-out pictures | size | training |", "| --- | --- | --- | ---: | ---: |"]
    for path in sorted((root / "models").glob("*/card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        lines.append(
            f"| [{card['name']}]({card['name']}/README.md) | {card['what']} | {_measured(card['measured'])} | "
            f"{card['bytes'] / 1e6:.1f} MB | {_minutes(card['training'])} |"
        )
    return "\n".join(lines) + "\n"


_ACCURACIES = {
    "top1": "top-1",
    "top5": "top-5",
    "top1_regular": "regular",
    "top1_modified": "modified",
    "top1_frames_shuffled": "frames shuffled",
    "top1_training": "on its training pictures",
}
"""What a card measures of a classifier, as the table names it; all but top-5 are top-1."""


def _measured(values: Mapping[str, Any]) -> str:
    if "top1" in values:
        return ", ".join(f"{what} {values[key]:.1%}" for key, what in _ACCURACIES.items() if key in values)
    judges = [
        f"{title} top-5 on reconstructions {values[key]:.1%}, on the pictures {values[f'{key}_of_pictures']:.1%}"
        for title, key in (("judge's", "judge_top5"), ("outside judge's", "outside_top5"))
        if key in values
    ]
    return "; ".join([f"code cosine {values['code_cosine']:.2f}", *judges])


def _rehearsal(root: Path) -> str:
    """A row for each experiment: what it took at the paper's scale, and what the full run would take."""
    files = sorted((root / "experiments" / "results").glob("rehearsal-*.json"))
    kept = {path.stem.removeprefix("rehearsal-"): json.loads(path.read_text(encoding="utf-8")) for path in files}
    columns = ["experiment", "networks", "full run: images", "steps of an image"]
    columns += [f"{device}: {what}" for device in kept for what in ("rehearsal", "memory", "full run")]
    columns += [] if "cuda" in kept else ["a GPU, assumed: full run"]
    lines = [f"| {' | '.join(columns)} |", "| --- | --- |" + " ---: |" * (len(columns) - 2)]
    for experiment in EXPERIMENTS.values():
        found = {device: one["experiments"].get(experiment.name) for device, one in kept.items()}
        if "paper" not in experiment.models:
            cells = ["", "", *("blocked" for _ in kept), *[""] * (len(columns) - 4 - len(kept))]
            lines.append(f"| {' | '.join([f'`{experiment.name}`', experiment.unpublished, *cells])} |")
            continue
        models = experiment.models["paper"]
        names = ", ".join(dict.fromkeys((models.target, models.prior, *models.others.values())))
        full: Sequence[Sequence[Any]] = next((one["full"] for one in found.values() if one is not None), [])
        cells = [f"`{experiment.name}`", names, *(f"{_made(full, number):,.0f}" for number in (3, 4))]
        for one in found.values():
            cells += ["not run"] * 3 if one is None else _took(one)
        if "cuda" not in kept:
            cpu = found.get("cpu")
            cells.append("" if cpu is None else _time(hours(cpu) / _speedup(kept["cpu"]["experiments"])))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"{device}: {_machines(one['experiments'])}." for device, one in kept.items())]
    return "\n".join(lines) + "\n"


def _made(full: Sequence[Sequence[Any]], number: int) -> float:
    """Images that a full run makes, or steps of them, by their place in its work."""
    return sum(float(work[number]) for work in full if work[0] == STEPS)


def _took(one: Mapping[str, Any]) -> list[str]:
    took, memory = one["rehearsal"], one["rehearsal"]["memory"]
    return [f"{took['seconds']:.0f} s", "" if memory is None else f"{memory / 1e9:.1f} GB", _time(hours(one))]


def _speedup(experiments: Mapping[str, Any]) -> float:
    """How many times as fast as this CPU a GPU is that takes the time assumed for a step of the paper's networks."""
    usual = [STEPS, "caffenet", "deepsim-fc6"]
    seconds = [rate[3] for one in experiments.values() for rate in one["rates"] if rate[:3] == usual]
    return float(np.median(seconds)) / GPU_STEP if seconds else 1.0


def _time(number: float) -> str:
    """Hours, as minutes or days where these are easier to read."""
    if number < 1:
        return f"{60 * number:.0f} min" if number > 1 / 60 else "under 1 min"
    return f"{number:.1f} h" if number < 48 else f"{number / 24:.1f} days"


def _machines(experiments: Mapping[str, Any]) -> str:
    """What most were rehearsed on, and what the others were."""
    on: dict[str, list[str]] = {}
    for name, one in experiments.items():
        about = one["machine"]
        on.setdefault(f"{about['processor']}, torch {about['versions']['torch']}", []).append(f"`{name}`")
    usual, *others = sorted(on, key=lambda machine: -len(on[machine]))
    return "; ".join([usual, *(f"{', '.join(on[machine])}: {machine}" for machine in others)])


def _minutes(training: Mapping[str, Any]) -> str:
    if not training["iterations"]:
        return "none"
    return "not recorded" if training["seconds"] is None else f"{training['seconds'] / 60:.0f} min"


TABLES: dict[str, Callable[[Path], str | None]] = {
    "claims": claim_table,
    "parts": part_table,
    "figure 1": _figure_1,
    "scenes": _scenes,
    "blind naming": _blind,
    "models": _models,
    "sections": section_table,
    "rehearsal": _rehearsal,
    "hardware": hardware.recorded_table,
}


def _write(path: Path, text: str) -> None:
    write_bytes(path, text.encode())
