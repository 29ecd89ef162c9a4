"""The nets that a solver's definition asks for: one to train, and any number to test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import CaffeFormatError, naming
from ..glog import LOGGER
from ..net import Net
from ..proto import pb, read_net

_TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


def train_net(param: pb.SolverParameter, source: str) -> Net:
    """The net to train, with the weights of the files that `weights` names.

    The state that its layers' rules see is TRAIN, then what the net's own `state` gives, then `train_state`.

    source: what errors call the solver's definition.
    """
    given = [field for field in _TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        found = f"it gives {', '.join(given)}" if given else "it gives none"
        raise CaffeFormatError(
            f"{source}: a solver needs exactly one train net, in one of the fields {', '.join(_TRAIN_FIELDS)}, "
            f"and {found}"
        )
    field = given[0]
    if field.endswith("_param"):
        LOGGER.info("Creating training net specified in %s.", field)
        definition, origin = getattr(param, field), source
    else:
        file = getattr(param, field)
        LOGGER.info("Creating training net from %s file: %s", field, file)
        definition, origin = read_net(file), file
    state = pb.NetState(phase=pb.TRAIN)
    return _built(definition, origin, state, [param.train_state], param.weights)


def test_nets(param: pb.SolverParameter, source: str) -> list[Net]:
    """The nets to test: those of test_net_param, of test_net, and then `net` for each `test_iter` that is left.

    The state of each is TEST, then what the net's own `state` gives, then its `test_state`.
    """
    _check_tests(param, source)
    nets = []
    for i, (definition, field, file) in enumerate(_test_definitions(param)):
        LOGGER.info("Creating test net (#%d) specified by %s", i, field if file is None else f"{field} file: {file}")
        states = [param.test_state[i]] if param.test_state else []
        origin = source if file is None else file
        nets.append(_built(definition, origin, pb.NetState(phase=pb.TEST), states, param.weights))
    return nets


def _test_definitions(param: pb.SolverParameter) -> Iterator[tuple[pb.NetParameter, str, str | None]]:
    """Each test net's definition, the field that gives it, and its file, None where it stands in the field itself."""
    for definition in param.test_net_param:
        yield definition, "test_net_param", None
    for file in param.test_net:
        yield read_net(file), "test_net", file
    left = len(param.test_iter) - len(param.test_net_param) - len(param.test_net)
    if left > 0:
        inline = param.HasField("net_param")
        definition = param.net_param if inline else read_net(param.net)
        for _ in range(left):
            yield (definition, "net_param", None) if inline else (definition, "net", param.net)


def _check_tests(param: pb.SolverParameter, source: str) -> None:
    own = len(param.test_net_param) + len(param.test_net)
    general = param.HasField("net") or param.HasField("net_param")
    count = len(param.test_iter)
    if count < own or (count > own and not general):
        raise CaffeFormatError(
            f"{source}: test_iter must be given once for each test net; there are {count} test_iter and {own} nets "
            "in test_net and test_net_param"
        )
    if param.test_state and len(param.test_state) != count:
        raise CaffeFormatError(
            f"{source}: test_state must be given once for each of the {count} test nets or not at all, and there are "
            f"{len(param.test_state)}"
        )
    if count and param.test_interval < 1:
        raise CaffeFormatError(f"{source}: test_iter asks for tests, so test_interval must be positive")


def _built(
    definition: pb.NetParameter, origin: str, state: pb.NetState, over: Sequence[pb.NetState], weights: Sequence[str]
) -> Net:
    """The net in `state`, over which its own and those of `over` are laid; `origin` is the file that defines it."""
    state.MergeFrom(definition.state)
    for other in over:
        state.MergeFrom(other)
    wired = pb.NetParameter()
    wired.CopyFrom(definition)
    wired.state.CopyFrom(state)
    with naming(origin):
        net = Net(wired, state.phase, level=state.level)
    for names in weights:
        for name in names.split(","):
            LOGGER.info("Finetuning from %s", name.strip())
            net.copy_from(name.strip())
    return net
