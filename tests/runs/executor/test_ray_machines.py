"""What is known of a cluster's machines, and what is handed to whom; nothing is started."""

from types import SimpleNamespace

import pytest

from dgnam.errors import DgnamError
from dgnam.runs import Record, Run
from dgnam.runs.executor import Made, RayExecutor, Task, Work, ray_cluster
from dgnam.runs.executor import ray_dispatch as module
from dgnam.runs.executor.ray_cluster import Cluster
from dgnam.runs.executor.ray_dispatch import Dispatch, Hand, Machine

MACHINES = {"a": {"CPU": 8.0, "GPU": 2.0}, "b": {"CPU": 3.0}, "c": {"CPU": 1.0, "GPU": 4.0}, "d": {"memory": 1e9}}


class Ray:
    """A cluster that counts how often it is asked, and actors that only note what they are handed."""

    def __init__(self, machines=MACHINES):
        self.machines, self.asked, self.killed = dict(machines), 0, []
        strategy = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: (node, soft))
        self.util = SimpleNamespace(scheduling_strategies=strategy)

    def nodes(self):
        self.asked += 1
        alive = [{"NodeID": name, "Alive": True, "Resources": has} for name, has in self.machines.items()]
        return [*alive, {"NodeID": "dead", "Alive": False, "Resources": {"CPU": 9.0, "GPU": 9.0}}]

    def remote(self, kind):
        def options(**how):
            self.how = how
            return SimpleNamespace(remote=lambda *given: actor())

        return SimpleNamespace(options=options)

    def kill(self, actor):
        self.killed.append(actor)


def actor():
    handed = []
    remote = SimpleNamespace(remote=lambda task: handed.append(task.name) or object())
    return SimpleNamespace(make=remote, open=SimpleNamespace(remote=lambda *given: object()), handed=handed)


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(now=100.0)
    for one in (ray_cluster, module):
        monkeypatch.setattr(one.time, "monotonic", lambda: now.now)
    return now


def test_a_worker_takes_a_gpu_or_as_many_cpus_as_threads():
    cuda, one, four = Cluster(Ray(), "cuda", 4), Cluster(Ray(), "cpu", 1), Cluster(Ray(), "cpu", 4)
    assert [cuda.room(node) for node in "abcdx"] == [2, 0, 1, 0, 0]
    assert [one.room(node) for node in "abcdx"] == [8, 3, 1, 0, 0]
    assert [four.room(node) for node in "abcdx"] == [2, 1, 1, 0, 0]
    assert (cuda.nodes(), cuda.slots()) == (["a", "c"], 3)
    assert (four.nodes(), four.slots()) == (["a", "b", "c"], 4)
    assert cuda.resources_of_worker("a") == {"num_cpus": 1, "num_gpus": 1}
    assert [four.resources_of_worker(node) for node in "abd"] == [{"num_cpus": 4}, {"num_cpus": 3}, {"num_cpus": 1}]


def test_machines_are_asked_for_once_a_second(clock):
    ray = Ray()
    cluster = Cluster(ray, "cpu", 1)
    clock.now = 0.5  # even right after a machine's start
    cluster.nodes()
    clock.now = 1.4
    assert cluster.slots() == 12
    assert ray.asked == 1
    clock.now = 1.5
    cluster.nodes()
    assert ray.asked == 2
    del ray.machines["b"]
    assert "b" in cluster.nodes()
    assert not cluster.is_alive("b")
    assert cluster.is_alive("a")
    assert "b" not in cluster.nodes()
    assert ray.asked == 4


def test_a_cluster_that_does_not_answer_is_one_error():
    ray = Ray()
    ray.nodes = lambda: 1 / 0
    with pytest.raises(DgnamError, match=r"the cluster can't be asked for its machines: division by zero"):
        Cluster(ray, "cpu", 1).nodes()


