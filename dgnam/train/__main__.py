"""`python -m dgnam.train SOLVER`: see `own_net.py`."""

from __future__ import annotations

import argparse
import sys

from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..runs.interrupt import BAD_INPUT, STOPPED, Interrupted
from .own_net import train_own
from .passes import PRECISIONS


def main(arguments: list[str] | None = None) -> int:
    """Train the net of a solver; returns the exit status."""
    parser = argparse.ArgumentParser(prog="dgnam.train", description="Train the net that a solver.prototxt names.")
    parser.add_argument("solver", help="the solver.prototxt")
    parser.add_argument("--run", required=True, help="the folder of checkpoints, log and weights")
    parser.add_argument("--data", help="the folder of the image sets; $DGNAM_DATA if left out")
    parser.add_argument("--weights", help="weights to start from, for fine-tuning")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("--precision", choices=PRECISIONS, help="of the passes; the faster if left out")
    parser.add_argument("--adversarial-radius", type=float, help="train adversarially, in balls so large (gray levels)")
    parser.add_argument("--time-limit", type=float, help="minutes after which to stop at a checkpoint")
    given = parser.parse_args(arguments)
    try:
        made = train_own(
            given.solver,
            given.run,
            data_folder=given.data,
            weights=given.weights,
            device=usable_device(given.device),
            precision=given.precision,
            adversarial_radius=given.adversarial_radius,
            time_limit=None if given.time_limit is None else given.time_limit * 60,
        )
    except (DgnamError, OSError) as error:
        print(f"dgnam.train: {error}", file=sys.stderr)
        return BAD_INPUT
    except Interrupted as stop:
        print(f"dgnam.train: {stop} in {given.run}; the same command goes on from there", file=sys.stderr)
        return stop.status
    if made is None:
        print(f"==> stopped at a checkpoint in {given.run}; the same command goes on from there")
        return STOPPED
    print(f"==> made: {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
