"""Chunks handed out to a cluster that is played in this process: order, losses, retries, memory, parcels."""

import os
import warnings

import numpy as np
import pytest

from dgnam.errors import ChunksFailedError, DgnamError, MissingPackageError
from dgnam.runs import Record, Run
from dgnam.runs.executor import ChunkLosses, Failed, LocalExecutor, Made, RayExecutor, Task, Work, open_executor
from dgnam.runs.executor import ray_dispatch as module
from dgnam.runs.executor.parcels import Parcels, parcel_name, parcels_of
from dgnam.runs.index import read_summary

pytest.importorskip("ray", reason="needs the extra dgnam[ray]")

from tests.runs.executor.fake_ray import FakeRay


def made(number):
    return Made({"x": np.full(3, number)}, {f"images/{number}.png": b"%d" % number}, count=2)


def maker():
    return made


def tasks(count):
    return [Task(f"{number:05d}", number) for number in range(count)]


def work(here=made, there=maker, **how):
    return Work(here, there, **how)


@pytest.fixture
def run(tmp_path):
    return Run.create_at(tmp_path / "run", Record("visualize", {"target": "t", "objective": "o"}, {"seeds": [1]}))


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(module, "TURN", 0.01)

    def of(**nodes):
        fake = FakeRay(**nodes)
        monkeypatch.setattr(RayExecutor, "ray", fake)
        return fake

    return of


def carry_out(run, executor, asked, work, check=lambda: None):
    """Enter what comes; returns the names in the order in which they came."""
    losses, came = ChunkLosses(run), []
    with executor, run.exclusive(2 * len(asked), "images", executor.name):
        for task, found in zip(asked, executor.make(run, iter(asked), work, check=check, progress=False), strict=True):
            came.append(task.name)
            if isinstance(found, Failed):
                assert found.name == task.name
                losses.add(found)
            else:
                assert found.arrays["x"].tolist() == [task.what] * 3
                for name, content in found.files.items():
                    run.write_bytes(name, content)
                run.save(task.name, found.arrays, None, found.count)
        losses.complain()
    return came


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "events.jsonl"
    }


def test_the_folder_is_that_of_a_local_run(run, cluster, tmp_path):
    fake = cluster(a=(2, 0), b=(1, 0))
    asked = tasks(9)
    assert carry_out(run, RayExecutor(), asked, work()) == [task.name for task in asked]
    local = Run.create_at(tmp_path / "local", run.record)
    carry_out(local, LocalExecutor(), asked, work())
    assert content(run.path) == content(local.path)
    assert sorted(name for _, name in fake.seen) == [task.name for task in asked]
    assert {node for node, _ in fake.seen} == {"a", "b"}
    assert all(actor.dead for actor in fake.actors)
    assert read_summary(run.path).executor == "ray"


def test_a_lost_machine_costs_no_try(run, cluster):
    fake = cluster(a=(1, 0), b=(1, 0), c=(1, 0))
    fake.deaths["00004"] = ["node", "node"]
    carry_out(run, RayExecutor(retries=0), tasks(9), work())
    assert len(fake.machines) == 1
    assert run.missing([task.name for task in tasks(9)]) == []


def test_what_a_lost_machine_had_finished_is_not_made_again(run, cluster):
    fake = cluster(a=(1, 0), b=(1, 0))
    fake.deaths["00005"] = ["node"]
    carry_out(run, RayExecutor(), tasks(8), work())
    again = [name for _, name in fake.seen]
    assert sorted(again) == sorted([*(task.name for task in tasks(8)), "00005"])


def test_a_chunk_is_not_made_again_where_only_the_news_of_it_was_lost(run, cluster):
    fake = cluster(a=(1, 0))
    fake.deaths["00001"], fake.deaths["00003"] = ["late"], ["late"]
    carry_out(run, RayExecutor(retries=1), tasks(6), work())
    assert sorted(name for _, name in fake.seen) == [task.name for task in tasks(6)]