@pytest.fixture
def dispatch(tmp_path, monkeypatch, clock):
    """A dispatch with 20 tasks, and how to give it a worker."""
    run = Run.create_at(tmp_path / "run", Record("visualize", {}, {}))

    def of(ahead=None, retries=1, chained=False, **machines):
        ray = Ray({name: {"CPU": float(cpus)} for name, cpus in machines.items()})
        monkeypatch.setattr(RayExecutor, "ray", ray)
        tasks = [Task(f"{number:05d}", number) for number in range(20)]
        work = Work(Made, None, ahead, chained=chained)
        found = Dispatch(RayExecutor(retries=retries), run, tasks, work, lambda: None, False)
        found._token, found._secret, found._there = "a.token", b"", None
        for node in machines:
            found._machines[node] = Machine(found._cluster.room(node))
        return found

    return of


def hired(dispatch, node, reaches=True, ready=True):
    hand = Hand(dispatch._ray, actor(), node, ready=ready, reaches=reaches, opening=None if ready else object())
    dispatch._executor.workers.append(hand)
    return hand


def names(tasks):
    return [int(task.name) for task in tasks]


@pytest.mark.parametrize(("ahead", "taken"), [(None, 7), (1, 1), (5, 5)])
def test_twice_as_many_tasks_are_taken_as_can_be_at_work_and_one(dispatch, ahead, taken):
    found = dispatch(ahead, a=2, b=1)
    assert found._next().name == "00000"
    assert names(found._todo) == names(found._order) == list(range(taken))
    found._todo.popleft()
    found._next()
    assert len(found._order) == taken + (ahead is None)
    found._order.popleft()
    found._next()
    assert len(found._order) == taken


def test_each_worker_gets_a_task_and_then_a_second_one(dispatch):
    found = dispatch(a=3)
    one, two, through_ray = (hired(found, "a", reaches=reaches) for reaches in (True, True, False))
    waiting = hired(found, "a", ready=False)
    found._todo.extend(Task(f"{number:05d}", number) for number in range(2))
    found._hand_out()
    assert [hand.actor.handed for hand in (one, two, through_ray, waiting)] == [["00000"], ["00001"], [], []]
    found._todo.extend(Task(f"{number:05d}", number) for number in range(2, 6))
    found._hand_out()
    # Three are kept back, one for each worker.
    assert [names(task for _, task in hand.tasks) for hand in (one, two, through_ray, waiting)] == [[0], [1], [2], []]
    found._todo.append(Task("00006", 6))
    found._hand_out()
    assert [names(task for _, task in hand.tasks) for hand in (one, two, through_ray)] == [[0, 3], [1], [2]]
    found._todo.extend(Task(f"{number:05d}", number) for number in range(7, 12))
    found._hand_out()
    assert [names(task for _, task in hand.tasks) for hand in (one, two, through_ray)] == [[0, 3], [1, 4], [2]]
    assert one.owes is one.tasks[0][0]
    assert waiting.owes is waiting.opening
    assert hired(found, "a").owes is None


def test_workers_start_on_the_emptiest_machines(dispatch, clock):
    found = dispatch(a=3, b=1, c=2)
    hired(found, "a")
    busy = hired(found, "b")
    busy.tasks.append((object(), Task("x", 0)))
    found._todo.extend(Task(str(number), number) for number in range(4))
    found._grow()
    nodes = [hand.node for hand in found._executor.workers]
    assert nodes == ["a", "b", "a", "c", "a"]
    assert found._ray.how["max_restarts"] == 0
    assert found._ray.how["scheduling_strategy"] == (nodes[-1], False)
    assert found._ray.how["num_cpus"] == 1
    for hand in found._executor.workers:
        hand.began = clock.now
    clock.now += 29.9
    found._grow()
    assert len(found._executor.workers) == 5  # those that start are counted
    clock.now += 0.1
    found._grow()
    assert len(found._executor.workers) == 6  # for so long only
    assert found._free() == {"a": 0, "b": 0, "c": 0}


