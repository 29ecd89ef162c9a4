"""Shell scripts that call Python 2, unedited: their `python` is the launcher.

    python -m dgnam.caffe --python2 --shell 1_activate_output.sh

The script runs under bash with a folder first in PATH whose `python`, `python2` and `python2.7` are
`python -m dgnam.caffe --python2`; its other programs, such as ImageMagick's, have to be installed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ....errors import DgnamError

PYTHONS = ("python", "python2", "python2.7")
_IMAGEMAGICK = ("convert", "identify", "mogrify", "montage")


def run(arguments: list[str]) -> int:
    """Run a script with its arguments; returns its exit status.

    Raises DgnamError where there is no such script or no bash.
    """
    script, bash = Path(arguments[0]), shutil.which("bash")
    if not script.is_file():
        raise DgnamError(f"--shell: there is no file '{script}'")
    if bash is None:
        raise DgnamError("--shell: bash is not installed")
    for program in _missing(script.read_text(encoding="utf-8", errors="replace")):
        print(
            f"{script} calls ImageMagick's {program}, which is not installed; its files will be missing",
            file=sys.stderr,
        )
    with tempfile.TemporaryDirectory(prefix="dgnam-python2-") as folder:
        for name in PYTHONS:
            _write_launcher(Path(folder, name))
        path = os.pathsep.join((folder, os.environ.get("PATH", os.defpath)))
        environment = {**os.environ, "PATH": path, "PYTHONPATH": _module_path()}
        status = subprocess.run([bash, *arguments], env=environment, check=False).returncode
    return status if status >= 0 else 128 - status


def _missing(text: str) -> list[str]:
    """ImageMagick's programs that begin a line of the script, and are not installed."""
    called = set(re.findall(rf"^\s*({'|'.join(_IMAGEMAGICK)})\s", text, re.MULTILINE))
    return sorted(name for name in called if shutil.which(name) is None)


def _write_launcher(path: Path) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m dgnam.caffe --python2 "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _module_path() -> str:
    """PYTHONPATH, with absolute folders: the script may change the current one."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(os.path.abspath(place) for place in given.split(os.pathsep) if place)
