"""HDF5Data: hand-derived cases of the order of rows, and of files that don't fit."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError, CaffeFormatError, DgnamError, FormatError


def write(path: Path, first: int, rows: int, **other: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        label = np.arange(first, first + rows)
        file["label"] = label
        file["data"] = label[:, None] + np.array([0, 0.25, 0.5])
        for name, values in other.items():
            del file[name]
            file[name] = values
    return path


def listing(folder: Path, *files: Path) -> Path:
    path = folder / "list.txt"
    path.write_text("".join(f"{file}\n" for file in files))
    return path


def hdf5_net(source: Path, options: str = "batch_size: 2", phase: int = pb.TRAIN) -> Net:
    return Net(
        parse_net(
            f'layer {{ name: "h" type: "HDF5Data" top: "data" top: "label" '
            f'hdf5_data_param {{ source: "{source}" {options} }} }}'
        ),
        phase,
    )


def labels(net: Net, passes: int) -> list[float]:
    return [label for _ in range(passes) for label in net.forward()["label"].copy()]


def test_rows_in_order_and_round_again(tmp_path):
    net = hdf5_net(listing(tmp_path, write(tmp_path / "a.h5", 0, 3)))
    assert net.blobs["data"].shape == (2, 3)
    assert net.blobs["label"].shape == (2,)
    assert labels(net, 3) == [0, 1, 2, 0, 1, 2]
    assert np.array_equal(net.blobs["data"].data, [[1, 1.25, 1.5], [2, 2.25, 2.5]])


def test_a_batch_goes_on_from_file_to_file(tmp_path):
    net = hdf5_net(listing(tmp_path, write(tmp_path / "a.h5", 0, 3), write(tmp_path / "b.h5", 3, 1)))
    assert labels(net, 4) == [0, 1, 2, 3, 0, 1, 2, 3]


def test_shuffling_keeps_the_rows_of_a_file_together(tmp_path):
    files = [write(tmp_path / f"{k}.h5", 10 * k, 10) for k in range(4)]
    orders = []
    for _ in range(2):
        caffe.set_random_seed(5)
        orders.append(labels(hdf5_net(listing(tmp_path, *files), "batch_size: 10 shuffle: true"), 8))
    seen = orders[0]
    assert orders[0] == orders[1]
    first, second = seen[:40], seen[40:]
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != sorted(first)
    assert first != second
    assert all(len({int(label) // 10 for label in seen[i : i + 10]}) == 1 for i in range(0, 80, 10))


def test_its_own_rows_stay_together_when_shuffled(tmp_path):
    net = hdf5_net(listing(tmp_path, write(tmp_path / "a.h5", 0, 50)), "batch_size: 50 shuffle: true")
    net.forward()
    assert np.array_equal(net.blobs["data"].data[:, 0], net.blobs["label"].data)
    assert not np.array_equal(net.blobs["label"].data, np.arange(50))


@pytest.mark.parametrize(("phase", "seen"), [(pb.TRAIN, [1, 3, 0, 2, 4, 1]), (pb.TEST, [0, 1, 2, 3, 4, 0])])
def test_solvers_share_the_rows_out_in_train(tmp_path, phase, seen):
    net = hdf5_net(listing(tmp_path, write(tmp_path / "a.h5", 0, 5)), phase=phase)
    caffe.set_solver_count(2)
    caffe.set_solver_rank(1)
    try:
        assert labels(net, 3) == seen
    finally:
        caffe.set_solver_count(1)
        caffe.set_solver_rank(0)


def test_integers_and_more_axes(tmp_path):
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.int16)
    net = hdf5_net(listing(tmp_path, write(tmp_path / "a.h5", 0, 2, data=images)))
    net.forward()
    assert np.array_equal(net.blobs["data"].data, images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": np.zeros((4, 2))}, "equal numbers of rows.*'data': .4,.*'label': .3,"),
        ({"data": np.zeros((0, 2)), "label": np.zeros(0)}, "at least one"),
        ({"data": np.array([b"a", b"b", b"c"])}, "dataset 'data' is of type .*not of numbers"),
        ({"data": np.float32(3)}, "equal numbers of rows"),
    ],
)
def test_bad_datasets(tmp_path, change, message):
    path = write(tmp_path / "a.h5", 0, 3, **change)
    with pytest.raises(FormatError, match=f"a.h5.*{message}"):
        hdf5_net(listing(tmp_path, path))


def test_bad_sources(tmp_path):
    with pytest.raises(DgnamError, match=r"none\.txt: no such file"):
        hdf5_net(tmp_path / "none.txt")
    with pytest.raises(CaffeFormatError, match=r"list\.txt: lists no HDF5 file"):
        hdf5_net(listing(tmp_path))
    with pytest.raises(DgnamError, match=r"gone\.h5: no such file"):
        hdf5_net(listing(tmp_path, tmp_path / "gone.h5"))
    with pytest.raises(CaffeFormatError, match=r"not a text list of files; is it an HDF5 file"):
        hdf5_net(write(tmp_path / "a.h5", 0, 3))
    truncated = tmp_path / "a.h5"
    truncated.write_bytes(truncated.read_bytes()[:900])
    with pytest.raises(FormatError, match=r"a\.h5: the HDF5 file is damaged"):
        hdf5_net(listing(tmp_path, truncated))


def test_a_top_without_a_dataset(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.zeros((3, 1))
    with pytest.raises(FormatError, match=r"a\.h5: has no dataset 'label'; it has \['data'\]"):
        hdf5_net(listing(tmp_path, tmp_path / "a.h5"))


def test_a_second_file_with_other_rows(tmp_path):
    files = write(tmp_path / "a.h5", 0, 2), write(tmp_path / "b.h5", 0, 2, data=np.zeros((2, 4)))
    net = hdf5_net(listing(tmp_path, *files))
    with pytest.raises(CaffeError, match=r"b\.h5: its rows have shapes"):
        labels(net, 2)


def test_bad_options(tmp_path):
    source = listing(tmp_path, write(tmp_path / "a.h5", 0, 3))
    with pytest.raises(CaffeError, match="batch_size must be positive"):
        hdf5_net(source, "")
    with pytest.raises(CaffeError, match="does not transform"):
        hdf5_net(source, "batch_size: 1 } transform_param { scale: 2")
