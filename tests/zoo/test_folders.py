"""The folders of the models, and what importing the zoo costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dgnam import zoo
from dgnam.errors import DgnamError
from dgnam.zoo import folders


def test_home_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    assert zoo.home() == tmp_path
    monkeypatch.delenv("DGNAM_HOME")
    assert zoo.home().name == "dgnam"


def test_the_folders_are_found_once_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dgnam" / "models").mkdir(parents=True)
    monkeypatch.setattr(folders, "__file__", str(tmp_path / "dgnam" / "zoo" / "folders.py"))
    assert zoo.data_folder("models") == tmp_path / "dgnam" / "models"
    with pytest.raises(DgnamError, match="installation is incomplete"):
        zoo.data_folder("prototxt")


def test_registry_and_data_floor_import_without_torch() -> None:
    code = (
        "import sys, dgnam.zoo, dgnam.data.catalog, dgnam.data.dataset, dgnam.data.preprocessing\n"
        "from dgnam import zoo\n"
        "assert zoo.get('caffenet-mini').state() == 'here'\n"
        "assert not {'torch', 'h5py', 'pooch', 'google'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
