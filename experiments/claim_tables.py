"""The tables of claims: what was found of each, part by part, and what the sections' claims come to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dgnam.caffe.modules.precision import FLOAT32
from dgnam.measure.statistics import Estimate, holm, undecidable

from . import EXPERIMENTS
from .claims import claims
from .experiment import Experiment
from .finding import Finding, recorded
from .remarks import remarks
from .sections import SECTIONS

ALPHA = 0.05
"""A verdict stands Holm's correction if its p-value is no larger."""

_ROUNDING = 1e-12

MOST_LINES = 4
"""Parts of a claim beside its verdict; the table of parts has all."""

NOT_ESTIMATED = "not estimated"
OUTCOMES = ("holds", "fails", "undecided", NOT_ESTIMATED)

CLAIM_COLUMNS = (
    "section",
    "claim",
    "it holds if",
    "found",
    "floor",
    "ceiling",
    "p (Holm)",
    "verdict",
    "why",
    "deviation from the paper",
    "the paper's models",
    "experiment",
    "note",
)
PART_COLUMNS = ("claim", "part", "estimate", "n", "bound", "verdict", "p", "effect size")


def section_table(root: Path) -> str:
    """A row for each section: how many of its claims have which verdict."""
    lines = _head(("section", "figures", "subject", "claims"))
    for part in SECTIONS:
        verdicts = [_verdict(root, EXPERIMENTS[name], claim) for name in part.experiments for claim in _claims(name)]
        counted = ", ".join(f"{verdicts.count(said)} {said}" for said in dict.fromkeys(verdicts))
        lines.append(_row(part.number, part.figures, part.subject, counted))
    return _lines(lines)


def claim_table(root: Path) -> str:
    """A row for each claim: what was claimed, what was found, between which controls, and what that decides."""
    lines, corrected = _head(CLAIM_COLUMNS), _corrected(root)
    for experiment in EXPERIMENTS.values():
        for name in experiment.claims:
            claim, found = claims()[name], _finding(root, experiment.name, name)
            cells = [claim.section, f"{claim.claim} (`{name}`)", f"{claim.statistic}: {claim.holds_if}"]
            cells += (
                [""] * 4
                if found is None
                else [
                    "<br>".join(_decisive(found)),
                    *("<br>".join(_controls(of)) for of in (found.controls.floor, found.controls.ceiling)),
                    _p_value(corrected.get(name), found.verdict),
                ]
            )
            cells += [_verdict(root, experiment, name), _why(root, experiment, name)]
            cells.append(_deviation(root, experiment, name))
            cells += [_at_scale(root, experiment), _link(root, experiment.name), "" if found is None else found.note]
            lines.append(_row(*cells))
    return _lines(lines)


def part_table(root: Path) -> str:
    """A row for each part of each claim that was run."""
    lines = _head(PART_COLUMNS)
    for experiment in EXPERIMENTS.values():
        for name in experiment.claims:
            found = _finding(root, experiment.name, name)
            lines += [] if found is None else [_row(f"`{name}`", *cells) for cells in _parts(found)]
    return _lines(lines)


def _parts(found: Finding) -> list[list[str]]:
    rows = []
    for part, estimate in found.parts.items():
        bound, why, effect = found.claim.bound(part), undecidable(estimate), estimate.effect
        name = f"{part} (positive control)" if bound.control else part
        said = f"**{found.verdict_of(part)}**" if part in _deciding(found) else str(found.verdict_of(part))
        p = found.p_values.get(part)
        size = "" if effect is None else f"{_number(effect.value)} ({effect.kind})"
        cells = [name, _interval(estimate), str(estimate.n), str(bound), f"{said}: {why}" if why else said]
        rows.append([*cells, "" if p is None else _small(p), size])
    return rows + [[part, f"{NOT_ESTIMATED}: {why}", *[""] * 5] for part, why in found.missing.items()]


def _deciding(found: Finding) -> list[str]:
    """The parts by which a claim's verdict comes about: a control that is missed, or those that say the same."""
    missed = [part for part in found.missed if part in found.parts]
    return missed if missed else [part for part in found.parts if found.verdict_of(part) == found.verdict]


def _decisive(found: Finding) -> list[str]:
    """The first of the deciding parts, in bold beside others that say otherwise; and how many say what."""
    said = [str(found.verdict_of(part)) for part in found.parts] + [NOT_ESTIMATED] * len(found.missing)
    deciding = _deciding(found)
    lines = [
        f"{part}: {_interval(found.parts[part])}, {found.claim.bound(part)}, n = {found.parts[part].n}"
        for part in deciding[:MOST_LINES]
    ]
    if len(deciding) == len(said) <= MOST_LINES:
        return lines
    counted = ", ".join(_counted(said.count(one), one) for one in OUTCOMES if one in said)
    return [f"of {len(said)} [parts](#parts) {counted}", *(lines if len(deciding) == len(said) else map(_bold, lines))]


def _counted(count: int, outcome: str) -> str:
    return f"{count} {outcome if count == 1 else outcome.removesuffix('s')}"


def _bold(text: str) -> str:
    return f"**{text}**"


