"""The trainers run with numpy, torch, h5py, protobuf and Pillow alone."""

import subprocess
import sys
from pathlib import Path

from dgnam.caffe.proto import read_caffemodel

ROOT = Path(__file__).parents[2]
BLOCKING = """
import sys
KNOWN = {"numpy", "torch", "torchgen", "functorch", "h5py", "google", "PIL", "dgnam"}
# What torch itself needs.
KNOWN |= {"typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe", "fsspec", "filelock", "triton"}

class Others:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if not (top in KNOWN or top in sys.stdlib_module_names or top.startswith(("_", "nvidia"))):
            raise ModuleNotFoundError(f"{name} is not on this machine", name=name)

sys.meta_path.insert(0, Others())
"""


def bare(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKING + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_a_classifier_is_trained_there(nets, tmp_path, data_folder):
    code = "import dgnam.train.__main__ as m; sys.exit(m.main(sys.argv[1:]))"
    options = ("--run", str(tmp_path / "run"), "--data", str(data_folder))
    done = bare(code, str(nets / "classifier_solver.prototxt"), *options)
    assert done.returncode == 0, done.stderr
    weights = read_caffemodel(tmp_path / "run" / "tiny.caffemodel")
    assert sorted(weights) == ["conv1", "conv1/bn", "conv1/scale", "fc"]
    assert done.stdout == f"==> made: {tmp_path / 'run' / 'tiny.caffemodel'}\n"


def test_the_generator_s_trainer_is_there_too():
    for module in ("own_generator import main", "projected_generator import train_projected"):
        done = bare(f"from dgnam.train.{module}")
        assert done.returncode == 0, done.stderr


def test_other_packages_are_indeed_blocked():
    assert "tqdm is not on this machine" in bare("import tqdm").stderr


def test_bad_input_is_one_line(nets, tmp_path):
    done = bare("import dgnam.train.__main__ as m; sys.exit(m.main(sys.argv[1:]))", "absent.prototxt", "--run", "x")
    assert done.returncode == 2
    assert done.stderr.startswith("dgnam.train: absent.prototxt")
    assert done.stderr.count("\n") == 1
