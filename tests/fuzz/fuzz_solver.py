"""Solvers as text."""

from __future__ import annotations

from pathlib import Path

from dgnam.caffe.proto import read_solver, to_text

FILE = "hostile.prototxt"

NEW = """net: "train_val.prototxt" test_iter: 10 test_interval: 100 base_lr: 0.01 lr_policy: "multistep" stepvalue: 10
stepvalue: 20 gamma: 0.1 momentum: 0.9 weight_decay: 0.0005 max_iter: 100 snapshot: 50 snapshot_prefix: "out/net"
type: "Adam" momentum2: 0.999 delta: 1e-8 random_seed: 1 iter_size: 2 clip_gradients: 10 solver_mode: CPU
"""
OLD = """train_net_param { name: "n" layers { name: "r" type: RELU bottom: "d" top: "d" } } solver_type: NESTEROV
test_net_param { input: "d" input_dim: [1, 2, 3, 4] } test_state { phase: TEST stage: "s" level: 1 }
snapshot_format: HDF5
"""


def seeds() -> list[bytes]:
    return [NEW.encode(), OLD.encode()]


def read(path: Path) -> None:
    to_text(read_solver(path))
