"""Freed memory: kept for the next step, unless the user has decided."""

import subprocess
import sys

import pytest

from dgnam.process import allocator, keep_freed_memory

needs_glibc = pytest.mark.skipif(allocator.platform.libc_ver()[0] != "glibc", reason="only glibc is told")

FAULTS = """
import resource, torch
{}
def step():
    blobs = [torch.ones(5_000_000) for _ in range(8)]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(code):
    """Page faults of three steps that allocate 160 MB in eight blocks and free them, in a new process."""
    shown = subprocess.run([sys.executable, "-c", FAULTS.format(code)], capture_output=True, text=True, check=True)
    return int(shown.stdout)


@needs_glibc
def test_what_is_freed_is_used_again():
    assert faults("import dgnam") < 100 < faults("")


@needs_glibc
@pytest.mark.parametrize(
    ("variables", "kept"),
    [
        ({}, True),
        ({"MALLOC_TRIM_THRESHOLD_": "1"}, False),
        ({"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1"}, False),
    ],
)
def test_the_user_decides(variables, kept):
    assert keep_freed_memory(variables) == kept


def test_without_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory({})
