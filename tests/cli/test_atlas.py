"""`dgnam atlas`."""

import subprocess
import sys

from dgnam.runs import Record, Run


def run(folder, *arguments):
    command = [sys.executable, "-c", "from dgnam.cli import main; main()", "atlas", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_all_runs_in_runs(tmp_path):
    with Run.create(tmp_path / "runs", "lemon", Record("visualize", {"target": "caffenet-mini"}, {})).exclusive():
        pass
    (tmp_path / "runs/foreign").mkdir()
    done = run(tmp_path)
    assert done.returncode == 0
    assert done.stdout == "==> made: atlas/index.html (1 runs, 1 of them new or changed, 0 gone)\n"
    assert done.stderr == "foreign: holds no run: there is no run.json in it\n"
    assert (tmp_path / "atlas/pages/lemon-1/index.html").is_file()
    assert "0 of them new or changed" in run(tmp_path, "runs/lemon-1", "--output", "atlas").stdout


def test_errors_are_one_line(tmp_path):
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (2, "dgnam: there is no folder runs\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("x")
    (tmp_path / "runs").mkdir()
    done = run(tmp_path, "--output", "full")
    assert done.stderr == "dgnam: full is not empty and holds no atlas: give --output a new folder\n"


def test_it_needs_no_torch(tmp_path):
    (tmp_path / "runs").mkdir()
    code = "import sys; from dgnam.atlas import build; build(); print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True).stdout == "False\n"
    )
