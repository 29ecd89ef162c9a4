"""`dgnam bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .terminal import complain, say


def bench(
    device: o.Device = "cpu",
    precision: Annotated[
        list[str] | None, typer.Option(help="float32, bfloat16 or tf32; repeat for several. Default: all that it has.")
    ] = None,
    most_seconds: Annotated[float, typer.Option(help="Begin no row later than this.")] = 240.0,
    as_json: o.Json = False,
    output: Annotated[Path | None, typer.Option(help="Write the numbers as JSON into this file too.")] = None,
    quiet: o.Quiet = False,
) -> None:
    """Measure this machine: seconds by target, precision and batch, beside a loop by hand and the machine's peak.

    Under five minutes on two cores.  The published nets have random weights, which take the same time.
    """
    from ..bench.table import lines, measure
    from ..caffe.mode import usable_device
    from ..runs.record import write_json

    place = usable_device(device)
    found = None
    for found in measure(place, precision or (), most_seconds):
        if not quiet and found.rows:
            row = found.rows[-1]
            complain(f"{row.target} {row.precision} batch {row.batch}: {row.seconds:.4f} s a step and image")
    assert found is not None
    if output is not None:
        write_json(output, found.as_dict())
    say([json.dumps(found.as_dict(), indent=2)] if as_json else lines(found))
