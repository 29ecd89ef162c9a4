"""Freed memory: kept for the next step, unless the user has decided."""

import ctypes
import subprocess
import sys

import pytest

from dgnam.process import allocator, keep_freed_memory

GLIBC = allocator.platform.libc_ver()[0] == "glibc"
needs_glibc = pytest.mark.skipif(not GLIBC, reason="only glibc is told")
needs_mallinfo2 = pytest.mark.skipif(
    not (GLIBC and hasattr(ctypes.CDLL(None), "mallinfo2")), reason="mallinfo2 is of glibc 2.33 and newer"
)

STEP = """
import ctypes, torch
{}
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
before = mallinfo2().hblks
blocks = [torch.ones({}) for _ in range({})]
print(mallinfo2().hblks - before)
del blocks
print(mallinfo2().fordblks)
"""

COMMAND = """
import contextlib, io, sys
from dgnam.cli import main
sys.argv = ["dgnam", "--version"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
"""
"""A command that does nothing else."""


def step(code, numbers=5_000_000, count=8):
    """What glibc says of a first step that allocates some blocks and frees them, in a new process; else of 20 MB each.

    Returns: how many blocks were mapped from the system, each by itself, to be given back when freed; the free memory
        held after the step, in MB.  (Page faults, which all this is for, vary: later steps of a plain process keep what
        happens to lie below a block in use.)
    """
    shown = subprocess.run(
        [sys.executable, "-c", STEP.format(code, numbers, count)], capture_output=True, text=True, check=True
    )
    mapped, free = map(int, shown.stdout.split())
    return mapped, free / 1e6


@needs_mallinfo2
def test_what_is_freed_is_kept_for_the_next_step():
    mapped, free = step("")
    assert mapped == 8
    assert free < 100
    mapped, free = step("import dgnam")
    assert mapped == 0
    assert free > 150


@needs_mallinfo2
@pytest.mark.parametrize(("code", "mapped", "kept"), [("import dgnam", 3, 0), (COMMAND, 0, 480)])
def test_large_blocks_are_kept_where_the_process_is_the_command_s(code, mapped, kept):
    found, free = step(code, 40_000_000, 3)
    assert found == mapped
    assert kept <= free < kept + 100


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
