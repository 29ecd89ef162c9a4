"""Backends of the published loop: BVLC's own `caffe`, if it can be imported, and `dgnam.caffe`.

    backend = find_backend("auto")
    nets = open_net(backend, target_prototxt, target_weights), open_net(backend, prototxt, weights)
    result = one_by_one(*nets, [Job(Unit("fc8", 643))], clip=bounds)

Both have pycaffe's interface, for the same loop (published/loop.py); one process can use both.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import numpy as np

import dgnam.caffe as ours

from ...caffe.proto import StateDict, write_caffemodel
from ...errors import DgnamError, closest
from ...runs.progress import progress_bar
from ..jobs import Job, Result
from ..regularizers import Bounds
from ..starts import random_code
from . import loop

BACKENDS = ("auto", "dgnam", "caffe")

_LEVEL = "GLOG_minloglevel"

StrPath = str | os.PathLike[str]


def find_backend(name: str = "auto") -> ModuleType:
    """The module with pycaffe's interface: `dgnam.caffe` for "dgnam", BVLC's for "caffe"; "auto" prefers BVLC's.

    Raises DgnamError with the reason if "caffe" cannot be imported.
    """
    if name not in BACKENDS:
        raise DgnamError(f"backend '{name}': give one of {closest(name, BACKENDS)}")
    if name == "dgnam":
        return ours
    try:
        return real_caffe()
    except ImportError as error:
        if name == "auto":
            return ours
        raise DgnamError(
            f"backend 'caffe': BVLC's caffe cannot be imported here ({error}); use dgnam or auto"
        ) from error


def real_caffe() -> ModuleType:
    """BVLC's `caffe`; raises ImportError if there is none, or if `dgnam.caffe` serves `import caffe`.

    It logs errors alone, unless GLOG_minloglevel says otherwise: its log of a net is pages long.
    """
    with _quiet():
        module = importlib.import_module("caffe")
    if module is ours or not hasattr(module, "Net"):
        raise ImportError("the module of `import caffe` is not BVLC's")
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """GLOG_minloglevel is 2 unless it is set; glog reads it as its library is loaded."""
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = "2"
    try:
        yield
    finally:
        del os.environ[_LEVEL]


def backend_name(backend: ModuleType) -> str:
    """The name of a module of `find_backend`."""
    return "dgnam" if backend is ours else "caffe"


def open_net(backend: ModuleType, prototxt: StrPath, weights: StrPath) -> loop.Net:
    """A net of the backend in phase TEST, on the CPU, with its weights.

    prototxt: with `force_backward: true`, as all targets and generators in `prototxt/`.
    weights: a caffemodel, Caffe's HDF5 with a name in .h5, or a torch state dict, which BVLC's gets as a caffemodel.
    """
    backend.set_mode_cpu()
    with _readable(backend, prototxt, weights) as readable:
        net = backend.Net(os.fspath(prototxt), backend.TEST, weights=os.fspath(readable))
    if backend is ours:
        net.param_gradients = False  # not needed by the loop; BVLC's computes them all the same
    return net


@contextmanager
def _readable(backend: ModuleType, prototxt: StrPath, weights: StrPath) -> Iterator[StrPath]:
    """The weights, in a format that the backend reads."""
    read = None if backend is ours else ours.read_weights(weights)
    if not isinstance(read, StateDict):
        yield weights
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.caffemodel")
        write_caffemodel(path, ours.read_net(prototxt), read)
        yield path


def one_by_one(
    target: loop.Net,
    generator: loop.Net,
    jobs: Sequence[Job],
    *,
    clip: Bounds | None,
    start_codes: np.ndarray | None = None,
    on_step: Callable[[int, loop.Step], None] | None = None,
    progress: bool = True,
) -> Result:
    """The result of all jobs by the published loop, one image at a time.

    target, generator: nets of one backend or of two.
    clip: bounds of the codes; None for no clip.
    start_codes: (jobs, *code_shape); None for random codes from the jobs' seeds.
    on_step: called with the number of each image's step and the step.
    """
    shape = tuple(generator.blobs[generator.inputs[0]].data.shape[1:])
    bar = progress_bar(jobs, show=progress, desc="synthesizing", unit="image")
    traces = []
    for row, job in enumerate(bar):
        code = random_code(job.seed, (1, *shape)) if start_codes is None else start_codes[row][None]
        traces.append(loop.synthesize(target, generator, job.unit, code, job.settings, clip=clip, on_step=on_step))
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
        stopped=np.array([trace.stopped for trace in traces], np.int8),
    )
