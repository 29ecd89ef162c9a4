"""`dgnam caffe device-query`."""

from __future__ import annotations

import pytest
import torch

from dgnam.errors import CaffeError
from tests.caffe.tools.commands import messages, run


def test_no_gpu_is_asked_for_unless_one_is_named(capsys, monkeypatch):
    run("device_query")
    assert messages(capsys) == ["Querying GPUs "]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CaffeError, match="--gpu all: this machine has no GPU"):
        run("device_query", "-gpu", "all")


@pytest.mark.cuda
def test_a_gpu_is_described(capsys):
    run("device_query", "-gpu", "0")
    lines = messages(capsys)
    assert lines[1] == f"Device id:{0:>22}"
    assert torch.cuda.get_device_name(0) in lines[4]
