"""How long short commands take, as multiples of a Python that does nothing.

    python tests/bench/bench_start.py

The least of REPEATS runs of each, in seconds of processor time, so that a busy machine changes little.
"""

import resource
import subprocess
import sys

COMMANDS = ("--help", "synthesize --help", "models list", "layers caffenet-mini", "doctor")
REPEATS = 5


def seconds(*command: str) -> float:
    """The processor time of a command, its least."""
    found = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def main() -> None:
    nothing = seconds("-c", "pass")
    print(f"{'python -c pass':30}{nothing:8.2f} s")
    for command in COMMANDS:
        taken = seconds("-m", "dgnam", *command.split())
        print(f"{'dgnam ' + command:30}{taken:8.2f} s{taken / nothing:8.1f} times")


if __name__ == "__main__":
    main()
