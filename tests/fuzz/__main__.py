"""Fuzz the readers, a format after the other, and print a table: `python -m tests.fuzz [FORMAT …] [-max_total_time=S]`.

All that begins with `-` goes to libFuzzer; a format gets 60 seconds unless it says otherwise.  The findings, the
files that crashed a reader among them, lie in `runs/fuzz/FORMAT`, where the next run goes on with its corpus.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import examine

OUT = Path(__file__).parents[2] / "runs" / "fuzz"
_TIME = "-max_total_time="
_SECONDS = 60


def main() -> None:
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or examine.formats()
    seconds = float(next((o.removeprefix(_TIME) for o in options if o.startswith(_TIME)), _SECONDS))
    options = [o for o in options if not o.startswith(_TIME)]
    rows = []
    for name in names:
        rows.append((name, _run(name, seconds, options), _findings(OUT / name)))
        print(f"{'target':14}{'executions':>12}  findings (in {OUT})")
        for row in rows:
            print(f"{row[0]:14}{row[1]:12}  {', '.join(row[2]) or 'none'}", flush=True)
    sys.exit(any(row[2] for row in rows))


def _run(name: str, seconds: float, options: list[str]) -> int:
    """Fuzz one format, begun anew after each crash; returns the executions."""
    out, end = OUT / name, time.monotonic() + seconds
    out.mkdir(parents=True, exist_ok=True)
    before = _executions(out)
    while (left := int(end - time.monotonic())) > 0:
        command = [sys.executable, "-m", "tests.fuzz.target", name, str(out), f"{_TIME}{left}", *options]
        with (out / "log").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False)
        if done.returncode == 0:
            break
        if not _executions(out):
            sys.exit(f"the target {name} did not start; see {out / 'log'}")
    return _executions(out) - before


def _executions(out: Path) -> int:
    path = out / "executions"
    return int(struct.unpack("<Q", path.read_bytes())[0]) if path.exists() else 0


def _findings(out: Path) -> list[str]:
    found = [path.read_text(encoding="utf-8").split("\n", 1)[0] for path in sorted(out.glob("finding-*.txt"))]
    return found + sorted(path.name for kind in ("crash", "timeout", "oom") for path in out.glob(f"{kind}-*"))


if __name__ == "__main__":
    main()
