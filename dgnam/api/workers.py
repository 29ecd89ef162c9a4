"""A call of `dgnam.api` that is made again in a worker, on another machine."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runs import Record
from .spec import NOT_RECORDED


def call_of(given: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """The arguments that a worker needs, from those of the call; a prior that was chosen is the one recorded."""
    arguments = {name: value for name, value in given.items() if name not in NOT_RECORDED}
    if "prior" in arguments and arguments["prior"] is None:
        arguments["prior"] = record.spec["prior"]
    return arguments


def same_here(record: Record, own: Record) -> None:
    """Raise DgnamError where a worker's files aren't the run's; warn where its versions or threads aren't."""
    for warning in record.check_same(own, Path("the run"), "make chunks of"):
        warnings.warn(warning, UserWarning, stacklevel=2)
