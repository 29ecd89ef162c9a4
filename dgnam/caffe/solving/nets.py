"""A solver's nets: one for training and any number for testing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import CaffeFormatError, naming
from ..glog import LOGGER
from ..net import Net
from ..proto import pb, read_net

_TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


def train_net(param: pb.SolverParameter, source: str) -> Net:
    """Return the training net, with weights from the files listed in `weights`.

    The layers' rules test the state TRAIN, merged with the net's `state` and then `train_state`.

    source: the definition's name in errors.
    """
    given = [field for field in _TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        found = f"it has {', '.join(given)}" if given else "it has none"
        raise CaffeFormatError(
            f"{source}: a solver needs one training net, in one of the fields {', '.join(_TRAIN_FIELDS)}; {found}"
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
    """Return the test nets: those of test_net_param, of test_net, then `net` for each remaining `test_iter`.

    The state of each is TEST, merged with the net's `state` and then its `test_state`.
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
    """Yield each test net's definition, its field, and its file (None for a definition in the field itself)."""
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
            f"{source}: test_iter must be given once for each test net; got {count} test_iter and {own} nets in "
            "test_net and test_net_param"
        )
    if param.test_state and len(param.test_state) != count:
        raise CaffeFormatError(
            f"{source}: test_state must be given once for each of the {count} test nets or not at all; got "
            f"{len(param.test_state)}"
        )
    if count and param.test_interval < 1:
        raise CaffeFormatError(f"{source}: test_iter requires a positive test_interval")


def _built(
    definition: pb.NetParameter, origin: str, state: pb.NetState, over: Sequence[pb.NetState], weights: Sequence[str]
) -> Net:
    """Build the net in `state`, merged with its own state and those of `over`; `origin` is its file."""
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
