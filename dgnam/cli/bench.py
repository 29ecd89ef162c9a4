"""`dgnam bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DgnamError
from . import options as o
from .terminal import complain, say

if TYPE_CHECKING:
    from ..bench.table import Bench


def bench(
    device: o.Device = "cpu",
    precision: Annotated[
        list[str] | None, typer.Option(help="float32, bfloat16 or tf32; repeat for several. Default: all that it has.")
    ] = None,
    most_seconds: Annotated[float, typer.Option(help="Begin no row later than this.")] = 240.0,
    as_json: o.Json = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the numbers as JSON into this file too, anew after each row.")
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Measure this machine: seconds by target, precision and batch, beside a loop by hand and the machine's peak.

    Under five minutes on two cores.  The published nets have random weights, which take the same time.  What was
    measured until Ctrl-C or an error is shown.
    """
    from ..bench.table import lines, measure
    from ..caffe.mode import usable_device
    from ..files.paths import check_writable

    if not most_seconds >= 0:
        raise DgnamError(f"--most-seconds {most_seconds:g}: give a number of seconds, 0 or more")
    place = usable_device(device)
    if output is not None:
        check_writable(output)
    found: Bench | None = None
    failed: Exception | None = None
    try:
        for found in measure(place, precision or (), most_seconds):
            failed = _written(output, found)
            if not quiet and found.rows:
                row = found.rows[-1]
                complain(f"{row.target} {row.precision} batch {row.batch}: {row.seconds:.4f} s a step and image")
    finally:
        if found is not None:
            failed = _written(output, found)
            say([json.dumps(found.as_dict(), indent=2)] if as_json else lines(found))
    if failed is not None:
        raise failed


def _written(output: Path | None, found: Bench) -> Exception | None:
    """Write the numbers that there are; why that failed, which is no reason to lose the others."""
    from ..runs.record import write_json

    try:
        if output is not None and found.rows:
            write_json(output, found.as_dict())
    except (DgnamError, OSError) as error:
        return error
    return None
