"""What is installed and usable here, and that whatever is wrong is a line, never a crash."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from dgnam import doctor, zoo
from dgnam.doctor import BROKEN, MISSING, OK, Finding
from dgnam.zoo import folders


def findings():
    return {finding.what: finding for finding in doctor.examine()}


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DGNAM_DATA", raising=False)


def run(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)


def test_this_machine_is_healthy():
    found = findings()
    assert doctor.healthy(list(found.values()))
    assert found["torch"] == Finding("torch", OK, torch.__version__, required=True)
    assert found["model caffenet-mini"].state == OK
    assert found["model caffenet"].state == MISSING
    assert "dgnam models fetch caffenet" in found["model caffenet"].detail
    assert f"{torch.get_num_threads()} threads" in found["device cpu"].detail
    assert "GiB free" in found["memory"].detail
    assert "\n" not in "".join(finding.line for finding in found.values())


def test_a_quick_look_imports_nothing():
    code = "import sys; from dgnam import doctor; s = doctor.main(deep=False); print(s, 'torch' in sys.modules)"
    shown = run(code)
    assert shown.stdout.splitlines()[-1] == "0 False"
    quick, deep = (
        [line.split()[:2] for line in one.stdout.splitlines()] for one in (shown, run(code.replace("False", "True")))
    )
    assert quick[:-1] == deep[:-1]


def test_its_lists_are_those_of_setup(monkeypatch):
    given = {}
    monkeypatch.setattr("setuptools.setup", given.update)
    runpy.run_path(str(Path(__file__).parents[1] / "setup.py"))
    new = sys.version_info >= (3, 11)
    needed = [one for one in given["install_requires"] if not (new and "python_version < '3.11'" in one)]
    extras = [
        one
        for name, some in given["extras_require"].items()
        if name not in ("docs", "fuzz", "notebook", "test")
        for one in some
    ]
    assert {re.match(r"[\w-]+", one)[0] for one in needed} == set(doctor.REQUIRED)
    assert {re.match(r"[\w-]+", one)[0] for one in extras} | {"pandas"} == set(doctor.OPTIONAL)


def test_a_quick_examination_reads_no_weights(tmp_path, monkeypatch):
    place = zoo.get("caffenet").places()["weights"]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"damage")
    monkeypatch.setattr(zoo.ModelEntry, "state", lambda *given: pytest.fail("a checksum was compared"))
    found = {finding.what: finding for finding in doctor.examine(deep=False, checksums=False)}
    assert doctor.healthy(list(found.values()))
    assert found["model caffenet"].state == OK
    assert found["model googlenet"].state == MISSING
    shown = run("from dgnam.cli import main; main()", "doctor", "--quick", "--json")
    assert json.loads(shown.stdout)["healthy"] is True
    assert run("from dgnam.cli import main; main()", "doctor").stdout.count("broken   model caffenet ") == 1


def test_a_quick_examination_misses_no_missing_model(tmp_path, monkeypatch):
    real = folders.data_folder
    shutil.copytree(real("models"), tmp_path / "models")
    monkeypatch.setattr(folders, "data_folder", lambda name: tmp_path / name if name == "models" else real(name))
    zoo.get("judge-mini").places()["weights"].unlink()
    found = {finding.what: finding for finding in doctor.examine(deep=False, checksums=False)}
    assert found["model judge-mini"].state == MISSING
    assert not doctor.healthy(list(found.values()))


def test_the_command_prints_a_line_each_or_json():
    text = run("from dgnam.cli import main; main()", "doctor")
    assert text.returncode == 0
    assert {line.split()[0] for line in text.stdout.splitlines()} <= {OK, MISSING, BROKEN}
    shown = run("from dgnam.cli import main; main()", "doctor", "--json")
    content = json.loads(shown.stdout)
    assert content["healthy"] is True
    assert len(content["findings"]) == len(text.stdout.splitlines())
    assert {"what", "state", "detail", "required"} == set(content["findings"][0])


def test_without_torch_it_still_tells_and_its_status_says_so():
    blocked = "import sys; sys.modules['torch'] = None; from dgnam import doctor; sys.exit(doctor.main())"
    shown = run(blocked)
    assert shown.returncode == 1
    assert shown.stderr == ""
    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    assert ["missing", "torch"] in [line[:2] for line in lines]
    assert ["ok", "numpy"] in [line[:2] for line in lines]
    assert ["ok", "model"] in [line[:2] for line in lines]  # their files are checked without torch


def test_a_package_that_fails_on_import_is_broken(monkeypatch, tmp_path):
    (tmp_path / "onnx.py").write_text("raise OSError('libprotobuf.so: cannot open\\nshared object')")
    (tmp_path / "plyvel.py").write_text("import a_module_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("onnx", "plyvel", "pydot"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pydot", None)
    found = findings()
    assert found["onnx"] == Finding("onnx", BROKEN, "OSError: libprotobuf.so: cannot open shared object")
    assert found["plyvel"].state == BROKEN
    assert found["pydot"].state == MISSING
    assert "pip install pydot" in found["pydot"].detail
    assert doctor.healthy(list(found.values()))


def test_bvlcs_caffe_is_told_from_none_and_from_one_that_breaks(monkeypatch):
    real = ModuleType("caffe")
    real.Net, real.__file__, real.__version__ = object, "caffe/__init__.py", "1.0.0"
    monkeypatch.setitem(sys.modules, "caffe", real)
    assert findings()["backend caffe"].detail == "BVLC's caffe 1.0.0, in caffe/__init__.py"
    monkeypatch.setitem(sys.modules, "caffe", None)
    assert findings()["backend caffe"].state == MISSING


@pytest.mark.parametrize(
    ("model", "file", "state", "healthy"),
    [
        ("judge-mini", None, MISSING, False),
        ("judge-mini", b"damage", BROKEN, False),
        ("caffenet", b"damage", BROKEN, True),
    ],
)
def test_a_damaged_or_missing_model(model, file, state, healthy, tmp_path, monkeypatch):
    real = folders.data_folder
    shutil.copytree(real("models"), tmp_path / "models")
    monkeypatch.setattr(folders, "data_folder", lambda name: tmp_path / name if name == "models" else real(name))
    place = zoo.get(model).places()["weights"]
    if file is None:
        place.unlink()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file)
    found = findings()
    assert found[f"model {model}"].state == state
    assert doctor.healthy(list(found.values())) is healthy


def test_folders_that_cant_be_used(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path / "absent"))
    found = findings()
    assert found["downloads"].state == BROKEN
    assert "$DGNAM_HOME" in found["downloads"].detail
    assert found["image sets"].state == BROKEN
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "toy.zip").write_bytes(b"")
    assert findings()["image sets"].detail.endswith("absent, 1 zips")


def test_an_examination_that_breaks_is_a_finding(monkeypatch):
    monkeypatch.setattr(zoo, "list_models", lambda: 1 / 0)
    monkeypatch.setattr(doctor, "available_memory", lambda: {}["MemAvailable"])
    found = findings()
    assert found["models"] == Finding("models", BROKEN, "ZeroDivisionError: division by zero", required=True)
    assert found["memory"].state == BROKEN


def test_too_little_memory(monkeypatch):
    monkeypatch.setattr(doctor, "available_memory", lambda: 1 << 29)
    assert findings()["memory"] == Finding("memory", BROKEN, "0.5 GiB free")
