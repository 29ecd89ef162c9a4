"""The table of `dgnam bench`: what steps take on this machine, by target, precision and batch.

for row in measure("cpu"):
    print(row)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .. import __version__, zoo
from ..am import CaffeTarget, GeneratorPrior, Job, Prior, Unit, act_range_bounds
from ..am.synthesize import try_step
from ..caffe.modules.precision import PRECISIONS, check_precision
from ..errors import DgnamError
from ..runs.machine import name_of, peak_memory, reset_peak_memory
from ..zoo.stand_ins import GENERATOR, SCORES, stand_in
from . import machine
from .by_hand import ByHand
from .one_by_one import published_seconds
from .step_times import Loop

STEPS = 200
"""Of an image, by the published settings."""

SMALL = "caffenet-mini", "fc8", "deepsim-fc6-v2-mini"
BATCHES: dict[str, dict[bool, tuple[int, ...]]] = {
    "cpu": {True: (1, 16, 100), False: (1, 4, 16)},
    "cuda": {True: (1, 100, 1000), False: (1, 16, 64, 256)},
}
"""By the kind of device, and whether the networks are small."""

COUNTED = 8
"""Images of the step whose operations are counted, so many that no empty ones are added for batch-invariance."""

ROUNDS = 2
MOST_SECONDS = 240.0
"""Rows that have not begun by then are left out."""


@dataclass(frozen=True)
class Row:
    """What was measured of a target in a precision and a batch.

    random: whether the weights are random, in place of the published ones.
    seconds: of a step and image.
    share: of the peak of this precision's matrix products; None where it is not known.
    memory: the process's most bytes; None where it is not known.
    by_hand: how many times as long it takes as the loop written by hand; None where there is none.
    """

    target: str
    random: bool
    precision: str
    batch: int
    seconds: float
    share: float | None
    memory: int | None
    by_hand: float | None = None

    @property
    def image_seconds(self) -> float:
        """Seconds of an image of 200 steps."""
        return STEPS * self.seconds


@dataclass
class Bench:
    """All that was measured.

    peaks: of matrix products by precision, in operations per second.
    copied: bytes per second of copies.
    published: seconds of a step of the published loop, one image at a time, on CaffeNet, by backend.
    finished: whether nothing is to come.
    """

    device: str
    processor: str
    rows: list[Row] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)
    copied: float = 0.0
    published: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    finished: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        versions = {"dgnam": __version__, "torch": torch.__version__}
        return {**asdict(self), "threads": torch.get_num_threads(), "versions": versions}


def measure(device: str = "cpu", precisions: Sequence[str] = (), most_seconds: float = MOST_SECONDS) -> Iterator[Bench]:
    """Measure; yields what there is after each row.

    precisions: those to measure; empty for all that the device has.
    """
    began, kind = time.monotonic(), device.partition(":")[0]
    chosen = [one for one in (precisions or PRECISIONS) if _usable(one, device, asked=bool(precisions))]
    found = Bench(device, name_of(device))
    found.peaks = {one: machine.product_peak(device, one) for one in chosen}
    found.copied = machine.copy_speed(device)
    yield found
    prior = None
    for name, layer in ((SMALL[0], SMALL[1]), *SCORES.items()):
        small = name == SMALL[0]
        if not time.monotonic() - began <= most_seconds:
            found.left_out.append(name)
            continue
        if small:
            loop = _loop(name, layer, GeneratorPrior(zoo.load(SMALL[2])), device)
        else:
            prior = GeneratorPrior(stand_in(GENERATOR)) if prior is None else prior
            loop = _loop(name, layer, prior, device)
        operations = _operations(loop)
        for precision in chosen:
            hand = ByHand(device, precision) if name == "caffenet" else None
            for batch in BATCHES[kind][small]:
                if not time.monotonic() - began <= most_seconds:
                    found.left_out.append(f"{name} {precision} batch {batch}")
                    continue
                found.rows.append(_row(loop, precision, batch, operations / found.peaks[precision], not small, hand))
                yield found
        if name == "caffenet" and kind == "cpu":
            found.published = published_seconds(loop, stand_in("caffenet"), stand_in(GENERATOR))
            yield found
    found.finished = True


def lines(found: Bench) -> list[str]:
    """What was measured, as a table for people."""
    peaks = ", ".join(f"{peak / 1e9:,.0f} GFLOP/s {name}" for name, peak in found.peaks.items())
    head = ("target", "precision", "batch", "s/step/image", f"s/image of {STEPS}", "of peak", "memory", "by hand x")
    cells = [head, *(_cells(row) for row in found.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    table = ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in cells]
    published = [
        f"published loop, one image at a time, CaffeNet on {name}: {seconds:.3f} s a step"
        for name, seconds in found.published.items()
    ]
    return [
        f"{found.processor}; torch {torch.__version__}",
        f"matrix products {peaks}; copies {found.copied / 1e9:.1f} GB/s",
        *table,
        *published,
        *([f"left out, as time is up: {', '.join(found.left_out)}"] if found.left_out else []),
        *([] if found.finished else ["stopped before the end: rows are missing"]),
        "* random weights: the published nets' sizes, not their pictures.  memory: the whole process at its most.",
    ]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.target}{'*' if row.random else ''}",
        row.precision,
        str(row.batch),
        f"{row.seconds:.4f}",
        f"{row.image_seconds:.1f}",
        "" if row.share is None else f"{row.share:.0%}",
        "" if row.memory is None else f"{row.memory / 1e9:.1f} GB",
        "" if row.by_hand is None else f"{row.by_hand:.2f}",
    )


def _usable(precision: str, device: str, asked: bool) -> bool:
    """Whether the device has a precision; an error where one was asked for that it lacks."""
    try:
        check_precision(precision, device)
    except DgnamError:
        if asked:
            raise
        return False
    return True


def _loop(name: str, layer: str, prior: Prior, device: str) -> Loop:
    module = zoo.load(name) if name == SMALL[0] else stand_in(name)
    upper = np.full(prior.code_shape, 12, np.float32)
    return Loop(name, CaffeTarget(module), prior, layer, act_range_bounds(upper), device)


def _operations(loop: Loop) -> float:
    """Floating-point operations of a step and image: those of convolutions and matrix products, both ways."""
    jobs = [Job(Unit(loop.layer, row)) for row in range(COUNTED)]
    with _Operations() as counter:
        try_step(loop.target, loop.prior, jobs, clip=loop.clip, device=loop.device, count=COUNTED)
    return counter.count / COUNTED


class _Operations(TorchDispatchMode):
    """Counts operations by torch's formulas; its own counter follows modules by hooks that this loop doesn't bear."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = {} if kwargs is None else kwargs
        found = func(*args, **options)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.count += int(formula(*args, **options, out_val=found))
        elif func._schema.name == "mkldnn::_linear_pointwise":  # of packed matrices, for which torch has no formula
            self.count += 2 * args[0].numel() * found.shape[-1]
        return found


def _row(loop: Loop, precision: str, batch: int, peak_seconds: float, random: bool, hand: ByHand | None) -> Row:
    """Ours and the one by hand by turns; the least of each."""
    ours, theirs = [], []
    reset_peak_memory(loop.device)
    for _ in range(ROUNDS):
        ours.append(loop.seconds(batch, precision) / batch)
        memory = peak_memory(loop.device)
        if hand is not None:
            theirs.append(hand.seconds(batch) / batch)
    ratio = min(ours) / min(theirs) if theirs else None
    return Row(loop.name, random, precision, batch, min(ours), peak_seconds / min(ours), memory, ratio)
