"""Training a classifier: it learns, and a stopped run goes on to the same weights."""

import json
import re

import numpy as np
import pytest
import torch

from dgnam.caffe.modules import precision
from dgnam.caffe.proto import read_caffemodel, write_hdf5_weights
from dgnam.data.dataset import open_dataset
from dgnam.errors import DgnamError
from dgnam.train.classifier import evaluate, train_classifier, trunk
from dgnam.train.curves import read_log
from dgnam.train.data_layer import DataLayer


def train(nets, folder, data_folder, **options):
    return train_classifier(
        nets / "classifier_solver.prototxt", folder, data_folder=data_folder, progress=False, **options
    )


def test_it_learns_colors_and_logs(nets, tmp_path, data_folder):
    net = train(nets, tmp_path / "run", data_folder)
    spec = DataLayer("toy-val", 20, 12, False, (104.0, 117.0, 123.0))
    assert evaluate(net, open_dataset("toy-val", folder=data_folder), spec).top1 > 0.9
    log = read_log(tmp_path / "run")
    assert log[0] == {"iteration": 0, "device": "cpu", "threads": torch.get_num_threads()}
    assert [entry["iteration"] for entry in log if "top1" in entry] == [20, 40]
    assert (tmp_path / "run" / "sheet-000000.png").is_file()
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses[0] > losses[-1]


def test_weights_of_another_net_are_refused(nets, tmp_path, data_folder):
    with pytest.raises(DgnamError, match=r"of none of the net's layers: they have other, and the net has .+"):
        train(nets, tmp_path / "run", data_folder, weights={"other": [np.zeros(3, np.float32)]})


def test_a_stopped_run_goes_on_to_the_same_weights(nets, tmp_path, data_folder):
    whole = train(nets, tmp_path / "whole", data_folder)
    parts = None
    for _ in range(60):
        parts = train(nets, tmp_path / "parts", data_folder, time_limit=0.02)
        if parts is not None:
            break
    assert parts is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_a_time_limit_at_the_last_iteration_stops_nothing(nets, tmp_path, data_folder):
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace("max_iter: 40", "max_iter: 1"))
    assert train(nets, tmp_path / "run", data_folder, time_limit=0) is not None


def test_the_seconds_of_all_processes_count(nets, tmp_path, data_folder):
    for _ in range(2):
        assert train(nets, tmp_path / "run", data_folder, time_limit=0) is None
    paths = sorted((tmp_path / "run" / "chunks").iterdir())
    first, second = (torch.load(path, weights_only=True)["seconds"] for path in paths)
    assert 0 < first < second


def test_a_checkpoint_of_another_recipe_is_refused(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, time_limit=0)
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace("base_lr: 0.05", "base_lr: 0.06"))
    with pytest.raises(
        DgnamError, match=r"cannot resume .*run: solver changed \(was \"base_lr: 0.05\", now \"base_lr: 0.06\"\)"
    ):
        train(nets, tmp_path / "run", data_folder)


def test_a_diverging_run_says_so(nets, tmp_path, data_folder):
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace("base_lr: 0.05", "base_lr: 1e30"))
    with pytest.raises(DgnamError, match=r"the loss is .* lower base_lr"):
        train(nets, tmp_path / "run", data_folder)


def test_weights_on_the_way_are_kept_also_over_a_stop(nets, tmp_path, data_folder):
    run = tmp_path / "run"
    for _ in range(60):
        net = train(nets, run, data_folder, keep=(0, 7, 40), time_limit=0.02)
        if net is not None:
            break
    assert sorted(path.name for path in run.glob("*.caffemodel")) == [f"weights-{k:06d}.caffemodel" for k in (0, 7, 40)]
    before, after = (read_caffemodel(run / f"weights-{k:06d}.caffemodel") for k in (0, 40))
    assert np.array_equal(after["fc"][0], net.weights()["fc"][0])
    assert not np.array_equal(before["fc"][0], after["fc"][0])


def test_a_run_may_stop_at_an_iteration_and_go_on(nets, tmp_path, data_folder):
    whole = train(nets, tmp_path / "whole", data_folder)
    run = tmp_path / "run"
    assert train(nets, run, data_folder, until=7, keep=(7,)) is None
    (run / "weights-000007.caffemodel").unlink()
    assert train(nets, run, data_folder, until=7, keep=(7,)) is None  # at its checkpoint, without a step
    kept = read_caffemodel(run / "weights-000007.caffemodel")
    assert not np.array_equal(kept["fc"][0], whole.weights()["fc"][0])
    assert train(nets, run, data_folder, until=12) is None
    with pytest.raises(DgnamError, match=r"can't stop at iteration 7, since its checkpoint is at 12 already"):
        train(nets, run, data_folder, until=7)
    rest = train(nets, run, data_folder, until=4000)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name]), name


def test_a_net_starts_from_the_weights_that_its_solver_names(nets, tmp_path, data_folder):
    """Of layers of the same name; without a step taken they are still there."""
    trained = train(nets, tmp_path / "first", data_folder).weights()
    start = {"conv1": trained["conv1"], "elsewhere": [np.ones(3, np.float32)]}
    write_hdf5_weights(nets / "start.h5", start)
    solver = nets / "classifier_solver.prototxt"
    solver.write_text(
        solver.read_text().replace("max_iter: 40", 'max_iter: 1 weights: "start.h5"').replace("0.05", "0")
    )
    second = train(nets, tmp_path / "second", data_folder).weights()
    assert np.array_equal(second["conv1"][0], trained["conv1"][0])
    assert not np.array_equal(second["fc"][0], trained["fc"][0])
    write_hdf5_weights(nets / "start.h5", {"conv1": [2 * blob for blob in trained["conv1"]]})
    with pytest.raises(DgnamError, match=r"cannot resume .*second: weights\[0\] changed"):
        train(nets, tmp_path / "second", data_folder)


