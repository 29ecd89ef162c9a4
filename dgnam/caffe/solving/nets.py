"""A solver's nets: one for training and any number for testing.

The files that a solver names are looked up from the working directory, as in Caffe, or else from the solver's folder;
those that a net names likewise (`wiring/located.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import CaffeFormatError, naming
from ...files.paths import found_beside
from ..glog import LOGGER
from ..net import Net
from ..proto import pb, read_net
from ..wiring.located import located

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
        LOGGER.info("Creating training net from %s file: %s", field, getattr(param, field))
        origin = found_beside(getattr(param, field), source)
        definition = read_net(origin)
    state = pb.NetState(phase=pb.TRAIN)
    return _built(definition, origin, state, [param.train_state], _weights(param, source))


def test_nets(param: pb.SolverParameter, source: str) -> list[Net]:
    """Return the test nets: those of test_net_param, of test_net, then `net` for each remaining `test_iter`.

    The state of each is TEST, merged with the net's `state` and then its `test_state`.
    """
    _check_tests(param, source)
    nets = []
    for i, (definition, field, file) in enumerate(_test_definitions(param, source)):
        LOGGER.info("Creating test net (#%d) specified by %s", i, field if file is None else f"{field} file: {file}")
        states = [param.test_state[i]] if param.test_state else []
        origin = source if file is None else file
        nets.append(_built(definition, origin, pb.NetState(phase=pb.TEST), states, _weights(param, source)))
    return nets


def _test_definitions(param: pb.SolverParameter, source: str) -> Iterator[tuple[pb.NetParameter, str, str | None]]:
    """Yield each test net's definition, its field, and its file (None for a definition in the field itself)."""
    for definition in param.test_net_param:
        yield definition, "test_net_param", None
    for name in param.test_net:
        file = found_beside(name, source)
        yield read_net(file), "test_net", file
    left = len(param.test_iter) - len(param.test_net_param) - len(param.test_net)
    if left > 0:
        inline = param.HasField("net_param")
        file = source if inline else found_beside(param.net, source)
        definition = param.net_param if inline else read_net(file)
        for _ in range(left):
            yield (definition, "net_param", None) if inline else (definition, "net", file)


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
    """Build the net in `state`, merged with its own state and those of `over`; `origin` is its file.

    weights: files to copy weights from, one after the other.
    """
    state.MergeFrom(definition.state)
    for other in over:
        state.MergeFrom(other)
    wired = located(definition, Path(origin).parent)
    wired.state.CopyFrom(state)
    with naming(origin):
        net = Net(wired, state.phase, level=state.level)
    for file in weights:
        LOGGER.info("Finetuning from %s", file)
        net.copy_from(file)
    return net


def _weights(param: pb.SolverParameter, source: str) -> list[str]:
    """Return the files in `weights`, of which an entry lists several with commas between them."""
    return [found_beside(name.strip(), source) for names in param.weights for name in names.split(",")]