def test_a_chunk_that_kills_its_worker_is_tried_again_and_given_up(run, cluster):
    fake = cluster(a=(1, 0), b=(1, 0))
    fake.deaths["00001"] = ["a segmentation fault"] * 3
    fake.deaths["00003"] = ["bad luck"]
    with pytest.raises(
        ChunksFailedError, match=r"a chunk of .* failed.*dgnam resume.*a segmentation fault \(3 tries\)"
    ):
        carry_out(run, RayExecutor(retries=2), tasks(6), work())
    assert run.missing([task.name for task in tasks(6)]) == ["00001"]
    summary = read_summary(run.path)
    assert (summary.state, summary.progress) == ("failed", "10/12 images")
    assert "a segmentation fault" in summary.failed["00001"]
    carry_out(run, RayExecutor(), tasks(6)[1:2], work())
    assert read_summary(run.path).state == "finished"


def test_an_error_of_a_chunk_is_its_reason(run, cluster):
    fake = cluster(a=(1, 0))

    def failing(number):
        if number == 2:
            raise DgnamError("the score of fc8:2 is nan")
        return made(number)

    with pytest.raises(ChunksFailedError, match=r"chunk 00002: on \S+: the score of fc8:2 is nan \(2 tries\)"):
        carry_out(run, RayExecutor(retries=1), tasks(4), work(there=lambda: failing))
    assert [name for _, name in fake.seen].count("00002") == 2


def test_a_machine_short_of_memory_gets_fewer_workers(run, cluster, monkeypatch):
    fake = cluster(a=(4, 0))
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)
    left = [3]

    def short(number):
        if left[0] and number > 3:
            left[0] -= 1
            raise MemoryError
        return made(number)

    # A fake worker is no process, so that its function may keep count here.
    fake.put = lambda value: value
    fake.called = lambda actor, name, given: (
        fake.seen.append((actor.node, given[0].name)) if name == "make" else None,
        getattr(actor.inner, name)(*given),
    )[1]
    carry_out(run, RayExecutor(retries=0), tasks(12), work(there=lambda: short))
    assert len([actor for actor in fake.actors if actor.dead == "killed by its driver"]) == len(fake.actors)
    assert left == [0]


def test_a_chunk_too_large_for_a_machine_of_its_own_fails(run, cluster, monkeypatch):
    cluster(a=(2, 0))
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)

    def large(number):
        if number == 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return made(number)

    with pytest.raises(ChunksFailedError, match=r"chunk 00001: short of memory.*out of memory"):
        carry_out(run, RayExecutor(retries=1), tasks(4), work(there=lambda: large))
    assert len(run.names()) == 3


def test_workers_are_spread_over_gpus(run, cluster):
    fake = cluster(head=(8, 0), a=(8, 2), b=(8, 1), c=(0, 4))
    carry_out(run, RayExecutor(), tasks(12), work(device="cuda"))
    nodes = [actor.node for actor in fake.actors]
    assert {node: nodes.count(node) for node in set(nodes)} == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("others", "device", "expected"),
    [
        ({"a": {"GPU": 4}, "b": {"GPU": 1}}, "cuda", {"b": 1, "c": 1}),
        ({"a": {"GPU": 3.5}, "b": {"GPU": 1}}, "cuda", {"b": 1, "c": 1}),
        ({"a": {"GPU": 2, "CPU": 7}, "b": {}}, "cuda", {"a": 1, "b": 2, "c": 1}),
        ({"a": {"CPU": 8}, "b": {"CPU": 1}}, "cpu", {"b": 1, "c": 4}),
    ],
)
def test_workers_go_where_others_leave_room(others, device, expected, run, cluster, monkeypatch):
    monkeypatch.setattr("dgnam.runs.executor.ray_cluster.FRESH", 0.0)
    fake = cluster(a=(8, 4), b=(2, 2), c=(4, 1))
    fake.others = others
    carry_out(run, RayExecutor(), tasks(12), work(device=device))
    nodes = [actor.node for actor in fake.actors]
    assert {node: nodes.count(node) for node in set(nodes)} == expected


