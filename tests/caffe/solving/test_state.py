"""Snapshots: Caffe's files, the way back from them, and what is no snapshot."""

from __future__ import annotations

import logging
import re

import h5py
import numpy as np
import pytest
from google.protobuf.message import DecodeError

from dgnam.caffe import mode
from dgnam.caffe.proto import pb, read_weights
from dgnam.caffe.solving.state import SolverState, read_state, write_state
from dgnam.errors import CaffeFormatError, DgnamError, FormatError
from tests.caffe.solvers import KINDS, equal, fed, values

FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}
STATE = SolverState(7, "a_iter_7.caffemodel", 2, [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(4, np.float32)])


def settings(kind, folder, form="BINARYPROTO"):
    return (
        f'type: "{kind}" {KINDS[kind]} lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 4 '
        f'snapshot_prefix: "{folder}/s" snapshot_format: {form}'
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_is_resumed_comes_to_the_same_weights_bit_for_bit(tmp_path, kind, form):
    mode.set_random_seed(3)
    through = fed(settings(kind, tmp_path, form))
    through.step(3)
    through.snapshot()
    through.step(3)
    mode.set_random_seed(4)  # the masks of the Dropout layer come from the state
    resumed = fed(settings(kind, tmp_path, form))
    resumed.restore(tmp_path / f"s_iter_3.solverstate{FORMATS[form]}")
    assert (resumed.iter, resumed._current_step) == (3, 1)
    resumed.step(3)
    assert equal(values(through.net), values(resumed.net))
    assert resumed.lr == through.lr


@pytest.mark.parametrize("ending", FORMATS.values())
def test_write_and_read_back(tmp_path, ending):
    path = tmp_path / f"s.solverstate{ending}"
    write_state(path, STATE)
    found = read_state(path)
    assert (found.iteration, found.learned_net, found.current_step) == (7, "a_iter_7.caffemodel", 2)
    assert equal(list(found.history), list(STATE.history))
    assert [a.dtype for a in found.history] == [np.float32] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_the_binary_file_is_caffes_message(tmp_path):
    write_state(tmp_path / "s", STATE)
    message = pb.SolverState.FromString((tmp_path / "s").read_bytes())
    assert (message.iter, message.learned_net, message.current_step) == (7, "a_iter_7.caffemodel", 2)
    assert [list(blob.shape.dim) for blob in message.history] == [[2, 3], [4]]
    assert list(message.history[0].data) == [0, 1, 2, 3, 4, 5]


def test_the_hdf5_file_has_caffes_names_and_types(tmp_path):
    write_state(tmp_path / "s.h5", STATE)
    with h5py.File(tmp_path / "s.h5") as file:
        assert (file["iter"][0], file["current_step"][0]) == (7, 2)
        assert (file["iter"].dtype, file["iter"].shape) == (np.int32, (1,))
        assert file["learned_net"][()] == b"a_iter_7.caffemodel"
        assert file["learned_net"].dtype.itemsize == len("a_iter_7.caffemodel") + 1
        assert sorted(file["history"]) == ["0", "1"]
        assert (file["history/0"].shape, file["history/0"].dtype) == ((2, 3), np.float32)
        for name in ("iter", "current_step", "learned_net", "history/0", *(f"random/{kind}" for kind in STATE.random)):
            assert h5py.h5g.get_objinfo(file.id, name.encode()).mtime == 0  # the same bytes whenever it is written


def test_states_that_caffe_wrote_are_read(tmp_path):
    """As real Caffe writes them: no random state, legacy shapes in old files, its own way of storing a string."""
    old = pb.SolverState(iter=5, learned_net="m.caffemodel")
    old.history.add(num=1, channels=1, height=2, width=3, data=range(6))
    old.history.add(double_data=[1.5], shape={"dim": [1]})
    (tmp_path / "old").write_bytes(old.SerializeToString())
    found = read_state(tmp_path / "old")
    assert (found.iteration, found.current_step, found.random) == (5, 0, {})
    assert [a.shape for a in found.history] == [(1, 1, 2, 3), (1,)]
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["iter"], file["current_step"] = np.array([5], "i4"), np.array([0], "i4")
        string = h5py.h5t.C_S1.copy()
        string.set_size(13)
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        dataset = h5py.h5d.create(file.id, b"learned_net", string, space)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(b"m.caffemodel", "S13"))
        file.create_group("history")["0"] = np.zeros((2, 3), "f4")
    found = read_state(tmp_path / "s.h5")
    assert (found.iteration, found.learned_net, len(found.history)) == (5, "m.caffemodel", 1)


