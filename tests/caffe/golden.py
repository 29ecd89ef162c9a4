"""What the golden tests share: where the files lie, and how errors are measured."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """max|a - b| / max|b|, in float64; the shapes must be equal."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    largest = np.abs(theirs).max(initial=0)
    return float(np.abs(ours - theirs).max(initial=0) / (largest if largest > 0 else 1))


def stand_in_weights() -> ModuleType:
    """The module `weights.py` that the full-size nets were filled by."""
    spec = importlib.util.spec_from_file_location("golden_weights", GOLDEN / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
