"""Preferred images of a network's units, by activation maximization in the code space of a deep generator (DGN-AM)."""

from pathlib import Path

__version__ = "0.1.0"

# Installed, `experiments/` lies in this folder.  In a checkout it lies beside it, as `prototxt/` and `models/` do.
if not Path(__file__).with_name("experiments").is_dir():
    __path__.append(str(Path(__file__).parent.parent))
