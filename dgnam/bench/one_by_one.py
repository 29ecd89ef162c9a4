"""The published loop, one image at a time, on the nets of `dgnam.caffe` and, where it can be imported, BVLC's Caffe."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import zoo
from ..am import L2Decay, Unit, random_code
from ..am.published import loop as published
from ..am.published.backend import backend_name, find_backend, open_net
from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import write_hdf5_weights
from ..zoo.stand_ins import GENERATOR
from .step_times import Loop

ROUNDS = 3


def published_seconds(loop: Loop, target: CaffeModule, generator: CaffeModule) -> dict[str, float]:
    """Seconds of a step, the least of some after one that is not counted, by backend; CaffeNet with these weights."""
    found = {}
    with TemporaryDirectory() as folder:
        for module, name in ((target, loop.name), (generator, GENERATOR)):
            write_hdf5_weights(Path(folder) / f"{name}.h5", module.weights())
        for backend in {backend_name(one): one for one in (find_backend("dgnam"), find_backend("auto"))}.values():
            ours, theirs = (
                open_net(backend, zoo.get(name).prototxt, Path(folder) / f"{name}.h5")
                for name in (loop.name, GENERATOR)
            )
            found[backend_name(backend)] = _least_seconds(ours, theirs, Unit(loop.layer, 0))
    return found


def _least_seconds(target: published.Net, generator: published.Net, unit: Unit) -> float:
    code, taken = random_code(0, (1, 4096)), []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        code = published.advance(target, generator, unit, code, 8.0, L2Decay(0.99), None).code
        taken.append(time.perf_counter() - began)
    return min(taken[1:])
