"""Where the files are looked for that nets and solvers name: as Caffe does it, and then beside the file naming them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.io import array_to_blobproto
from dgnam.caffe.proto import parse_net
from dgnam.caffe.wiring.located import located
from dgnam.errors import DgnamError
from tests.caffe.made_databases import datum, make_database, save_bgr
from tests.caffe.tools.commands import run

LAYERS = {
    "Data": 'data_param { source: "db" backend: LMDB batch_size: 1 } transform_param { mean_file: "mean" }',
    "ImageData": 'image_data_param { source: "list.txt" batch_size: 1 } transform_param { mean_file: "mean" }',
    "HDF5Data": 'hdf5_data_param { source: "h5.txt" batch_size: 1 }',
    "WindowData": 'window_data_param { source: "windows.txt" batch_size: 2 fg_fraction: 0.5 } '
    "transform_param { crop_size: 2 }",
}


def fill(folder: Path, value: int) -> Path:
    """Files for each type of layer, whose pictures and numbers are `value`."""
    folder.mkdir(exist_ok=True)
    make_database(folder / "db", [datum(np.full((3, 4, 4), value, np.uint8))])
    save_bgr(folder / "picture.png", np.full((4, 4, 3), value, np.uint8))
    (folder / "list.txt").write_text("picture.png 0\n")
    (folder / "mean").write_bytes(array_to_blobproto(np.full((1, 3, 4, 4), 1.0)).SerializeToString())
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"] = file["label"] = np.full((1, 2), value, np.float32)
    (folder / "h5.txt").write_text("rows.h5\n")
    (folder / "windows.txt").write_text("# 0\npicture.png\n3\n4\n4\n2\n1 0.9 0 0 3 3\n0 0.1 0 0 3 3\n")
    return folder


@pytest.fixture
def folders(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """An empty working directory, and a folder with files of 7 beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work, fill(tmp_path / "beside", 7)


@pytest.mark.parametrize("kind", LAYERS)
def test_data_layers_find_their_files(kind, folders):
    """Beside the prototxt, and the listed ones beside the listing, unless the working directory has them."""
    work, beside = folders
    text = f'layer {{ name: "d" type: "{kind}" top: "data" top: "label" {LAYERS[kind]} }}'
    (beside / "net.prototxt").write_text(text)
    off = 1 if "mean_file" in text else 0
    assert (caffe.Net(str(beside / "net.prototxt"), caffe.TEST).forward()["data"] == 7 - off).all()
    fill(work, 9)
    assert (caffe.Net(str(beside / "net.prototxt"), caffe.TEST).forward()["data"] == 9 - off).all()


def test_the_infogain_matrix_is_found_beside(folders):
    _, beside = folders
    (beside / "h").write_bytes(array_to_blobproto(np.ones((1, 1, 2, 2))).SerializeToString())
    text = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
    layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 1 } } }
    layer { name: "loss" type: "InfogainLoss" bottom: "x" bottom: "t" top: "l" infogain_loss_param { source: "h" } }"""
    (beside / "net.prototxt").write_text(text)
    assert caffe.Net(str(beside / "net.prototxt"), caffe.TEST).forward()["l"] == pytest.approx(2 * np.log(2))


def test_what_is_nowhere_keeps_its_name(folders):
    _, beside = folders
    net = parse_net('layer { name: "d" type: "Data" top: "x" data_param { source: "absent" batch_size: 1 } }')
    assert located(net, beside) == net
    (beside / "net.prototxt").write_text(str(net))
    with pytest.raises(DgnamError, match="absent: there is no such database"):
        caffe.Net(str(beside / "net.prototxt"), caffe.TEST)


NET = """name: "%s"
layer { name: "d" type: "Data" top: "data" data_param { source: "db" backend: LMDB batch_size: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }
"""
SETTINGS = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "snap" '


@pytest.mark.parametrize("fields", ['net: "n.prototxt"', 'train_net: "n.prototxt" test_net: "n.prototxt"'])
def test_a_solver_finds_its_nets(fields, folders, capsys):
    work, beside = folders
    (beside / "n.prototxt").write_text(NET % "beside")
    (beside / "solver.prototxt").write_text(f"{SETTINGS} {fields} test_iter: 1 test_interval: 1")
    path = str(beside / "solver.prototxt")
    for solver in (caffe.get_solver(path), caffe.SGDSolver(path)):
        assert [net.name for net in (solver.net, *solver.test_nets)] == ["beside"] * 2
    run("train", f"--solver={path}")
    assert sorted(found.name for found in work.iterdir()) == ["snap_iter_1.caffemodel", "snap_iter_1.solverstate"]
    fill(work, 9)
    (work / "n.prototxt").write_text(NET % "here")
    solver = caffe.get_solver(path)
    assert [net.name for net in (solver.net, *solver.test_nets)] == ["here"] * 2
    assert (solver.net.forward()["loss"] == 0).all()
    assert (solver.net.blobs["data"].data == 9).all()


def test_a_solver_finds_its_weights(folders):
    _, beside = folders
    (beside / "n.prototxt").write_text(NET % "net")
    net = caffe.Net(str(beside / "n.prototxt"), caffe.TRAIN)
    net.params["ip"][0].data[...] = 5
    net.save(str(beside / "start.caffemodel"))
    (beside / "solver.prototxt").write_text(f'{SETTINGS} net: "n.prototxt" weights: "start.caffemodel"')
    solver = caffe.get_solver(str(beside / "solver.prototxt"))
    assert (solver.net.params["ip"][0].data == 5).all()


def test_a_net_that_is_nowhere_is_an_error_with_both_places(folders):
    _, beside = folders
    (beside / "solver.prototxt").write_text(SETTINGS + 'net: "examples/n.prototxt"')
    message = (
        "examples/n.prototxt: no such file, neither from the working directory nor beside .*beside/solver.prototxt"
    )
    with pytest.raises(DgnamError, match=message):
        caffe.get_solver(str(beside / "solver.prototxt"))