def test_old_shapes_of_four_axes_fit_the_nets(tmp_path):
    solver = fed(settings("SGD", tmp_path))
    solver.step(1)
    solver.snapshot()
    path = tmp_path / "s_iter_1.solverstate"
    message = pb.SolverState.FromString(path.read_bytes())
    for blob in message.history:
        dims = [1] * (4 - len(blob.shape.dim)) + list(blob.shape.dim)
        blob.num, blob.channels, blob.height, blob.width = dims
        blob.ClearField("shape")
    path.write_bytes(message.SerializeToString())
    resumed = fed(settings("SGD", tmp_path))
    resumed.restore(path)
    assert all(np.array_equal(a.data, b.data) for a, b in zip(solver._history, resumed._history, strict=True))


@pytest.mark.parametrize("ending", FORMATS.values())
def test_every_truncation_is_an_error_that_names_the_file(tmp_path, ending):
    whole = tmp_path / f"whole{ending}"
    write_state(whole, STATE)
    content = whole.read_bytes()
    cut = tmp_path / f"cut{ending}"
    step = max(1, len(content) // 97)
    for size in range(0, len(content) - 1, step):
        cut.write_bytes(content[:size])
        if ending or not _ends_between_fields(cut):
            with pytest.raises(FormatError, match=f"cut{ending}: "):
                read_state(cut)


def _ends_between_fields(path):
    """Whether a binary state is a valid message of fewer history blobs, which `restore` refuses."""
    try:
        return len(pb.SolverState.FromString(path.read_bytes()).history) < 2 and path.stat().st_size > 1
    except DecodeError:
        return False


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty", b"", "the file is empty"),
        ("m.caffemodel", pb.NetParameter(name="n").SerializeToString(), "is not a solverstate: iter is not a number"),
        ("mean", pb.BlobProto(data=[1]).SerializeToString(), "is not a solverstate: it has no iteration"),
        ("minus", pb.SolverState(iter=-1).SerializeToString(), "iter is out of range"),
        ("text", b"iter: 5", "is text"),
        ("s.h5", b"iter: 5", "is not an HDF5 file"),
    ],
)
def test_what_is_no_state_is_an_error_that_says_so(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=f"{name}: {message}"):
        read_state(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("iter", np.array([1.5]), "it has no whole number 'iter'"),
        ("current_step", np.array([-1]), "current_step -1 is out of range"),
        ("learned_net", np.array([5]), "'learned_net' is not a string"),
        ("history/7", np.zeros(2, "f4"), "should hold 0, 1, …; it holds"),
        ("history", np.zeros(2, "f4"), "has no group 'history'"),
    ],
)
def test_an_hdf5_state_with_a_wrong_part_is_an_error(tmp_path, name, value, message):
    write_state(tmp_path / "s.h5", STATE)
    with h5py.File(tmp_path / "s.h5", "a") as file:
        if name in file:
            del file[name]
        file[name] = value
    with pytest.raises(FormatError, match=re.escape(message)):
        read_state(tmp_path / "s.h5")


