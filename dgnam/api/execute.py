"""Carry out a plan into a run's folder, from where it was stopped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import closing

from ..am import Result
from ..files.paths import writing_text
from ..runs import Run, defer_interrupt
from ..runs.environment import threads
from ..runs.executor import ChunkLosses, Executor, Failed, LocalExecutor, Made, Task, Work
from ..runs.executor.executor import Chunks, Maker
from .batches import Batches, arrays_of_batch, batch_of_arrays
from .outputs import Outputs
from .plan import Plan
from .report import SUMMARY, Report
from .run_folder import at_work


def carry_out(
    run: Run,
    plan: Plan,
    outputs: Outputs,
    *,
    executor: Executor | None = None,
    there: Callable[[], Maker] | None = None,
    progress: bool = True,
) -> list[str]:
    """Do what is left of a plan, save each batch when it is done, and write the report; returns its lines.

    executor: who makes the batches; this process where None.
    there: what gives another process the batches' maker.
    Raises Interrupted after Ctrl-C or SIGTERM; what is done has been saved.  After one that comes when all images are
    done the report is written first.  Raises ChunksFailedError, without a report, where an executor gave batches up.
    """
    maker = LocalExecutor() if executor is None else executor
    count, losses = len(plan.jobs), ChunkLosses(run)
    log = {} if plan.measured is None else {"batch": plan.measured.as_dict()}
    with (
        maker,
        at_work(run, count, "images", maker.name, **log),
        defer_interrupt() as stop,
        writing_text(run.path / SUMMARY) as table,
    ):
        report, kept = Report(plan, outputs, table), _kept_batches(run, plan)
        done = sum(len(batch) for batch, whole in zip(plan.batches, kept, strict=True) if whole)

        def check() -> None:
            if stop:
                raise stop.interrupted(f"stopped; {done} of {count} images are done")

        with closing(_made(run, plan, outputs, maker, there, kept, check, progress)) as made:
            for number, batch in enumerate(plan.batches):
                name = plan.chunk(number)
                if kept[number]:
                    result = read_result(run, name, batch)
                else:
                    found = next(made)
                    if isinstance(found, Failed):
                        losses.add(found)
                        continue
                    result = batch_of_arrays(found.arrays, f"{run.path}: chunk '{name}'", batch)
                    for file, content in found.files.items():
                        run.write_bytes(file, content)
                    save_result(run, name, result)
                    done += len(batch)
                if not losses:
                    report.add(run, number, result)
                if done < count:
                    check()
            next(made, None)  # all of it is entered
        losses.complain()
        run.sort()
        lines = report.write(run)
    report.unclimbed.warn(stacklevel=3)
    if stop:
        raise stop.interrupted(f"stopped; all {count} images are done", run.path)
    return lines


def _made(
    run: Run,
    plan: Plan,
    outputs: Outputs,
    executor: Executor,
    there: Callable[[], Maker] | None,
    kept: Sequence[int],
    check: Callable[[], None],
    progress: bool,
) -> Chunks:
    """The batches that are not kept, in their order, as the executor makes them."""
    waiting = executor.waiting(run)
    here: Batches | None = None

    def make(number: int) -> Made:
        nonlocal here
        if here is None:
            some = any(kept) or bool(waiting)
            left = [batch for k, batch in enumerate(plan.batches) if not kept[k] and plan.chunk(k) not in waiting]
            here = Batches(plan, outputs, left if some else plan.batches, check, progress)
        return here(number)

    numbers = (number for number in range(len(plan.batches)) if not kept[number])
    tasks = (Task(plan.chunk(number), number) for number in numbers)
    work = Work(make, there, threads=threads(), device=plan.device)
    return executor.make(run, tasks, work, check=check, progress=progress)


def _kept_batches(run: Run, plan: Plan) -> bytearray:
    """Whether each batch has its chunk, as a byte; of a damaged one that is said."""
    entered, kept = set(run.names()), bytearray(len(plan.batches))
    for number in range(len(kept)) if entered else ():
        name = plan.chunk(number)
        damage = run.damage(name) if name in entered else None
        if damage is not None:
            warnings.warn(f"{damage}; it is made again", stacklevel=4)
        kept[number] = name in entered and damage is None
    return kept


def read_result(run: Run, name: str, jobs: range | None = None) -> Result:
    """The batch that a chunk holds; other jobs than `jobs` are a FormatError."""
    return batch_of_arrays(run.load(name), f"{run.path}: chunk '{name}'", jobs)


def save_result(run: Run, name: str, result: Result) -> None:
    """Write a batch as a chunk."""
    run.save(name, arrays_of_batch(result), None, len(result.indices))
