"""Training a net of the user's from its solver.prototxt, whose weights end as a caffemodel beside the checkpoints.

    python -m dgnam.train prototxt/caffenet/solver.prototxt --run runs/caffenet --data DIR --device cuda

does it on a machine that has nothing but numpy, torch, h5py, protobuf and Pillow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..caffe.proto import read_weights, write_caffemodel
from .classifier import train_classifier
from .solver_nets import solver_nets


def train_own(
    solver_path: str | Path,
    run_folder: str | Path,
    *,
    data_folder: str | os.PathLike[str] | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    precision: str | None = None,
    adversarial_radius: float | None = None,
    time_limit: float | None = None,
    progress: bool = True,
) -> Path | None:
    """Train a solver's net, or go on from the checkpoint in `run_folder`; see `train_classifier`.

    weights: the file of weights to start from.
    Returns the caffemodel with the net's name in `run_folder`, with the net as it was trained; None where the time
    limit came first.
    """
    spec: dict[str, Any] = {"model": str(solver_path), "precision": precision, "device": device}
    spec["adversarial_radius"] = adversarial_radius
    spec |= {name: None if path is None else str(path) for name, path in (("data", data_folder), ("weights", weights))}
    net = train_classifier(
        solver_path,
        run_folder,
        data_folder=None if data_folder is None else Path(data_folder),
        weights=None if weights is None else read_weights(weights),
        device=device,
        precision=precision,
        adversarial_radius=adversarial_radius,
        time_limit=time_limit,
        spec=spec,
        progress=progress,
    )
    if net is None:
        return None
    definition = solver_nets(solver_path).train.definition
    name = definition.name.replace("/", "_") if definition.name else "net"
    path = Path(run_folder) / f"{name}.caffemodel"
    write_caffemodel(path, definition, net.cpu().weights())
    return path
