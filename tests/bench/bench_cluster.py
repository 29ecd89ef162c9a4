"""What a cluster adds to a sweep, and how long all units of CaffeNet take on 1, 8 and 64 GPUs.

Workers of a real Ray cluster on this machine sleep where a GPU would compute, and leave chunks of full size, 100 images
of 227 x 227 pixels with their pictures, which the driver enters.  So the hand-out, the way of the chunks and the
folder are measured, and the seconds of a GPU are assumed: --step, by default a millisecond for a step of an image.

    python tests/bench/bench_cluster.py --workers 4 --chunks 12
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from dgnam.runs import Record, Run
from dgnam.runs.executor import Failed, Made, RayExecutor, Task, Work
from dgnam.runs.executor.cost import ASSUMED_STEP, CAFFENET_UNITS, Cost, table
from dgnam.runs.executor.parcels import Parcels, pack, parcel_name

BATCH, STEPS, SIZE, CODE = 100, 200, 227, 4096
ROUNDS = 3


def there(seconds: float):
    """What sleeps, and gives a chunk of full size; sent by value."""
    draw = np.random.default_rng(0)
    arrays = {
        "images": draw.normal(0, 50, (BATCH, 3, SIZE, SIZE)).astype(np.float32),
        "codes": draw.normal(0, 1, (BATCH, CODE)).astype(np.float32),
        "activations": np.zeros((BATCH, STEPS), np.float32),
    }
    picture = draw.integers(0, 256, 90_000, np.uint8).tobytes()

    def make(number: int) -> Made:
        time.sleep(seconds)
        return Made(arrays, {f"images/{number:05d}-{k:03d}.png": picture for k in range(BATCH)}, BATCH)

    return make


def packing_seconds() -> float:
    """What a worker's processor does for a chunk that its GPU has made: packs it, and leaves it in a folder."""
    chunk = there(0)(0)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        for _ in range(ROUNDS):
            content = pack(chunk)
            Parcels(folder).put(parcel_name("00000", BATCH, content), content)
        return (time.process_time() - began) / ROUNDS


def measure(workers: int, chunks: int, seconds: float) -> Cost:
    """The numbers of the model, from one run by the clock."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=workers, object_store_memory=200_000_000, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create_at(Path(folder, "run"), Record("visualize", {}, {}))
        tasks = [Task(f"{number:05d}", number) for number in range(chunks)]
        work = Work(there(0), lambda: there(seconds))
        came, began, used = [], time.time(), time.process_time()
        with RayExecutor() as executor, run.exclusive(chunks):
            made = executor.make(run, tasks, work, check=lambda: None, progress=False)
            for task, found in zip(tasks, made, strict=True):
                assert not isinstance(found, Failed), found
                came.append(time.time())
                for name, content in found.files.items():
                    run.write_bytes(name, content)
                run.save(task.name, found.arrays, None, found.count)
        used = time.process_time() - used
    ray.shutdown()
    start = came[0] - began - seconds
    efficiency = min(1.0, chunks * seconds / (workers * (came[-1] - came[0] + seconds)))
    return Cost(seconds / (BATCH * STEPS), efficiency, used / chunks, start, BATCH)


def main() -> None:
    """Print what was measured, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--chunks", type=int, default=12)
    parser.add_argument(
        "--step", type=float, default=ASSUMED_STEP, help="seconds of a GPU for a step of an image (assumed)"
    )
    given = parser.parse_args()
    cost = measure(given.workers, given.chunks, given.step * BATCH * STEPS)
    print(f"{given.workers} workers, {given.chunks} chunks: efficiency {cost.efficiency:.2f} by the clock,", end=" ")
    print(f"{cost.entering_seconds:.2f} s of the driver for each chunk, {cost.start_seconds:.0f} s to start")
    packing, seconds = packing_seconds(), given.step * BATCH * STEPS
    cost = replace(cost, efficiency=seconds / (seconds + packing))
    print(f"{packing:.2f} s of a worker's processor for each chunk: efficiency {cost.efficiency:.2f} if it has one")
    units = sum(CAFFENET_UNITS.values())
    print(f"{units:,} units of CaffeNet, {STEPS} steps, {given.step * 1000:g} ms a step and image (assumed):")
    print("\n".join(table(cost, STEPS)))


if __name__ == "__main__":
    main()
