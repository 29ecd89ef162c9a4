"""One format under atheris: `python -m tests.fuzz.target FORMAT OUT [options of libFuzzer]`.

OUT gets the corpus, the number of executions so far, and a file and a text for each finding; a finding doesn't end
the run, and a crash, a hang or too much memory does.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import random
import resource
import struct
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dgnam", "google.protobuf.text_format"], enable_loader_override=False):
    from tests.fuzz import examine, mutate

    MODULE = examine.target(sys.argv[1])

_ROOM = 2 << 30
"""How much address space the reading may take beyond what the process has at its start."""


def main() -> None:
    out = Path(sys.argv[2])
    (out / "corpus").mkdir(parents=True, exist_ok=True)
    for seed in MODULE.seeds():
        (out / "corpus" / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    count = _counter(out / "executions")
    room = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=room) as folder:
        path = Path(folder) / MODULE.FILE
        path.parent.mkdir(exist_ok=True)

        def one(data: bytes) -> None:
            count[:] = struct.pack("<Q", struct.unpack("<Q", count)[0] + 1)
            path.write_bytes(data)
            try:
                examine.examine(MODULE, path)
            except examine.Finding as finding:
                _keep(out, finding, data)

        for seed in MODULE.seeds():  # all that is loaded late is loaded now
            one(seed)
        _limit_memory()
        options = ["-timeout=60", "-rss_limit_mb=0", "-max_len=16384", f"-artifact_prefix={out}/", *sys.argv[3:]]
        atheris.Setup([sys.argv[0], *options, str(out / "corpus")], one, custom_mutator=_mutate)
        atheris.Fuzz()


def _counter(path: Path) -> mmap.mmap:
    """Eight bytes that outlive a crash."""
    if not path.exists():
        path.write_bytes(bytes(8))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 8)


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    draw = random.Random(seed)
    if draw.random() < 0.5:
        return atheris.Mutate(data, max_size)
    steps = [
        (draw.choice(mutate.KINDS), draw.randrange(2**32), draw.randrange(2**32)) for _ in range(draw.randint(1, 4))
    ]
    return mutate.mutate(data, steps)[:max_size]


def _keep(out: Path, finding: examine.Finding, data: bytes) -> None:
    """The first file for each kind of finding."""
    path = out / f"finding-{hashlib.sha1(finding.mark.encode()).hexdigest()[:12]}"
    if not path.exists():
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(str(finding), encoding="utf-8", errors="replace")


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    main()
