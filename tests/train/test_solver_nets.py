"""The nets that a solver names: where they are looked for, and in which state."""

from __future__ import annotations

import numpy as np
import pytest

from dgnam.caffe.proto import pb, write_hdf5_weights
from dgnam.errors import DgnamError
from dgnam.train.classifier import evaluate, train_classifier
from dgnam.train.curves import read_log
from dgnam.train.data_layer import split_data_layer
from dgnam.train.solver_nets import named_weights, solver_nets
from tests.toy import SOLVER, TRAIN_VAL


@pytest.fixture
def away(nets, tmp_path, monkeypatch):
    """A working directory, in which `nets/` is the folder of the solver."""
    monkeypatch.chdir(tmp_path)
    return nets


def write(path, name):
    """A net of this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TRAIN_VAL.replace('"tiny"', f'"{name}"'))
    return path


def test_a_net_is_looked_up_from_the_working_directory_and_then_beside(away, tmp_path):
    solver = away / "classifier_solver.prototxt"
    solver.write_text(solver.read_text().replace('"train_val.prototxt"', '"sub/net.prototxt"'))
    write(away / "sub/net.prototxt", "beside")
    assert solver_nets(solver).train.definition.name == "beside"
    assert solver_nets(solver).train.folder == away / "sub"
    write(tmp_path / "sub/net.prototxt", "here")
    assert solver_nets(solver).train.definition.name == "here"
    assert solver_nets(solver, beside=True).train.definition.name == "beside"
    (away / "sub/net.prototxt").unlink()
    assert solver_nets(solver, beside=True).train.definition.name == "here"


def test_weights_are_looked_up_likewise(away, tmp_path):
    write_hdf5_weights(away / "start.h5", {"fc": [np.ones(1, np.float32)]})
    solver = pb.SolverParameter(weights=["start.h5, start.h5"])
    path = away / "solver.prototxt"
    assert [weights["fc"][0] for weights in named_weights(path, solver)] == [1, 1]
    write_hdf5_weights(tmp_path / "start.h5", {"fc": [np.zeros(1, np.float32)]})
    assert [weights["fc"][0] for weights in named_weights(path, solver)] == [0, 0]
    with pytest.raises(DgnamError, match="absent: no such file, neither from the working directory nor beside"):
        named_weights(path, pb.SolverParameter(weights=["absent"]))


def test_train_net_and_test_net(away, tmp_path, data_folder):
    """The two halves of a net, as Caffe's notebooks write them."""
    solver = away / "classifier_solver.prototxt"
    text = solver.read_text().replace("max_iter: 40", "max_iter: 20").replace("net:", "train_net:")
    solver.write_text('test_net: "test.prototxt"' + text)
    (away / "test.prototxt").write_text(TRAIN_VAL.replace("batch_size: 20", "batch_size: 10"))
    net = train_classifier(solver, tmp_path / "run", data_folder=data_folder, progress=False)
    assert [entry["iteration"] for entry in read_log(tmp_path / "run") if "top1" in entry] == [20]
    assert split_data_layer(solver_nets(solver).test.definition, pb.TEST)[0].batch_size == 10
    assert net.weights()["fc"][0].shape[0] == 6


def test_a_test_net_with_other_weights_is_an_error(away, tmp_path, data_folder):
    solver = away / "classifier_solver.prototxt"
    solver.write_text('test_net: "test.prototxt"' + solver.read_text())
    (away / "test.prototxt").write_text(TRAIN_VAL.replace("crop_size: 12", "crop_size: 14"))
    with pytest.raises(DgnamError, match=r"layer 'fc' has weights of shape .* in the net that is tested, and of shape"):
        train_classifier(solver, tmp_path / "run", data_folder=data_folder, progress=False)


def test_states_choose_the_layers(away, data_folder):
    first = TRAIN_VAL.index("layer")
    second = TRAIN_VAL.index('layer { name: "data"', first + 10)
    text = TRAIN_VAL[:second] + TRAIN_VAL[second:].replace("phase: TEST", 'phase: TEST stage: "held-out"', 1)
    (away / "train_val.prototxt").write_text(text)
    solver = away / "classifier_solver.prototxt"
    nets = solver_nets(solver)
    with pytest.raises(DgnamError, match="in phase TEST, not 0"):
        split_data_layer(nets.test.definition, pb.TEST, data_folder, nets.test.folder, nets.test.state)
    solver.write_text('test_state { stage: "held-out" }' + solver.read_text())
    nets = solver_nets(solver)
    layer, _ = split_data_layer(nets.test.definition, pb.TEST, data_folder, nets.test.folder, nets.test.state)
    assert layer.source == "toy-val"
    assert not nets.train.state.stage


def test_a_net_with_accuracy_while_it_is_trained(away, tmp_path, data_folder):
    """Its scores and its labels are split for the two layers."""
    accuracy = 'layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" }'
    (away / "train_val.prototxt").write_text(TRAIN_VAL + accuracy)
    solver = away / "classifier_solver.prototxt"
    solver.write_text(SOLVER % 20)
    net = train_classifier(solver, tmp_path / "run", data_folder=data_folder, progress=False)
    layer, _ = split_data_layer(solver_nets(solver).test.definition, pb.TEST, data_folder)
    found = evaluate(net, layer.load(data_folder), layer)
    assert [entry["top1"] for entry in read_log(tmp_path / "run") if "top1" in entry] == [found.top1]
    assert found.top1 > 0.3


def test_a_net_may_stand_in_the_solver(away):
    """Its files then lie beside the solver."""
    path = away / "own.prototxt"
    path.write_text('net_param { name: "inner" } max_iter: 1')
    found = solver_nets(path)
    assert (found.train.definition.name, found.train.folder) == ("inner", away)
    path.write_text(
        'train_net_param { name: "a" } test_net_param { name: "b" } max_iter: 1 test_interval: 1 test_iter: 1'
    )
    found = solver_nets(path)
    assert (found.train.definition.name, found.test.definition.name) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('net_param { name: "a" } max_iter: 0', "max_iter is 0; give 1 or more"),
        ('net_param { name: "a" } max_iter: 1 iter_size: 0', "iter_size is 0; give 1 or more"),
        ("max_iter: 1", "give one net to train, .*; it names no net"),
        ('net_param { name: "a" } train_net_param { name: "b" } max_iter: 1', "it has net_param, train_net_param"),
        ('net_param { name: "a" } test_net: "b" test_net: "c" max_iter: 1', "names several nets to test"),
    ],
)
def test_solvers_that_name_no_single_net(away, text, message):
    (away / "own.prototxt").write_text(text)
    with pytest.raises(DgnamError, match=message):
        solver_nets(away / "own.prototxt")
