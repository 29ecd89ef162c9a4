"""Python processes, as the launcher's tests begin them."""

import os
import subprocess
import sys
from pathlib import Path

from dgnam.caffe import launch

ROOT = Path(launch.__file__).parents[3]
"""The folder that `dgnam` lies in."""


def python(*command, cwd, path=ROOT, stdin="", **environment):
    """A python process that finds modules in `path`: its exit status, stdout, stderr."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path), **environment},
        input=stdin,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr
