"""Hands the chunks of one run out to the workers of a Ray cluster, and takes them back in order.

What is lost with a worker or a machine is handed out again.  A chunk whose worker fails is tried again, so many times,
and then given up with its reason.  A machine that runs short of memory gets fewer workers, after a pause.
"""

from __future__ import annotations

import secrets
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import DgnamError, FormatError, shortened
from ..progress import progress_bar
from ..run import Run
from .executor import Chunks, Failed, Made, Task, Work
from .parcels import TOKEN, sound
from .ray_cluster import Cluster
from .ray_worker import Opened, Parcel, Place, Trouble, Worker

if TYPE_CHECKING:
    from .ray_executor import RayExecutor

TURN = 0.5
"""The seconds after which a wait for workers ends, to look for interrupts and new machines."""

PATIENCE = 600.0
"""The seconds after which a run ends that has no machine left."""

STARTING = 30.0
"""The seconds after which a worker that has no room yet, as other jobs have it, is no reason to start no other."""

LOW_ON_MEMORY = "low on memory"
"""What Ray says of a worker that it ended because its machine was running out of memory."""

LONGEST_PAUSE = 60.0
"""Of a machine that ran short of memory, in seconds."""


@dataclass(eq=False)
class Hand:
    """A worker, from the driver's side.

    actor: of Ray; node: the machine's id.
    placed: whether it has answered ever, so that what it takes of its machine is taken.
    ready, reaches: whether it has opened the nets, and whether it puts its parcels into their place itself.
    opening: the answer it owes to `open`; None where it gave it.
    tasks: those handed to it, with the answers that it owes, in their order.
    """

    ray: Any
    actor: Any
    node: str
    began: float = field(default_factory=time.monotonic)
    placed: bool = False
    ready: bool = False
    reaches: bool = False
    opening: Any = None
    tasks: deque[tuple[Any, Task]] = field(default_factory=deque)

    def kill(self) -> None:
        with suppress(Exception):  # it is dead already, or the cluster is
            self.ray.kill(self.actor)

    @property
    def owes(self) -> Any:
        """The answer that it owes first; None where it owes none."""
        return self.opening if self.opening is not None else self.tasks[0][0] if self.tasks else None


@dataclass
class Machine:
    """What is known of a machine.

    most: how many workers it may have.
    rests_until: when it may get more, by the monotonic clock.
    short, strikes: how often it ran short of memory, and how often a worker couldn't open the nets there.
    """

    most: int
    rests_until: float = 0.0
    short: int = 0
    strikes: int = 0