def test_a_run_waits_where_others_have_all_gpus_and_says_so_once(run, cluster, monkeypatch):
    monkeypatch.setattr("dgnam.runs.executor.ray_cluster.FRESH", 0.0)
    fake, turns = cluster(a=(8, 2)), iter(range(100))
    fake.others = {"a": {"GPU": 2}}

    def check():
        if next(turns) == 5:
            fake.others = {"a": {"GPU": 1}}

    with pytest.warns(UserWarning, match="others use all GPUs of the cluster; waiting") as told:
        carry_out(run, RayExecutor(), tasks(3), work(device="cuda"), check)
    assert len(told) == 1
    assert [actor.node for actor in fake.actors] == ["a"]
    assert len(run.names()) == 3


def test_a_ray_that_does_not_say_what_is_free_is_taken_for_free(run, cluster):
    fake = cluster(a=(2, 0), b=(1, 0))
    del fake._private
    carry_out(run, RayExecutor(), tasks(6), work())
    assert {actor.node for actor in fake.actors} == {"a", "b"}


def test_a_cluster_without_what_is_needed(run, cluster):
    cluster(a=(8, 0))
    with pytest.raises(DgnamError, match="no machine of the cluster has a GPU, for device cuda"):
        carry_out(run, RayExecutor(), tasks(2), work(device="cuda"))


def test_nets_that_open_nowhere_are_one_error(run, cluster):
    cluster(a=(1, 0), b=(1, 0))

    def missing():
        raise DgnamError("net.h5: no such file")

    with pytest.raises(DgnamError, match=r"no worker can be started: on \S+: net.h5: no such file"):
        carry_out(run, RayExecutor(retries=1), tasks(2), work(there=missing))


def test_what_can_not_be_sent_is_one_error(run, cluster):
    cluster(a=(1, 0))
    lock = __import__("threading").Lock()
    with pytest.raises(DgnamError, match=r"can't be sent to other machines .* give models by name or path"):
        carry_out(run, RayExecutor(), tasks(2), work(there=lambda: lock))


class Killed(BaseException):
    """What a test stops a driver with, as SIGKILL would."""


@pytest.mark.parametrize("resumed_by", ["local", "ray"])
def test_a_killed_drivers_parcels_are_not_made_again(run, cluster, resumed_by):
    fake = cluster(a=(1, 0), b=(1, 0), c=(1, 0))

    def die():
        if len(parcels_of(run).chunks()) >= 2:
            raise Killed

    fake.deaths["00000"] = ["slow", "slow", "slow"]  # the others wait for it
    with pytest.raises(Killed):
        carry_out(run, RayExecutor(retries=9), tasks(6), work(), check=die)
    waiting = set(parcels_of(run).chunks())
    assert len(waiting) >= 2
    assert read_summary(run.path).done == 2 * (len(waiting) + len(run.names()))
    fake.seen.clear()
    fake.deaths.clear()
    begun = []
    left = [task for task in tasks(6) if task.name not in run.names()]
    executor = open_executor(resumed_by)
    carry_out(run, executor, left, work(here=lambda number: (begun.append(number), made(number))[1]))
    made_again = {f"{number:05d}" for number in begun} | {name for _, name in fake.seen}
    assert made_again == {task.name for task in left} - waiting
    assert not (run.path / "arrived").exists()


def test_a_store_keeps_parcels_apart_and_is_left_empty(run, cluster, tmp_path):
    cluster(a=(1, 0), b=(1, 0))
    store = tmp_path / "store"
    put = []
    executor = RayExecutor(store=store.as_uri())
    (place, _) = executor.places(run)
    carry_out(run, executor, tasks(4), work(), check=lambda: put.extend(place.names()))
    assert any(name.startswith("00001.2.") for name in put)
    assert place.place.startswith(f"{store.as_uri()}/run-")
    assert list(store.iterdir()) == []


