"""How long reading a caffemodel of CaffeNet's size takes, against reading the file and copying it once.

    python tests/bench/bench_caffemodel.py

The file lies in the page cache, so that what is compared is work, not the disk.  The ratio should stay under 3.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dgnam.caffe.proto import pb, read_caffemodel, write_caffemodel

SHAPES = {
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
    "fc6": (4096, 9216),
    "fc7": (4096, 4096),
    "fc8": (1000, 4096),
}
REPEATS = 5


def best(job: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def make(path: Path) -> float:
    """Write the file; the seconds that it took."""
    rng = np.random.default_rng(0)
    weights = {
        name: [rng.standard_normal(shape, np.float32), np.zeros(shape[0], np.float32)] for name, shape in SHAPES.items()
    }
    net = pb.NetParameter(name="CaffeNet", layer=[pb.LayerParameter(name=name) for name in SHAPES])
    start = time.perf_counter()
    write_caffemodel(path, net, weights)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "caffenet.caffemodel"
        written = make(path)
        read = best(lambda: read_caffemodel(path))
        floor = best(lambda: np.fromfile(path, np.uint8).copy())
        print(f"{path.stat().st_size / 1e6:.0f} MB: written in {written:.2f} s")
        print(f"read_caffemodel {read:.3f} s, one read and one copy {floor:.3f} s, ratio {read / floor:.2f}")


if __name__ == "__main__":
    main()