def test_a_machine_short_of_memory_rests_longer_each_time(dispatch, clock):
    found = dispatch(a=9)
    hands = [hired(found, "a") for _ in range(9)]
    machine = found._machines["a"]
    rests = []
    for number, hand in enumerate(hands[:8]):
        hand.tasks.extend([(object(), Task("x", 0)), (object(), Task("y", 0))])
        found._todo.clear()
        found._short(hand, "why")
        rests.append(machine.rests_until - clock.now)
        assert machine.most == 8 - number
        assert [task.name for task in found._todo] == ["x", "y"]
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    assert found._ray.killed == [hand.actor for hand in hands[:8]]
    assert found._executor.workers == hands[8:]
    assert "a" not in found._free()
    clock.now += 60
    assert found._free() == {"a": 0}
    assert machine.strikes == 0


def test_the_last_worker_of_a_machine_pays_for_what_is_too_large(dispatch):
    found = dispatch(a=1, b=1, retries=1)
    for tries in range(2):
        hand = hired(found, "a")
        hand.tasks.append((object(), Task("x", 0)))
        found._todo.clear()
        found._short(hand, "why")
        assert [task.name for task in found._todo] == (["x"] if tries == 0 else [])
    assert found._failed == {"x": "short of memory: why (2 tries)"}
    assert found._machines["a"].most == 1
    found._short(hired(found, "a"), "nets")
    assert (found._machines["a"].strikes, found._why) == (1, "short of memory: nets")


def test_one_try_is_called_so(dispatch):
    found = dispatch(a=1, retries=0)
    found._charge(Task("x", 0), "why")
    assert found._failed == {"x": "why (1 try)"}


def test_machines_where_nothing_opens_are_given_up(dispatch, clock):
    found = dispatch(a=2, b=1, retries=1)
    found._machines["a"].strikes, found._machines["b"].strikes, found._why = 2, 1, "no net"
    assert found._free() == {"b": 1}
    found._complain()
    found._machines["b"].strikes = 2
    with pytest.raises(DgnamError, match="executor 'ray': no worker can be started: no net"):
        found._complain()


def test_a_cluster_without_machines_is_waited_for(dispatch, clock):
    found = dispatch(a=1)
    found._ray.machines.clear()
    clock.now += 5
    found._complain()
    clock.now += 600
    found._complain()
    clock.now += 1
    with pytest.raises(DgnamError, match="executor 'ray': the cluster has had no machine left for 600 s"):
        found._complain()
    empty = dispatch()
    with pytest.raises(DgnamError, match="no machine of the cluster has a CPU, for device cpu"):
        empty._complain()


def test_a_worker_lost_while_it_opens_counts_against_its_machine(dispatch):
    found = dispatch(a=2)
    hand = hired(found, "a", ready=False)
    found._lost(hand, "a\n crash")
    assert (found._machines["a"].strikes, found._why) == (1, "a worker died: a crash")
    assert found._executor.workers == []
    del found._ray.machines["a"]
    found._lost(hired(found, "a", ready=False), "gone")
    assert found._machines["a"].strikes == 1


def test_a_worker_that_ray_ended_for_memory(dispatch):
    found = dispatch(a=2)
    hired(found, "a")
    found._lost(hired(found, "a", ready=False), "node is low on memory" + " x" * 400)
    assert (found._machines["a"].short, found._machines["a"].most, found._machines["a"].strikes) == (1, 1, 0)
    found._executor.workers.clear()
    found._lost(hired(found, "a", ready=False), "node is low on memory " + "x" * 800)
    assert found._why == f"short of memory: node is low on memory {'x' * 478}… (822 characters)"


def test_chunks_after_a_failed_one_are_kept_back_where_they_need_it(dispatch):
    found = dispatch(a=1)
    assert (found._kept_back, dispatch(a=1, chained=True)._kept_back) == (False, False)
    found._refused = True
    assert not found._kept_back
    chained = dispatch(a=1, chained=True)
    chained._refused = True
    assert chained._kept_back
