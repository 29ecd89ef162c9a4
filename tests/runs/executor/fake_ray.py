"""As much of Ray as the executor uses, in this process: actors are objects, and a call is made when it is waited for.

What happens to a cluster is said beforehand: `ray.lose(node)` and `ray.kill_worker_in(task)`.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import ray.cloudpickle


class RayError(Exception):
    """As `ray.exceptions.RayError`."""


class Reference:
    """A call's answer: pending until its actor comes to it."""

    def __init__(self, actor, call):
        self.actor, self.call, self.answer, self.error = actor, call, None, None
        self.done = False


class Actor:
    """An object whose methods are called in order, on a node."""

    def __init__(self, cluster, make, node, takes):
        self.cluster, self.node, self.dead, self.calls, self.takes = cluster, node, None, [], takes
        self.inner = make()

    def __getattr__(self, name):
        def remote(*given):
            reference = Reference(self, lambda: self.cluster.called(self, name, given))
            if self.dead is not None:
                reference.done, reference.error = True, RayError(self.dead)
            else:
                self.calls.append(reference)
            return reference

        return SimpleNamespace(remote=remote)

    def die(self, why):
        self.dead = why
        for reference in self.calls:
            reference.done, reference.error = True, RayError(why)
        self.calls.clear()


class FakeRay:
    """A cluster of nodes with so many CPUs and GPUs each, by their names.

    deaths: for a chunk, why the worker that begins it dies, once each; "node" takes its node along, and "late" lets it
        finish the chunk and die before it says so.
    seen: by node, the chunks begun there.
    others: by node, what other programs have taken of it.
    """

    def __init__(self, **nodes):
        self.machines = {
            name: {"CPU": float(cpus), **({"GPU": float(gpus)} if gpus else {})} for name, (cpus, gpus) in nodes.items()
        }
        self.actors, self.turn, self.deaths, self.seen = [], itertools.count(), {}, []
        self.others = {}
        state = SimpleNamespace(available_resources_per_node=self.available)
        self._private = SimpleNamespace(state=state)
        self.exceptions = SimpleNamespace(RayError=RayError)
        strategy = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = SimpleNamespace(scheduling_strategies=strategy)

    def is_initialized(self):
        return True

    def nodes(self):
        return [{"NodeID": name, "Alive": True, "Resources": has} for name, has in self.machines.items()]

    def available(self):
        """What is left on each node; Ray leaves out what there is none of."""
        found = {}
        for name, has in self.machines.items():
            left = {what: count - self.others.get(name, {}).get(what, 0) for what, count in has.items()}
            for actor in self.actors:
                if actor.node == name and actor.dead is None:
                    for option, what in (("num_cpus", "CPU"), ("num_gpus", "GPU")):
                        left[what] = left.get(what, 0) - actor.takes.get(option, 0)
            found[name] = {what: count for what, count in left.items() if count > 0}
        return found

    def put(self, value):
        return ray.cloudpickle.dumps(value)

    def remote(self, kind):
        def options(*, scheduling_strategy, **takes):
            def start(*given):
                actor = Actor(self, lambda: kind(*given), scheduling_strategy, takes)
                self.actors.append(actor)
                return actor

            return SimpleNamespace(remote=start)

        return SimpleNamespace(options=options)

    def called(self, actor, name, given):
        if name == "open":
            return actor.inner.open(ray.cloudpickle.loads(given[0]), *given[1:])
        self.seen.append((actor.node, given[0].name))
        return getattr(actor.inner, name)(*given)

    def wait(self, references, num_returns, timeout):
        """Let the actors make a call each, in turn, until enough of the references have their answers."""
        ready = [one for one in references if one.done]
        if len(ready) < num_returns and timeout:
            for reference in references:
                self._make(reference)
            ready = [one for one in references if one.done]
        return ready[:num_returns], [one for one in references if one not in ready[:num_returns]]

    def _make(self, reference):
        actor = reference.actor
        if reference.done or not actor.calls or actor.calls[0] is not reference:
            return
        task = self._task(reference)
        why = self.deaths.get(task, [])
        if why:
            reason = why.pop(0)
            if reason == "late":
                reference.call()
            else:
                self.seen.append((actor.node, task))
            if reason == "node":
                self.lose(actor.node)
            else:
                actor.die(reason)
            return
        actor.calls.pop(0)
        reference.answer, reference.done = reference.call(), True

    def _task(self, reference):
        cells = dict(zip(reference.call.__code__.co_freevars, reference.call.__closure__, strict=True))
        given = cells["given"].cell_contents
        return getattr(given[0], "name", None) if given else None

    def get(self, reference):
        if reference.error is not None:
            raise reference.error
        return reference.answer

    def kill(self, actor):
        actor.die("killed by its driver")

    def lose(self, node):
        del self.machines[node]
        for actor in self.actors:
            if actor.node == node:
                actor.die("its node is gone")