def test_the_layer_of_the_scores_is_left_out_of_a_trunk(nets, tmp_path, data_folder):
    net = train(nets, tmp_path / "run", data_folder)
    assert sorted(trunk(net)) == ["conv1", "conv1/bn", "conv1/scale"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_iter: 40", "max_iter: 40 iter_size: 0", "iter_size is 0; give 1 or more"),
        ("max_iter: 40", "", "max_iter is 0; give 1 or more"),
        ("max_iter: 40", 'max_iter: 40 train_net: "x"', "give one net to train, .* it has net, train_net"),
        ("max_iter: 40", 'max_iter: 40 test_net: "x" test_net: "y"', "names several nets to test"),
        ("max_iter: 40", 'max_iter: 40 test_net: "absent"', "absent: no such file, neither .* nor beside .*solver"),
        ('net: "train_val.prototxt"', "", "names no net"),
        ('net: "train_val.prototxt"', 'net: "absent.prototxt"', "absent.prototxt: no such file, neither from the work"),
    ],
)
def test_a_solver_that_the_trainer_can_t_take_is_a_clear_error(old, new, message, nets, tmp_path, data_folder):
    path = nets / "classifier_solver.prototxt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DgnamError, match=message):
        train(nets, tmp_path / "run", data_folder)


def test_an_unknown_precision_lists_the_known(nets, tmp_path, data_folder):
    with pytest.raises(DgnamError, match="precision 'float16': give one of"):
        train(nets, tmp_path / "run", data_folder, precision="float16")


def test_a_run_goes_on_where_bfloat16_is_lacking_and_in_no_other_precision_than_was_asked(
    nets, tmp_path, data_folder, monkeypatch
):
    for has in (True, False):
        monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda has=has: has)
        assert train(nets, tmp_path / "any", data_folder, time_limit=0) is None
    assert train(nets, tmp_path / "full", data_folder, time_limit=0, precision="float32") is None
    with pytest.raises(DgnamError, match=r"cannot resume .*full: precision changed"):
        train(nets, tmp_path / "full", data_folder)


def test_a_net_without_held_out_pictures_is_trained_when_no_test_is_asked_for(nets, tmp_path, data_folder):
    solver, definition = nets / "classifier_solver.prototxt", nets / "train_val.prototxt"
    text = definition.read_text()
    start = text.index('layer { name: "data"', text.index("phase: TRAIN"))
    definition.write_text(text[:start] + text[text.index('layer { name: "conv1"') :])
    with pytest.raises(DgnamError, match=r"one ImageData or Data layer, .* in phase TEST, not 0"):
        train(nets, tmp_path / "run", data_folder)
    solver.write_text(solver.read_text().replace("test_interval: 20", "").replace("max_iter: 40", "max_iter: 2"))
    assert train(nets, tmp_path / "run", data_folder) is not None


def test_a_net_that_learns_nothing_is_an_error(nets, tmp_path, data_folder):
    path = nets / "train_val.prototxt"
    frozen = "param { lr_mult: 0 } param { lr_mult: 0 }"
    text = re.sub(r'(type: "(?:InnerProduct|Scale)")', rf"\1 {frozen}", path.read_text())
    path.write_text(text.replace('type: "Convolution"', 'type: "Convolution" param { lr_mult: 0 }'))
    with pytest.raises(DgnamError, match="net 'tiny' has nothing to learn: each lr_mult is 0"):
        train(nets, tmp_path / "run", data_folder)


def test_layers_that_learn_nothing_stay_and_the_rest_learns(nets, tmp_path, data_folder):
    path = nets / "train_val.prototxt"
    path.write_text(path.read_text().replace('type: "Convolution"', 'type: "Convolution" param { lr_mult: 0 }'))
    train(nets, tmp_path / "run", data_folder, until=3, keep=(0, 3))
    before, after = (read_caffemodel(tmp_path / "run" / f"weights-{k:06d}.caffemodel") for k in (0, 3))
    assert np.array_equal(before["conv1"][0], after["conv1"][0])
    assert not np.array_equal(before["fc"][0], after["fc"][0])


@pytest.mark.parametrize("until", [-1, 3.5])
def test_where_to_stop_is_an_iteration(until, nets, tmp_path, data_folder):
    with pytest.raises(DgnamError, match=f"until {until}: give an iteration of the training"):
        train(nets, tmp_path / "run", data_folder, until=until)


def test_labels_beyond_the_net_s_classes_are_a_clear_error(nets, tmp_path, data_folder):
    path = nets / "train_val.prototxt"
    path.write_text(path.read_text().replace("num_output: 6", "num_output: 3"))
    with pytest.raises(DgnamError, match="label"):
        train(nets, tmp_path / "run", data_folder)


def test_fewer_than_five_classes_have_a_top_5(nets, tmp_path, data_folder):
    path = nets / "train_val.prototxt"
    text = path.read_text().replace("num_output: 6", "num_output: 3")
    path.write_text(text.replace("toy-train", "toy-train[:3]").replace("toy-val", "toy-val[:3]"))
    train(nets, tmp_path / "run", data_folder)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["top5"] for entry in log if "top5" in entry] == [1, 1]
