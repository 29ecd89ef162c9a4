"""The engines of the published loop: BVLC's own `caffe`, where it can be imported, and `dgnam.caffe`.

    engine = find_engine("auto")
    nets = open_net(engine, target_prototxt, target_weights), open_net(engine, prototxt, weights)
    result = one_by_one(*nets, [Job(Unit("fc8", 643))], clip=bounds)

Both have pycaffe's interface, so that the loop of `reference.py` is the same; both can be used in one process.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from types import ModuleType

import numpy as np
from tqdm import tqdm

import dgnam.caffe as ours

from ...errors import DgnamError, closest
from ..regularizers.bounds import Bounds
from ..starts.start import random_code
from ..synthesize import Job, Result
from . import loop as reference

ENGINES = ("auto", "dgnam", "caffe")

StrPath = str | os.PathLike[str]


def find_engine(name: str = "auto") -> ModuleType:
    """The module with pycaffe's interface: "dgnam" is `dgnam.caffe`, "caffe" BVLC's; "auto" is that, or else ours.

    Raises DgnamError for "caffe" where it can't be imported, with the reason.
    """
    if name not in ENGINES:
        raise DgnamError(f"engine '{name}': give one of {closest(name, ENGINES)}")
    if name == "dgnam":
        return ours
    try:
        return real_caffe()
    except ImportError as error:
        if name == "auto":
            return ours
        raise DgnamError(f"engine 'caffe': BVLC's caffe can't be imported here ({error}); use dgnam or auto") from error


def real_caffe() -> ModuleType:
    """BVLC's `caffe`; ImportError where there is none, or where `import caffe` is served by `dgnam.caffe`."""
    module = importlib.import_module("caffe")
    if module is ours or not hasattr(module, "Net"):
        raise ImportError("the module that `import caffe` gives is not BVLC's")
    return module


def engine_name(engine: ModuleType) -> str:
    """The name that `find_engine` finds this module by."""
    return "dgnam" if engine is ours else "caffe"


def open_net(engine: ModuleType, prototxt: StrPath, weights: StrPath) -> reference.Net:
    """A net of the engine's in TEST, on the CPU, with its weights.

    prototxt: with `force_backward: true`, as all in `prototxt/` that serve as targets and generators have it.
    weights: a caffemodel, or Caffe's HDF5 with a name in .h5.
    """
    engine.set_mode_cpu()
    net = engine.Net(os.fspath(prototxt), engine.TEST, weights=os.fspath(weights))
    if engine is ours:
        net.param_gradients = False  # the loop asks for none; BVLC's computes them all the same
    return net


def one_by_one(
    target: reference.Net,
    generator: reference.Net,
    jobs: Sequence[Job],
    *,
    clip: Bounds | None,
    progress: bool = True,
) -> Result:
    """What `batch.synthesize` and `gather` give, by the published loop: one image at a time, on nets of any engine.

    target, generator: nets of the same engine or of two.
    clip: what codes are clipped to; None leaves them free.
    """
    shape = tuple(generator.blobs[generator.inputs[0]].data.shape[1:])
    bar = tqdm(jobs, desc="synthesizing", unit="image", disable=not progress)
    traces = [
        reference.synthesize(target, generator, job.unit, random_code(job.seed, (1, *shape)), job.settings, clip=clip)
        for job in bar
    ]
    steps = np.array([len(trace.activations) for trace in traces])
    activations = np.full((len(jobs), steps.max(initial=0)), np.nan, np.float32)
    for row, trace in zip(activations, traces, strict=True):
        row[: len(trace.activations)] = trace.activations
    return Result(
        indices=tuple(range(len(jobs))),
        images=np.concatenate([trace.image for trace in traces]),
        codes=np.stack([trace.codes[-1] for trace in traces]),
        activations=activations,
        steps=steps,
    )
