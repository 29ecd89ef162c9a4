"""Records what real Caffe makes of `layer_modes.py`, where it can be imported:

python -m tests.caffe.record_layer_modes tests/golden/layer_modes.h5
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from tests.caffe.layer_case import compute
from tests.caffe.layer_modes import CASES

SOURCE = "BVLC Caffe 1.0 (commit 9b89154), CPU, OpenBLAS, float32"


def main(target: str) -> None:
    import caffe

    with h5py.File(target, "w", libver="latest") as file, tempfile.TemporaryDirectory() as folder:
        file.attrs["source"] = SOURCE
        for name, case in CASES.items():
            result = compute(caffe, name, case, Path(folder) / "net.prototxt")
            group = file.create_group(name)
            group.attrs["prototxt"] = case.prototxt
            group.attrs["outputs"] = result.outputs
            group.attrs["phase"], group.attrs["passes"] = case.phase, case.passes
            group.attrs["has_backward"] = True
            result.blobs = {blob: a for blob, a in result.blobs.items() if not _same(a, result.inputs.get(blob))}
            for key in ("inputs", "blobs", "top_diffs", "bottom_diffs"):
                _write(group, key, getattr(result, key))
            changed = [k for k, before in result.params.items() if not _all_same(before, result.params_after[k])]
            result.params_after = {layer: result.params_after[layer] for layer in changed}
            for key in ("params", "params_after", "param_diffs"):
                for layer, arrays in getattr(result, key).items():
                    _write(group, f"{key}/{layer}", arrays)


def _all_same(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> bool:
    return all(_same(a, b) for a, b in zip(before, after, strict=True))


def _same(one: np.ndarray, other: np.ndarray | None) -> bool:
    """What is left as it was is not written once more."""
    return other is not None and np.array_equal(one, other)


def _write(group: h5py.Group, key: str, arrays: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> None:
    named = arrays.items() if isinstance(arrays, Mapping) else ((str(i), a) for i, a in enumerate(arrays))
    for name, values in named:
        group.create_dataset(f"{key}/{name}", data=np.asarray(values, np.float32))


if __name__ == "__main__":
    main(sys.argv[1])
