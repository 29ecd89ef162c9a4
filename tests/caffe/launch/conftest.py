"""What the launcher's tests share."""

import shutil
from pathlib import Path

import pytest

from dgnam.caffe import launch

DGNAM = Path(launch.__file__).parents[2]


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The launcher without the runtime that it serves, which takes seconds to import: a folder for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("alone")
    package = folder / "dgnam" / "caffe"
    shutil.copytree(DGNAM / "caffe" / "launch", package / "launch", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("errors.py", "caffe/__main__.py", "caffe/glog.py"):
        shutil.copy(DGNAM / file, package.parent / file)
    for initial in (package.parent, package):
        (initial / "__init__.py").touch()
    (package / "mode.py").write_text("def let_cpu_stand_in(): pass\n")
    return folder
