"""What a record keeps of versions and threads."""

import platform

import numpy as np
import pytest
import torch

import dgnam
from dgnam.runs import environment


def test_versions_and_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    found = environment("pytest")
    assert found["threads"] == 7
    versions = {"dgnam": dgnam.__version__, "python": platform.python_version(), "numpy": np.__version__}
    assert versions.items() <= found["versions"].items()
    assert found["versions"]["pytest"] == pytest.__version__
    assert set(found["versions"]) == {*versions, "torch", "h5py", "Pillow", "protobuf", "pytest"}