@pytest.mark.parametrize("form", FORMATS)
def test_the_state_of_another_type_of_solver_is_an_error_and_changes_nothing(tmp_path, form):
    adam = fed(settings("Adam", tmp_path, form))
    adam.step(1)
    adam.snapshot()
    solver = fed(settings("SGD", tmp_path))
    before = values(solver.net)
    with pytest.raises(CaffeFormatError, match="holds 8 history blobs; a SGD solver of net 'toy' has 4"):
        solver.restore(tmp_path / f"s_iter_1.solverstate{FORMATS[form]}")
    assert solver.iter == 0
    assert equal(before, values(solver.net))


def test_histories_and_random_states_that_do_not_fit_are_errors(tmp_path):
    solver = fed(settings("SGD", tmp_path))
    history = [np.zeros(b.shape, np.float32) for b in solver.net.learnable_params]
    write_state(tmp_path / "turned", SolverState(1, "", 0, [history[0].T, *history[1:]]))
    with pytest.raises(CaffeFormatError, match=r"turned: history 0 has shape \(3, 3, 2, 4\); the net's parameter"):
        solver.restore(tmp_path / "turned")
    write_state(tmp_path / "dice", SolverState(1, "", 0, history, {"cpu": np.zeros(16, np.uint8)}))
    with pytest.raises(CaffeFormatError, match="dice: its random state is damaged"):
        solver.restore(tmp_path / "dice")
    write_state(tmp_path / "good", SolverState(1, "", 0, history))
    solver.restore(tmp_path / "good")
    assert solver.iter == 1


def test_weights_are_found_beside_a_state_that_was_moved(tmp_path):
    (tmp_path / "a").mkdir()
    solver = fed(settings("SGD", tmp_path / "a"))
    solver.step(1)
    solver.snapshot()
    (tmp_path / "a").rename(tmp_path / "b")
    resumed = fed(settings("SGD", tmp_path))
    resumed.restore(tmp_path / "b" / "s_iter_1.solverstate")
    assert equal(values(solver.net), values(resumed.net))
    (tmp_path / "b" / "s_iter_1.caffemodel").unlink()
    with pytest.raises(CaffeFormatError, match=r"its weights are missing: .*a/s_iter_1.caffemodel"):
        resumed.restore(tmp_path / "b" / "s_iter_1.solverstate")


@pytest.mark.parametrize("form", FORMATS)
def test_a_snapshot_has_the_diffs_where_they_are_asked_for(tmp_path, form, caplog):
    caplog.set_level(logging.INFO, "dgnam.caffe")
    solver = fed(settings("SGD", tmp_path, form) + " snapshot_diff: true")
    solver.step(1)
    solver.snapshot()
    model = tmp_path / f"s_iter_1.caffemodel{FORMATS[form]}"
    bias = solver.net.params["ip"][1]
    if form == "HDF5":
        with h5py.File(model) as file:
            assert np.array_equal(file["diff/ip/1"][()], bias.diff)
            assert set(file["data"]) == set(file["diff"]) == set(solver.net._layer_names)
    else:
        (layer,) = (found for found in pb.NetParameter.FromString(model.read_bytes()).layer if found.name == "ip")
        assert np.array_equal(np.float32(layer.blobs[1].diff), bias.diff)
    assert np.array_equal(read_weights(model)["ip"][1], bias.data)
    kind = "HDF5" if form == "HDF5" else "binary proto"
    assert caplog.messages[-2:] == [
        f"Snapshotting to {kind} file {model}",
        f"Snapshotting solver state to {kind} file {tmp_path}/s_iter_1.solverstate{FORMATS[form]}",
    ]


def test_a_snapshot_that_fails_leaves_the_old_one(tmp_path):
    write_state(tmp_path / "s.h5", STATE)
    before = (tmp_path / "s.h5").read_bytes()
    with pytest.raises(ValueError, match="could not convert"):
        write_state(tmp_path / "s.h5", SolverState(8, "", 0, [np.array(["x"])]))
    assert (tmp_path / "s.h5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]
    with pytest.raises(DgnamError, match="there is no folder"):
        write_state(tmp_path / "absent" / "s", STATE)
