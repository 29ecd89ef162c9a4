"""Real Ray: a cluster of three machines, simulated on this one, and one machine alone.

Workers, the driver and a whole machine are killed in the middle; no finished chunk is made again.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dgnam.errors import ChunksFailedError
from dgnam.runs import Record, Run
from dgnam.runs.executor import ChunkLosses, Failed, LocalExecutor, Made, RayExecutor, Task, Work

ray = pytest.importorskip("ray", reason="needs the extra dgnam[ray]")

ROOT = str(Path(__file__).parents[3])
QUIET = {
    "RAY_AUTH_MODE": "disabled",  # else a token is left in the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "240",
    "RAY_worker_register_timeout_seconds": "240",
    "RAY_worker_niceness": "0",
    "PYTHONPATH": ROOT,
}
SMALL = 80_000_000
"""Bytes of a machine's object store."""


@pytest.fixture(scope="module")
def environment():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        yield


def machine():
    """Options of a machine; with ports chosen here it doesn't wait, a few seconds at most, for those of its agents."""
    names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    sockets = [socket.create_server(("", 0)) for _ in names]
    ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    for one in sockets:
        one.close()
    return {"object_store_memory": SMALL, **ports}


@pytest.fixture(scope="module")
def cluster(environment, tmp_path_factory):
    """A head without processors, and three machines of one each."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, **machine()}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.machines = [made.add_node(num_cpus=1, **machine()) for _ in range(3)]
    made.wait_for_nodes(timeout=240)
    yield made
    ray.shutdown()
    made.shutdown()


def tasks(count):
    return [Task(f"{number:05d}", number) for number in range(count)]


def sleeper(log, seconds=0.5, fate=lambda number: None):
    """What makes slow chunks, and writes down each that it begins; sent by value."""

    def there():
        def make(number):
            with open(log, "a") as file:
                file.write(f"{number}\n")
            fate(number)
            time.sleep(seconds)
            return Made({"x": np.full(1000, number)}, {f"images/{number}.png": b"%d" % number})

        return make

    return there


def carry_out(run, executor, asked, there):
    losses = ChunkLosses(run)
    with executor, run.exclusive(len(asked), executor=executor.name):
        work = Work(there(), there)
        for task, found in zip(asked, executor.make(run, asked, work, check=lambda: None, progress=False), strict=True):
            if isinstance(found, Failed):
                losses.add(found)
                continue
            for name, content in found.files.items():
                run.write_bytes(name, content)
            run.save(task.name, found.arrays)
        losses.complain()


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.name != "events.jsonl"
    }


def begun(log):
    return [int(line) for line in Path(log).read_text().split()]


def new_run(path):
    return Run.create_at(path, Record("visualize", {}, {"seeds": [0]}))


def local_content(tmp_path, count):
    run = new_run(tmp_path / "local")
    carry_out(run, LocalExecutor(), tasks(count), sleeper(tmp_path / "local.log", 0))
    return content(run.path)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_a_killed_driver_loses_no_finished_chunk(cluster, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys\n"
        "from tests.runs.executor import test_ray_cluster as here\n"
        "from dgnam.runs import Run\n"
        "run = Run.open(sys.argv[1])\n"
        "left = [task for task in here.tasks(14) if task.name in run.missing([task.name])]\n"
        "here.carry_out(run, here.RayExecutor(sys.argv[2]), left, here.sleeper(sys.argv[3]))\n"
    )
    run, log = new_run(tmp_path / "run"), tmp_path / "begun.log"
    command = [sys.executable, str(script), str(run.path), cluster.address, str(log)]
    driver = subprocess.Popen(command, cwd=ROOT)
    while len(Run.open(run.path).names()) < 4:
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(2)  # its workers end
    arrived = run.path / "arrived"
    finished = {*Run.open(run.path).names()} | {path.name.split(".")[0] for path in arrived.glob("*.h5")}
    assert 4 <= len(finished) < 14
    log.rename(tmp_path / "first.log")
    subprocess.run(command, cwd=ROOT, check=True, timeout=900)
    assert {f"{number:05d}" for number in begun(log)} == {task.name for task in tasks(14)} - finished
    assert content(run.path) == local_content(tmp_path, 14)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_killed_workers_and_a_lost_machine(cluster, tmp_path):
    """Chunk 3 kills its worker once, chunk 6 always; a machine is lost when four chunks are entered."""
    once = tmp_path / "once"

    def fate(number):
        if number == 6 or (number == 3 and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    run, log = new_run(tmp_path / "run"), tmp_path / "begun.log"

    def lose():
        while len(Run.open(run.path).names()) < 4:
            time.sleep(0.05)
        cluster.remove_node(cluster.machines.pop(), allow_graceful=False)

    ray.init(address=cluster.address, log_to_driver=False)
    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    with pytest.raises(ChunksFailedError, match=r"chunk 00006: its worker died: .* \(2 tries\)"):
        carry_out(run, RayExecutor(retries=1), tasks(20), sleeper(log, 0.5, fate))
    thread.join(60)
    counts = {number: begun(log).count(number) for number in range(20)}
    assert (counts[3], counts[6]) == (2, 2)
    assert sum(counts.values()) <= 22 + 2  # and what the lost machine had in hand
    assert run.missing([task.name for task in tasks(20)]) == ["00006"]
    carry_out(run, LocalExecutor(), tasks(20)[6:7], sleeper(log, 0))
    run.sort()
    assert content(run.path) == local_content(tmp_path, 20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_on_one_machine(environment, tmp_path):
    """A cluster that begins and ends with the command."""
    command = [sys.executable, "-m", "dgnam", "sweep", "caffenet-mini", "fc8:3,5", "--n-iters", "2", "--seeds", "2"]
    command += ["--batch-size", "2", "-q", "--output", str(tmp_path)]
    for name, more in (("local", []), ("ray", ["--executor", "ray"])):
        subprocess.run([*command, "--name", name, *more], check=True, timeout=500, cwd=tmp_path)
    assert content(tmp_path / "ray-1") == content(tmp_path / "local-1")
