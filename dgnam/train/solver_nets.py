"""The nets and the weights that a solver.prototxt names.

Files are looked up from the working directory, as in Caffe, or else from the folder of the file that names them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..caffe.proto import pb, read_net, read_solver, read_weights
from ..caffe.wiring.weights import Weights
from ..errors import DgnamError
from ..files.paths import found_beside


class NetFile(NamedTuple):
    """A net's definition, the folder where the files that it names may lie, and the state that its layers' rules test.

    state: the level and the stages of the definition and of the solver.
    """

    definition: pb.NetParameter
    folder: Path
    state: pb.NetState


class SolverNets(NamedTuple):
    """A solver with the net that it trains and the first that it tests, often the same."""

    solver: pb.SolverParameter
    train: NetFile
    test: NetFile


def solver_nets(solver_path: str | Path, *, beside: bool = False) -> SolverNets:
    """Read a solver and its nets; an error for what the trainers don't do.

    beside: look for the nets beside the solver first, as for definitions that come with it, whatever lies in the
        working directory.
    """
    solver = read_solver(solver_path)
    if solver.max_iter < 1 or solver.iter_size < 1:
        name = "max_iter" if solver.max_iter < 1 else "iter_size"
        raise DgnamError(f"{solver_path}: {name} is {getattr(solver, name)}; give 1 or more")
    trained = _named(solver, ("net", "train_net", "net_param", "train_net_param"))
    tested = _named(solver, ("test_net", "test_net_param"))
    if len(trained) != 1:
        found = f"it has {', '.join(trained)}" if trained else "it names no net"
        raise DgnamError(
            f"{solver_path}: give one net to train, as net, train_net, net_param or train_net_param; {found}"
        )
    if len(tested) > 1 or any(len(getattr(solver, name)) > 1 for name in tested):
        raise DgnamError(f"{solver_path}: names several nets to test; give one, or use `dgnam caffe train`")
    train = _net(solver, trained[0], solver_path, beside)
    test = _net(solver, tested[0], solver_path, beside) if tested else train._replace(state=pb.NetState())
    return SolverNets(solver, _in_state(train, [solver.train_state]), _in_state(test, solver.test_state[:1]))


def named_weights(solver_path: str | Path, solver: pb.SolverParameter) -> list[Weights]:
    """The weights that a solver's `weights` names: files with commas between them."""
    names = [name.strip() for entry in solver.weights for name in entry.split(",")]
    return [read_weights(found_beside(name, solver_path)) for name in names]


def _named(solver: pb.SolverParameter, names: tuple[str, ...]) -> list[str]:
    """Those of the fields that are given."""
    given = {field.name for field, _ in solver.ListFields()}
    return [name for name in names if name in given and getattr(solver, name)]


def _net(solver: pb.SolverParameter, field: str, solver_path: str | Path, beside: bool) -> NetFile:
    value = getattr(solver, field)
    if field.startswith("test_"):
        value = value[0]
    if isinstance(value, pb.NetParameter):
        return NetFile(value, Path(solver_path).parent, pb.NetState())
    own = os.path.join(Path(solver_path).parent, value)
    path = own if beside and os.path.exists(own) else found_beside(value, solver_path)
    return NetFile(read_net(path), Path(path).parent, pb.NetState())


def _in_state(net: NetFile, over: Iterable[pb.NetState]) -> NetFile:
    """The net with its own level and stages and then those of `over`."""
    for part in (net.definition.state, *over):
        net.state.MergeFrom(part)
    net.state.ClearField("phase")
    return net
