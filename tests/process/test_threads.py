"""Threads: chosen before torch is imported, never against the user, by affinity and by a container's quota."""

import os
import subprocess
import sys

import pytest

from dgnam.process import threads
from dgnam.process.threads import choose_threads, cpu_quota

NAMES = (*threads.OWN_POLICY, *threads.OWN_COUNT)


def after_import(code="", **given):
    """OMP_WAIT_POLICY and OMP_NUM_THREADS in a new process that has imported dgnam."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    show = "import os, dgnam; print([os.environ.get(name) for name in ('OMP_WAIT_POLICY', 'OMP_NUM_THREADS')])"
    command = [sys.executable, "-c", f"{code}\n{show}"]
    shown = subprocess.run(command, env={**environment, **given}, capture_output=True, text=True, check=True)
    return shown.stdout.strip()


def test_threads_sleep_while_they_wait():
    assert after_import().startswith("['PASSIVE', ")


@pytest.mark.parametrize("name", threads.OWN_POLICY)
def test_the_users_policy_stays(name):
    policy = "'ACTIVE'" if name == threads.POLICY else "None"
    assert after_import(**{name: "ACTIVE" if name == threads.POLICY else "7"}).startswith(f"[{policy}, ")


def test_the_users_count_stays():
    assert after_import(OMP_NUM_THREADS="3").endswith(" '3']")


def test_nothing_is_set_after_torch():
    assert after_import("import sys; sys.modules['torch'] = None") == "[None, None]"


@pytest.fixture
def unchosen(monkeypatch):
    monkeypatch.setattr(threads, "CHOSEN", {})
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(threads, "cores", lambda: 8)


@pytest.mark.parametrize(
    ("quota", "given", "count"),
    [
        (None, {}, None),
        (8.0, {}, None),
        (2.5, {}, "2"),
        (0.4, {}, "1"),
        (2.0, {"OMP_NUM_THREADS": "5"}, "5"),
        (2.0, {"MKL_NUM_THREADS": "5"}, None),
    ],
)
def test_a_quota_below_the_cores_decides(unchosen, monkeypatch, quota, given, count):
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    variables = dict(given)
    choose_threads(variables)
    assert variables.get("OMP_NUM_THREADS") == count
    assert variables["OMP_WAIT_POLICY"] == "PASSIVE"


def made(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            },
            3.0,
        ),
        ({"proc/self/cgroup": "0::/docker/of-the-host\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        (
            {
                "proc/self/cgroup": "5:memory:/a\n4:cpu,cpuacct:/a\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "what is this\n"}, None),
    ],
)
def test_the_quota_of_the_control_groups(tmp_path, files, quota):
    assert cpu_quota(made(tmp_path, files)) == quota