def _verdict(root: Path, experiment: Experiment, claim: str) -> str:
    """What the recorded run says of a claim."""
    found = _finding(root, experiment.name, claim)
    if found is None:
        return "not run"
    limits = _limits(_run(root, experiment.name), experiment)
    return f"{found.verdict} ({', '.join(limits)})" if limits else str(found.verdict)


def _limits(about: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """In what a recorded run is less than the full one with the generator of now."""
    earlier = about["prior"]["name"] != experiment.models["mini"].prior
    return [*(["small run"] if about["scale"] != "full" else []), *(["old generator"] if earlier else [])]


def _why(root: Path, experiment: Experiment, claim: str) -> str:
    """The reason why a claim fails or is undecided."""
    found = _finding(root, experiment.name, claim)
    if found is None or found.verdict == "holds":
        return ""
    missed = [f"Not surely detected: the positive control '{part}'." for part in found.missed]
    if "small run" in _limits(_run(root, experiment.name), experiment):
        units = _recorded(root, experiment.name)["numbers"].get("units", "few")
        return " ".join([*missed, f"A first look at {units} units, fewer than the claim asks for."])
    return " ".join([*missed, remarks()[claim].why.get(str(found.verdict), "")]).strip()


def _deviation(root: Path, experiment: Experiment, claim: str) -> str:
    """How the experiment differs from the paper's, the precision of the recorded run included."""
    precision = _recorded(root, experiment.name).get("run", {}).get("precision", FLOAT32)
    own = remarks()[claim].deviation
    return own if precision == FLOAT32 else f"{own} Pictures made in {precision}."


def _corrected(root: Path) -> dict[str, float]:
    """By claim, its p-value after Holm's correction for all claims of its section; those without one count as 1."""
    corrected: dict[str, float] = {}
    for section in dict.fromkeys(experiment.section for experiment in EXPERIMENTS.values()):
        own = [(one.name, name) for one in EXPERIMENTS.values() if one.section == section for name in one.claims]
        found = {claim: _finding(root, experiment, claim) for experiment, claim in own}
        p_values = {claim: None if one is None else one.p_value for claim, one in found.items()}
        adjusted = holm([1.0 if p is None else p for p in p_values.values()])
        corrected |= {
            claim: float(p) for (claim, known), p in zip(p_values.items(), adjusted, strict=True) if known is not None
        }
    return corrected


def _p_value(p: float | None, verdict: str | None) -> str:
    """With a word where the verdict would not stand; an undecided claim has nothing to correct."""
    if p is None or verdict == "undecided":
        return ""
    return _small(p) if p <= ALPHA else f"{_small(p)}: undecided by it"


def _at_scale(root: Path, experiment: Experiment) -> str:
    """Whether the experiment was run with the paper's models: not, as long as their weights are not here."""
    if "paper" not in experiment.models:
        return "not published"
    files = (root / "experiments" / "results").glob("rehearsal-*.json")
    rehearsed = any(experiment.name in json.loads(path.read_text(encoding="utf-8"))["experiments"] for path in files)
    return "rehearsed" if rehearsed else "blocked"


def _recorded(root: Path, experiment: str) -> Mapping[str, Any]:
    """The recorded results of an experiment; empty where there are none."""
    path = root / "experiments" / "results" / f"{experiment}-mini.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _run(root: Path, experiment: str) -> Mapping[str, Any]:
    about: Mapping[str, Any] = _recorded(root, experiment)["run"]
    return about


def _finding(root: Path, experiment: str, claim: str) -> Finding | None:
    kept = _recorded(root, experiment).get("numbers", {}).get("findings", {}).get(claim)
    return None if kept is None else recorded(claims()[claim], kept)


def _claims(experiment: str) -> Sequence[str]:
    return EXPERIMENTS[experiment].claims


def _link(root: Path, experiment: str) -> str:
    """The experiment, with its figure, and its numbers and run record, where they are recorded."""
    if not _recorded(root, experiment):
        return f"`{experiment}`"
    stem, further = f"results/{experiment}-mini", EXPERIMENTS[experiment].further
    links = {name.replace("_", " "): f"results/{further_name(experiment, name)}" for name in further}
    shown = [f"[{name}]({path})" for name, path in links.items() if (root / "experiments" / path).is_file()]
    return ", ".join([f"`{experiment}`: [figure]({stem}.jpg)", *shown, f"[numbers and run record]({stem}.json)"])


def further_name(experiment: str, figure: str) -> str:
    """The file that a further figure of an experiment is recorded in."""
    return f"{experiment}-mini-{figure.replace('_', '-')}.jpg"


def _controls(found: Mapping[str, float]) -> list[str]:
    return [f"{name}: {_number(value)}" for name, value in found.items()]


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.value)} [{_number(estimate.low)}, {_number(estimate.high)}]"


def _number(value: float) -> str:
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}∞"
    return f"{value:.3g}" if abs(value) > _ROUNDING else "0"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _head(columns: Sequence[str]) -> list[str]:
    return [_row(*columns), _row(*["---"] * len(columns))]


def _row(*cells: str) -> str:
    plain = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return f"| {' | '.join(plain)} |"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
