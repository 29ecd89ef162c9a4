"""Shell scripts whose python is Python 2."""

import os
import subprocess
import sys

from dgnam.caffe.launch.python2 import shell


def test_a_script_runs_unedited(alone, tmp_path):
    (tmp_path / "half.py").write_text("import sys\nprint sys.argv[1], 7/2\n")
    (tmp_path / "all.sh").write_text(
        "#/bin/bash\nmkdir -p out && cd out\n"
        'for n in {1..2}; do python ../half.py "$1 $n" || exit 3; done\n'
        "python2 -u -c 'print 1/2'\npython <<EOF\nprint 5/2\nEOF\necho 'print 9/2' | python -\nexit 4\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "dgnam.caffe", "--python2", "--shell", "all.sh", "a b"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.path.relpath(alone, tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "a b 1 3\na b 2 3\n0\n2\n4\n", "")


def test_missing_programs_of_imagemagick_are_named(tmp_path, capfd, monkeypatch):
    script = tmp_path / "a.sh"
    script.write_text("# convert is not called\necho montage\n  montage a b\nexit 0\n")
    monkeypatch.setattr(shell.shutil, "which", lambda name: "/bin/bash" if name == "bash" else None)
    assert shell.run([str(script)]) == 0
    assert "calls ImageMagick's montage, which is not installed" in capfd.readouterr().err.splitlines()[0]
