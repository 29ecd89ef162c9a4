"""Put small faults into the code and see whether the tests notice: `make mutants ARGS="--number 5 runs am/steps"`.

A sample of the mutants of each package, the same for the same seed.  Each is written into a copy of the checkout and
meets the tests that mirror its module, and if those let it live, the other tests of that folder.  A time-out counts
as killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.mutants.mutate import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("am", "measure", "runs", "train")
COPIED = ("dgnam", "prototxt", "models", "experiments", "tests", "setup.py", "README.md", ".pytest.ini")
PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not exhaustive")

PASSED = (0, 5)
"""What pytest exits with where no test fails; 5: all tests are left out, as slow ones are."""

FATES = ("killed", "killed by folder", "timed out", "survived")

_times = count(1)


def sampled(part: str, number: int, seed: int) -> list[Mutant]:
    """So many mutants of a package or a module, as `am/steps` or `runs/run.py`; all where there are fewer."""
    path = ROOT / "dgnam" / part
    modules = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    if not modules or not modules[0].is_file():
        raise SystemExit(f"{part}: dgnam/ has no such package or module; give am/steps, or runs/run.py")
    every = [mutant for module in modules for mutant in mutants_of(module.relative_to(ROOT), module.read_bytes())]
    chosen = random.Random(seed).sample(every, min(number, len(every)))
    return sorted(chosen, key=lambda mutant: (mutant.path, mutant.start, mutant.text))


def mirrored(module: Path) -> tuple[list[str], list[str]]:
    """The test file that mirrors a module, and the others of its folder, from the root."""
    folder = ROOT / "tests" / module.parent.relative_to("dgnam")
    while not any(folder.glob("test_*.py")):
        folder = folder.parent
    every = [path.relative_to(ROOT).as_posix() for path in sorted(folder.glob("test_*.py"))]
    mirror = [path for path in every if path.endswith(f"/test_{module.stem}.py")]
    return mirror, [path for path in every if path not in mirror]


class Copy:
    """A copy of the checkout that tests run in; `timeout` is how many seconds a file of them may take."""

    def __init__(self, folder: Path, timeout: float):
        self.folder, self.timeout = folder, timeout
        self._passing: set[str] = set()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder)

    def fate(self, mutant: Mutant) -> str:
        """What becomes of a mutant, of `FATES`."""
        path = self.folder / mutant.path
        source = path.read_bytes()
        for fate, tests in zip(FATES, mirrored(mutant.path), strict=False):
            _write(path, mutant.of(source))
            status = self._run(tests) if tests else 0
            _write(path, source)
            if status not in PASSED:
                self.check(tests)
                return FATES[2] if status is None else fate
        return FATES[3]

    def check(self, tests: Iterable[str]) -> None:
        """Raise SystemExit for tests that fail without any mutant."""
        unknown = sorted(set(tests) - self._passing)
        if unknown and self._run(unknown) not in PASSED:
            raise SystemExit(f"the tests fail without any mutant: {' '.join(unknown)}")
        self._passing.update(unknown)

    def _run(self, tests: Sequence[str]) -> int | None:
        """The status of pytest on these tests; None where it takes too long.  Nothing that it begins stays."""
        scratch = self.folder / "scratch"
        scratch.mkdir()
        settings = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "TMPDIR": str(scratch)}
        process = subprocess.Popen(
            [sys.executable, *PYTEST, f"--basetemp={scratch / 'pytest'}", *tests],
            cwd=self.folder,
            env={**os.environ, **settings, "PYTHONPATH": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(self.timeout * len(tests))
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(scratch, ignore_errors=True)


def _write(path: Path, source: bytes) -> None:
    """Write a module with a time of its own, so that no earlier bytecode is taken for it."""
    path.write_bytes(source)
    now = next(_times)
    os.utime(path, (now, now))


def table(fates: Mapping[str, Sequence[str]]) -> str:
    """How many of each package's mutants were killed, as Markdown."""
    lines = [f"| part | mutants | {' | '.join(FATES)} | share killed |", f"| --- |{' ---: |' * (2 + len(FATES))}"]
    for part, found in {**fates, "all": [fate for of in fates.values() for fate in of]}.items():
        counts = [found.count(fate) for fate in FATES]
        share = 1 - counts[-1] / len(found) if found else 1
        lines.append(f"| {part} | {len(found)} | {' | '.join(map(str, counts))} | {share:.0%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.mutants", description="Try the tests with small faults in the code.")
    parser.add_argument("parts", nargs="*", default=PACKAGES, help="as am/steps or runs/run.py (am measure runs train)")
    parser.add_argument("--number", type=int, default=10, help="mutants of each (10)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for a file of tests (300)")
    parser.add_argument("--list", action="store_true", help="print the sample and run nothing")
    options = parser.parse_args()
    samples = {part: sampled(part, options.number, options.seed) for part in options.parts}
    if options.list:
        print(*(mutant for sample in samples.values() for mutant in sample), sep="\n")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy goes
    fates: dict[str, list[str]] = {part: [] for part in samples}
    with tempfile.TemporaryDirectory(prefix="dgnam-mutants-") as folder:
        copy = Copy(Path(folder), options.timeout)
        copy.check(test for sample in samples.values() for mutant in sample for test in mirrored(mutant.path)[0])
        for part, sample in samples.items():
            for mutant in sample:
                fates[part].append(copy.fate(mutant))
                print(f"{fates[part][-1]:<16}  {mutant}", flush=True)
    print(f"\n{table(fates)}")


if __name__ == "__main__":
    main()
