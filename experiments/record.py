"""Keeping a run's results in the repository, and the tables that are made from them.

`experiments/results/` holds the numbers and the figure of the run that README shows.  Between marks of the form
`<!-- NAME -->` and `<!-- /NAME -->`, README.md and experiments/README.md hold tables that only this module writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from dgnam.errors import DgnamError
from dgnam.files.paths import replacing

PAGES = ("README.md", "experiments/README.md")
PANELS = {
    "dgn_am": "**the method**: 200 steps in code space",
    "random_codes": "control: random codes, no search",
    "pixels": "control: 200 steps in pixels, no generator",
}
COLUMNS = {"target_top1": "target ranks it first", "judge_top1": "judge's top-1", "judge_top5": "judge's top-5"}


def record(run: str | Path, root: str | Path) -> list[Path]:
    """Take over the results of a run of figure 1 and write the tables anew; returns what was written.

    run: its folder; a blind naming that was scored there is taken over too.
    root: the checkout.
    """
    source, results = Path(run), Path(root) / "experiments" / "results"
    try:
        about = json.loads((source / "run.json").read_text(encoding="utf-8"))
        numbers = json.loads((source / "numbers.json").read_text(encoding="utf-8"))
        naming = source / "blind" / "score.json"
        blind = json.loads(naming.read_text(encoding="utf-8")) if naming.is_file() else None
    except (OSError, ValueError) as error:
        raise DgnamError(f"{source} is no finished run of figure 1 ({error})") from None
    if not all((Path(root) / page).is_file() for page in PAGES):
        raise DgnamError(f"{Path(root).resolve()} is no checkout of dgnam: it lacks one of {', '.join(PAGES)}")
    if about["models"] != "mini" or about["seed"] != 0 or about["units"] != list(range(200)):
        raise DgnamError(f"{source} is not the run that the pages show: all 200 units of the small models at seed 0")
    results.mkdir(exist_ok=True)
    name = "fig1-mini"
    kept = {"run": about, "numbers": numbers, "blind": blind}
    _write(results / f"{name}.json", json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    with Image.open(source / "dgn_am.png") as figure, replacing(results / f"{name}.jpg") as partial:
        figure.convert("RGB").save(partial, format="JPEG", quality=88)
    return [results / f"{name}.json", results / f"{name}.jpg", *write_tables(root)]


def write_tables(root: str | Path) -> list[Path]:
    """Put the tables between their marks in both pages; returns the pages."""
    pages = [Path(root) / page for page in PAGES]
    for page in pages:
        _write(page, with_tables(page.read_text(encoding="utf-8"), root))
    return pages


def with_tables(text: str, root: str | Path) -> str:
    """The page with every marked table as the results and cards have it now."""
    for name, table in TABLES.items():
        body = table(Path(root))
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m, b=body: f"{m[1]}{b}{m[2]}", text, flags=re.S
        )
    return text


def _figure_1(root: Path) -> str:
    kept = json.loads((root / "experiments/results/fig1-mini.json").read_text(encoding="utf-8"))
    numbers = kept["numbers"]
    head = f"| all {numbers['units']} units, seed {kept['run']['seed']} | " + " | ".join(COLUMNS.values()) + " |"
    rows = [f"| {title} | " + " | ".join(_percent(numbers[key], COLUMNS)) + " |" for key, title in PANELS.items()]
    return "\n".join([head, "| --- |" + " ---: |" * len(COLUMNS), *rows]) + "\n"


def _percent(values: Mapping[str, float], columns: Mapping[str, str]) -> list[str]:
    return [f"{values[column]:.1%}" for column in columns]


def _blind(root: Path) -> str:
    """Every namer's answers beside the truth."""
    kept = json.loads((root / "experiments/results/fig1-mini.json").read_text(encoding="utf-8"))["blind"]
    if kept is None:
        return ""
    right = sum(row["class"] == row["answer"] for row in kept)
    lines = [f"{right} of {len(kept)} named right.", "", "| class | named as |", "| --- | --- |"]
    for row in kept:
        answer = row["answer"] if row["answer"] else "(not named)"
        lines.append(f"| {row['class']} | {'right' if row['class'] == row['answer'] else answer} |")
    return "\n".join(lines) + "\n"


def _models(root: Path) -> str:
    lines = ["| model | what | measured on held-out pictures | size | training |", "| --- | --- | --- | ---: | ---: |"]
    for path in sorted((root / "models").glob("*/card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        lines.append(
            f"| [{card['name']}](models/{card['name']}/README.md) | {card['what']} | {_measured(card['measured'])} | "
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
    return (
        f"code cosine {values['code_cosine']:.2f}; judge's top-5 on reconstructions {values['judge_top5']:.1%}, "
        f"on the pictures {values['judge_top5_of_pictures']:.1%}"
    )


def _minutes(training: Mapping[str, Any]) -> str:
    if not training["iterations"]:
        return "none"
    return "not recorded" if training["seconds"] is None else f"{training['seconds'] / 60:.0f} min"


TABLES: dict[str, Callable[[Path], str]] = {"figure 1": _figure_1, "blind naming": _blind, "models": _models}


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