def test_a_store_of_memory_is_not_seen_by_others(run, cluster, monkeypatch):
    cluster(a=(1, 0))
    get = module.Worker.open

    def elsewhere(self, there, threads, place):
        return get(self, there, threads, module.Place(place.url, place.token, b"another", place.must))

    monkeypatch.setattr(module.Worker, "open", elsewhere)
    with pytest.raises(DgnamError, match=r"the store memory://.* is not reached: another place of that name"):
        carry_out(run, RayExecutor(store="memory://chunks", retries=0), tasks(2), work())
    assert carry_out(run, RayExecutor(retries=0), tasks(2), work()) == ["00000", "00001"]  # back through Ray


@pytest.mark.parametrize("store", ["objects://bucket", "objects://bucket/", "objects://bucket/chunks"])
def test_an_object_store_is_left_empty(run, cluster, object_store, store):
    cluster(a=(1, 0), b=(1, 0))
    put = set()
    carry_out(run, RayExecutor(store=store), tasks(4), work(), check=lambda: put.update(object_store.buckets["bucket"]))
    assert any("/00001.2." in f"/{name}" for name in put)
    assert all(name.removeprefix("chunks/").startswith("run-") for name in put)
    assert object_store.buckets == {"bucket": {}}


@pytest.mark.parametrize("down_at", [("pipe_file", "/00003."), ("cat_file", "/00003."), ("rm_file", "/00003.")])
def test_a_store_that_is_gone_is_one_error_and_costs_no_try(run, cluster, object_store, down_at):
    fake, executor = cluster(a=(1, 0)), RayExecutor(store="objects://bucket/chunks", retries=0)
    object_store.down_at = down_at
    with pytest.raises(DgnamError, match=r"^objects://bucket/chunks/run-[0-9a-f]{16}: ConnectionError: no answer$"):
        carry_out(run, executor, tasks(6), work())
    assert run.names() == [task.name for task in tasks(3 + (down_at[0] == "rm_file"))]
    object_store.down, object_store.down_at = False, ("", "")
    left = [task for task in tasks(6) if task.name not in run.names()]
    carry_out(run, executor, left, work())
    assert sorted(name for _, name in fake.seen) == [task.name for task in tasks(6)]
    assert object_store.buckets == {"bucket": {}}
    assert not (run.path / "arrived").exists()


def test_a_worker_that_loses_the_store_sends_chunks_through_ray(run, cluster, object_store, monkeypatch):
    fake = cluster(a=(1, 0))
    put = Parcels.put
    failed = []

    def failing(place, name, content):
        if name.startswith("00002.") and not failed:
            failed.append(name)
            raise DgnamError("no way there")
        put(place, name, content)

    monkeypatch.setattr(Parcels, "put", failing)
    carry_out(run, RayExecutor(store="objects://bucket", retries=0), tasks(4), work())
    assert len(failed) == 1
    assert [name for _, name in fake.seen] == [task.name for task in tasks(4)]
    assert object_store.buckets == {"bucket": {}}


def test_damaged_parcels_are_made_again(run, cluster):
    cluster(a=(1, 0))
    name = parcel_name("00001", 2, b"what was written")
    parcels_of(run).put(name, b"what is there")
    with pytest.warns(UserWarning, match=r"00001\.2\..*is damaged.*it is made again"):
        carry_out(run, RayExecutor(), tasks(3), work())
    assert not (run.path / "arrived").exists()


