"""What a search is asked for, from options and from the folder of one that was stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ...am import SearchSpace
from ...am.tuning.space import Range
from ...errors import DgnamError, FormatError
from ...runs.folder import read_json

REQUEST = "run.json"
"""What was asked for, in a run's folder."""

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be searched for, and how; what a resume reads.

    target, prior, judge: models of the zoo.
    score: how the judge scores, of SCORES; or `package.module:function` in place of the judge.
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

    @property
    def own_score(self) -> bool:
        """Whether a function of the user's scores the images, and no judge."""
        return ":" in self.score


def space_of(n_iters: str | None, start_lr: str | None, shrink: str | None, norm_penalty: str | None) -> SearchSpace:
    """The space of these options, each as `1,32` or `1,32,log`, and as published where it is None."""
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
        raise DgnamError(f"{option} '{text}': write the least and the greatest value, as 1,32, or 1,32,log")
    return low, high, len(parts) == 3


def read_request(folder: Path) -> Request:
    """What was asked for in a run's folder.

    Raises DgnamError where there is none, and FormatError for a damaged one.
    """
    if not (folder / REQUEST).is_file():
        raise DgnamError(f"{folder} holds no run of a search: there is no {REQUEST} in it")
    path = folder / REQUEST
    content = read_json(path)
    if content.get("format") != FORMAT or not isinstance(content.get("request"), dict):
        raise FormatError(f"{path}: not a search's settings of format {FORMAT}")
    return Request(**_fields(path, content["request"]))


def _fields(path: Path, read: dict[str, Any]) -> dict[str, Any]:
    """What a request takes, each of its kind."""
    kinds = {"trials": int, "seed": int, "clip": bool, "space": dict}
    for field in dataclasses.fields(Request):
        kind = kinds.get(field.name, str)
        if not isinstance(read.get(field.name), kind):
            raise FormatError(f"{path}: '{field.name}' is missing or no {kind.__name__}")
    known = {field.name for field in dataclasses.fields(SearchSpace)}
    if set(read["space"]) != known:
        raise FormatError(f"{path}: 'space' must have {sorted(known)}")
    return {field.name: read[field.name] for field in dataclasses.fields(Request)}
