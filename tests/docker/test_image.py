"""docker/Dockerfile, built and run without a daemon: buildah in a chroot, on a base that debootstrap makes.

make docker-test BUILDAH_ARGS="--volume /srv/wheels:/srv/wheels:ro"
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
IMAGE = "localhost/dgnam-test"
MIRROR = "http://deb.debian.org/debian"
ARGUMENTS = shlex.split(os.environ.get("BUILDAH_ARGS", ""))


def missing() -> str | None:
    """Why the image can't be built here; None if it can."""
    for program in ("buildah", "debootstrap"):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt-get install {program})"
    return None if os.geteuid() == 0 else "buildah's chroot and debootstrap need root"


REASON = missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.exhaustive,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]


def buildah(*arguments: str | Path, store: Path) -> str:
    """Run buildah on a store of its own; returns what it prints."""
    options = ["--storage-driver", "vfs", "--root", str(store / "root"), "--runroot", str(store / "run")]
    done = subprocess.run(
        ["buildah", *options, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, (
        f"buildah {' '.join(map(str, arguments))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
    return done.stdout


def base_image() -> str:
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    (base,) = bases
    return base


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with the image, built on a minimal Debian that has the name in FROM."""
    folder = tmp_path_factory.mktemp("buildah")
    root = folder / "debian"
    # In a mount namespace of its own: what debootstrap mounts, /proc among it, is gone with it even if it is killed.
    command = ["unshare", "--mount", "debootstrap", "--variant=minbase", "--include=ca-certificates"]
    subprocess.run([*command, "bookworm", root, MIRROR], check=True, stdout=subprocess.DEVNULL)
    container = buildah("from", "scratch", store=folder).strip()
    buildah("add", container, root, "/", store=folder)
    buildah("commit", "--rm", container, f"docker.io/{base_image()}", store=folder)
    shutil.rmtree(root)
    how = ["--isolation", "chroot", "--pull-never", "--format", "docker", "--layers", *ARGUMENTS]
    buildah("bud", *how, "--file", DOCKERFILE, "--tag", IMAGE, ROOT, store=folder)
    return folder


@pytest.fixture(scope="module")
def container(store):
    return buildah("from", "--pull-never", IMAGE, store=store).strip()


def run(container: str, store: Path, *command: str) -> str:
    return buildah("run", "--isolation", "chroot", container, "--", *command, store=store)


def test_its_user_and_health_check(store):
    shown = buildah("inspect", "--type", "image", IMAGE, store=store)
    assert '"User": "1000:1000"' in shown
    assert '"Healthcheck"' in shown


def test_doctor_is_content(container, store):
    assert "torch" in run(container, store, "dgnam", "doctor", "--quick")


def test_it_has_no_build_tools(container, store):
    found = run(container, store, "sh", "-c", "for p in gcc cc make pip pip3 git; do command -v $p; done; id -u")
    assert found.split() == ["1000"]


def test_figure_1_is_reproduced(container, store):
    shown = run(container, store, "dgnam", "reproduce", "fig1", "--scale", "smoke", "--output", "/runs")
    assert "fig1" in shown
    assert run(container, store, "find", "/runs", "-name", "*.png").strip()