class Dispatch:
    """The chunks of one run, in order."""

    def __init__(
        self,
        executor: RayExecutor,
        run: Run,
        tasks: Iterable[Task],
        work: Work,
        check: Callable[[], None],
        progress: bool,
    ):
        self._executor, self._ray, self._work, self._check = executor, executor.ray, work, check
        self._tasks, self._progress = iter(tasks), progress
        self._places, self._cluster = executor.places(run), Cluster(executor.ray, work.device, work.threads)
        self._arrived = {name: (place, found) for place in self._places for name, found in sound(place).items()}
        self._order, self._todo = deque[Task](), deque[Task]()
        self._failed, self._attempts = dict[str, str](), Counter[str]()
        self._machines, self._said = dict[str, Machine](), set[str]()
        self._alone_since: float | None = None
        self._why, self._refused = "", False

    def chunks(self) -> Chunks:
        self._token, self._secret = f"{secrets.token_hex(8)}{TOKEN}", secrets.token_bytes(16)
        self._places[0].put(self._token, self._secret)
        try:
            self._there = self._ray.put(self._work.there)
        except Exception as error:
            raise DgnamError(
                f"executor '{self._executor.name}': what the run was called with can't be sent to other machines "
                f"({type(error).__name__}: {shortened(str(error), 200)}); give models by name or path"
            ) from error
        for hand in self._executor.workers:
            self._open(hand)
        try:
            with progress_bar(unit="chunk", desc=self._executor.name, show=self._progress) as bar:
                while self._next() is not None:
                    made = self._turned_in()
                    if made is None:
                        self._turn(TURN)
                        self._check()
                        continue
                    self._turn(0)  # so that nobody waits while this one is entered
                    yield made
                    self._refused |= isinstance(made, Failed)
                    self._entered(self._order.popleft())
                    bar.update()
            for place in self._places if not self._kept_back else ():
                place.clear()
        finally:
            for hand in [hand for hand in self._executor.workers if hand.owes is not None]:
                self._dismiss(hand)
            with suppress(DgnamError):
                self._places[0].remove(self._token)

    # Tasks

    def _next(self) -> Task | None:
        """The task whose turn it is, after as many have been taken as can be handed out."""
        most = 2 * self._cluster.slots() + 1 if self._work.ahead is None else self._work.ahead
        while len(self._todo) < most and (self._work.ahead is None or len(self._order) < self._work.ahead):
            task = next(self._tasks, None)
            if task is None:
                break
            self._order.append(task)
            if task.name not in self._arrived:
                self._todo.append(task)
        return self._order[0] if self._order else None

    def _turned_in(self) -> Made | Failed | None:
        """The chunk whose turn it is; None where it isn't there yet."""
        task = self._order[0]
        if task.name in self._failed:
            return Failed(task.name, self._failed[task.name])
        if task.name not in self._arrived:
            return None
        place, name = self._arrived[task.name]
        try:
            return place.open(name)
        except DgnamError as error:
            del self._arrived[task.name]
            if isinstance(error, FormatError):
                place.remove(name)
            place.names()  # raises where the place is not reached, for which no chunk pays
            self._charge(task, str(error))
            return None

    def _entered(self, task: Task) -> None:
        """Forget a chunk that the run has now."""
        if self._kept_back:
            return
        place, name = self._arrived.pop(task.name, (None, ""))
        if place is not None:
            place.remove(name)

    @property
    def _kept_back(self) -> bool:
        """Whether a chunk failed that all those after it need, so that they stay parcels."""
        return self._work.chained and self._refused

    def _charge(self, task: Task, reason: str) -> None:
        """Try a task again, or give it up where it was tried often enough."""
        self._attempts[task.name] += 1
        tries = self._attempts[task.name]
        if tries <= self._executor.retries:
            self._todo.appendleft(task)
        else:
            self._failed[task.name] = f"{reason} ({tries} {'try' if tries == 1 else 'tries'})"

    # Workers

    def _turn(self, timeout: float) -> None:
        """Hand out what can be, and take in what comes within some seconds."""
        if self._todo:
            self._grow()
        self._hand_out()
        owed = {hand.owes: hand for hand in self._executor.workers if hand.owes is not None}
        if not owed:
            time.sleep(timeout)
            return
        ready, _ = self._ray.wait(list(owed), num_returns=1, timeout=timeout)
        if ready and len(owed) > 1:
            ready, _ = self._ray.wait(list(owed), num_returns=len(owed), timeout=0)
        for answer in ready:
            self._take(owed[answer], answer)
        if ready:
            self._hand_out()

    def _hand_out(self) -> None:
        """A task to each worker that has none, and then a second one to each, as long as there are enough for all.

        A worker that sends chunks back through Ray gets no second one: if it died, nobody would know in which.
        """
        ready = [hand for hand in self._executor.workers if hand.ready]
        for depth in (1, 2):
            for hand in ready:
                if len(hand.tasks) >= depth or not self._todo:
                    continue
                if depth == 1 or (hand.reaches and len(self._todo) > len(ready)):
                    task = self._todo.popleft()
                    hand.tasks.append((hand.actor.make.remote(task), task))

    def _take(self, hand: Hand, answer: Any) -> None:
        """Take in an answer, or the news that there will be none."""
        if hand not in self._executor.workers:
            return
        try:
            found = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            self._lost(hand, str(error))
            return
        if hand.opening is not None:
            hand.opening = None
            self._take_opened(hand, found)
            return
        _, task = hand.tasks.popleft()
        if isinstance(found, Parcel):
            self._take_parcel(task, found)
        elif found.memory:
            hand.tasks.appendleft((answer, task))
            self._short(hand, found.reason)
        else:
            self._charge(task, found.reason)

    def _take_opened(self, hand: Hand, found: Opened | Trouble) -> None:
        hand.placed = True
        if isinstance(found, Opened):
            hand.ready, hand.reaches, self._alone_since = True, found.reaches, None
            for text in found.warnings:
                if text not in self._said:
                    self._said.add(text)
                    warnings.warn(f"on {found.host}: {text}", stacklevel=2)
            return
        if found.memory:
            self._short(hand, found.reason)
            return
        self._why = found.reason
        self._machines[hand.node].strikes += 1
        self._dismiss(hand)

    def _take_parcel(self, task: Task, found: Parcel) -> None:
        place = self._places[0]
        if found.content is not None:
            try:
                place.put(found.name, found.content)
            except DgnamError:
                self._places[-1].put(found.name, found.content)
                raise
        self._arrived[task.name] = (place, found.name)

    def _lost(self, hand: Hand, reason: str) -> None:
        """A worker is gone: its task is tried again, at its own cost unless its whole machine is gone.

        A chunk whose parcel is there was finished, and only the news of it was lost.
        """
        there = self._places[0].chunks() if hand.tasks else {}
        while hand.tasks and hand.tasks[0][1].name in there:
            _, task = hand.tasks.popleft()
            self._arrived[task.name] = (self._places[0], there[task.name])
        said = shortened(" ".join(reason.split()), 500)
        if LOW_ON_MEMORY in reason:
            self._short(hand, said)
            return
        if hand.tasks and self._cluster.is_alive(hand.node):
            _, task = hand.tasks.popleft()
            self._charge(task, f"its worker died: {said}")
        elif hand.opening is not None and self._cluster.is_alive(hand.node):
            self._why = f"a worker died: {said}"
            self._machines[hand.node].strikes += 1
        self._dismiss(hand)

    def _short(self, hand: Hand, reason: str) -> None:
        """A machine is short of memory: one worker less, and a pause that is longer each time.

        Where it has but one worker, that one's task is too large for it, and pays for the try.
        """
        machine = self._machines[hand.node]
        others = sum(other.node == hand.node for other in self._executor.workers) - 1
        machine.short += 1
        machine.rests_until = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** (machine.short - 1))
        if others > 0:
            machine.most = others
        elif hand.tasks:
            _, task = hand.tasks.popleft()
            self._charge(task, f"short of memory: {reason}")
        else:
            machine.strikes += 1
            self._why = f"short of memory: {reason}"
        self._dismiss(hand)

    def _dismiss(self, hand: Hand) -> None:
        """End a worker; what was handed to it is handed out again."""
        self._todo.extendleft(task for _, task in reversed(hand.tasks))
        hand.tasks.clear()
        self._executor.workers.remove(hand)
        hand.kill()

    def _open(self, hand: Hand) -> None:
        place = Place(self._places[0].place, self._token, self._secret, self._executor.has_store)
        hand.ready, hand.opening = False, hand.actor.open.remote(self._there, self._work.threads, place)
        self._machines.setdefault(hand.node, Machine(self._cluster.room(hand.node)))

    # Machines

    def _grow(self) -> None:
        """Start workers where there is room, on the emptiest machines first."""
        free = self._free()
        if not free and not self._executor.workers:
            self._complain()
        now = time.monotonic()
        useful = [hand for hand in self._executor.workers if hand.ready or now - hand.began < STARTING]
        for _ in range(len(self._todo) - sum(not hand.tasks for hand in useful)):
            node = max(free, key=lambda one: free[one], default=None)
            if node is None or free[node] < 1:
                if free and not self._executor.workers:
                    self._tell_of_wait()
                return
            free[node] -= 1
            self._start(node)

    def _tell_of_wait(self) -> None:
        """Warn once that others have all that there is."""
        kind = "CPUs" if self._work.device == "cpu" else "GPUs"
        text = f"executor '{self._executor.name}': others use all {kind} of the cluster; waiting for one that is free"
        if text not in self._said:
            self._said.add(text)
            warnings.warn(text, stacklevel=2)

    def _free(self) -> dict[str, int]:
        """How many more workers each machine may have now, of those that are here and don't rest.

        What a worker takes that has not answered yet may not be missing from what the machine says is free.
        """
        now, found = time.monotonic(), {}
        for node in self._cluster.nodes():
            machine = self._machines.setdefault(node, Machine(self._cluster.room(node)))
            if machine.rests_until > now or machine.strikes > self._executor.retries:
                continue
            ours = [hand for hand in self._executor.workers if hand.node == node]
            free = self._cluster.free(node) - sum(not hand.placed for hand in ours)
            found[node] = max(0, min(machine.most - len(ours), free))
        return found

    def _complain(self) -> None:
        """Raise DgnamError where no machine can ever do anything, or none has come back in time."""
        name, nodes = self._executor.name, self._cluster.nodes()
        here = [self._machines[node] for node in nodes]
        if here and all(machine.strikes > self._executor.retries for machine in here):
            raise DgnamError(f"executor '{name}': no worker can be started: {self._why}")
        if not here and not self._machines:
            need = "CPU" if self._work.device == "cpu" else "GPU"
            raise DgnamError(
                f"executor '{name}': no machine of the cluster has a {need}, for device {self._work.device}"
            )
        now = time.monotonic()
        self._alone_since = now if self._alone_since is None else self._alone_since
        if not here and now - self._alone_since > PATIENCE:
            raise DgnamError(f"executor '{name}': the cluster has had no machine left for {PATIENCE:g} s")

    def _start(self, node: str) -> None:
        place = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        remote = self._ray.remote(Worker).options(
            max_restarts=0, scheduling_strategy=place, **self._cluster.resources_of_worker(node)
        )
        hand = Hand(self._ray, remote.remote(*self._executor.surroundings), node)
        self._executor.workers.append(hand)
        self._open(hand)