def test_chunks_after_a_failed_one_stay_parcels_where_they_need_it(run, cluster):
    cluster(a=(1, 0), b=(1, 0))

    def failing(number):
        if number == 1:
            raise DgnamError("no picture")
        return made(number)

    with pytest.raises(ChunksFailedError):
        carry_out(run, RayExecutor(retries=0), tasks(4), work(there=lambda: failing, chained=True))
    assert sorted(parcels_of(run).chunks()) == ["00002", "00003"]


def test_one_at_a_time_where_a_task_follows_from_those_before(run, cluster):
    cluster(a=(4, 0))
    drawn, entered = [], []

    def draw():
        for number in range(5):
            drawn.append(len(entered))
            yield Task(f"{number:05d}", number)

    executor = RayExecutor()
    with executor:
        for _ in executor.make(run, draw(), work(ahead=1), check=lambda: None, progress=False):
            entered.append(1)
    assert drawn == [0, 1, 2, 3, 4]


def test_an_interrupt_ends_the_workers(run, cluster):
    fake = cluster(a=(2, 0))

    def stop():
        if fake.seen:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(run, RayExecutor(), tasks(9), work(), check=stop)
    assert all(actor.dead for actor in fake.actors)
    assert [name for name in os.listdir(run.path / "arrived") if name.endswith(".token")] == []


def test_without_ray_there_is_one_error(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"executor 'ray' needs the package dgnam\[ray\]: pip install"):
        carry_out(run, open_executor("ray"), tasks(1), work())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("rays",), "give local, ray or ray:ADDRESS"),
        (("local", "s3://x"), "executor 'local' has no store"),
        (("ray", None, -1), "retries -1: give 0 to 1000"),
    ],
)
def test_what_is_no_executor(given, message):
    with pytest.raises(DgnamError, match=message):
        open_executor(*given)


def test_warnings_of_workers_are_told_once(run, cluster):
    cluster(a=(1, 0), b=(1, 0))

    def other():
        warnings.warn("versions changed", UserWarning, stacklevel=1)
        return made

    with pytest.warns(UserWarning, match=r"on \S+: versions changed") as said:
        carry_out(run, RayExecutor(), tasks(4), work(there=other))
    assert len(said) == 1


def test_workers_stay_for_the_next_run_in_the_same_context(run, cluster, tmp_path):
    fake = cluster(a=(2, 0))
    other = Run.create_at(tmp_path / "other", run.record)
    executor = RayExecutor()
    with executor:
        assert carry_out(run, executor, tasks(4), work()) == carry_out(other, executor, tasks(4), work())
        assert len(fake.actors) == 2
    assert content(run.path) == content(other.path)


def test_a_parcel_damaged_before_its_turn_is_made_again(run, cluster):
    fake = cluster(a=(1, 0), b=(1, 0))
    fake.deaths["00000"] = ["slow", "slow", "slow"]  # the others wait for it
    damaged = []

    def damage():
        for path in (run.path / "arrived").glob("00001.*.h5"):
            if not damaged:
                path.write_bytes(b"x")
                damaged.append(path)

    carry_out(run, RayExecutor(), tasks(4), work(), check=damage)
    assert len(damaged) == 1
    assert [name for _, name in fake.seen].count("00001") == 2
    assert run.missing([task.name for task in tasks(4)]) == []


def test_nets_that_need_too_much_memory_are_one_error(run, cluster, monkeypatch):
    fake = cluster(a=(1, 0))
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)

    def large():
        raise MemoryError("of the net")

    with pytest.raises(DgnamError, match=r"no worker can be started: short of memory: on \S+: MemoryError: of the net"):
        carry_out(run, RayExecutor(retries=1), tasks(2), work(there=large))
    assert len(fake.actors) == 2


def test_workers_that_die_while_they_open_are_one_error(run, cluster):
    fake = cluster(a=(1, 0))
    fake.deaths[None] = ["a crash"] * 5
    with pytest.raises(DgnamError, match="no worker can be started: a worker died: a crash"):
        carry_out(run, RayExecutor(retries=2), tasks(2), work())
    assert len(fake.actors) == 3
