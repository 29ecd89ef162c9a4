"""Solvers: real Caffe's weights after each step, its order of things, its log lines, its checks."""

from __future__ import annotations

import gc
import logging

import h5py
import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe import parallel
from dgnam.caffe.proto import pb
from dgnam.caffe.solver import SolverAction
from dgnam.errors import CaffeError, CaffeFormatError
from tests.caffe.golden import GOLDEN, error
from tests.caffe.solvers import KINDS, NET, equal, fed, feed, made, values

FIXED = 'lr_policy: "fixed"'
LINEAR = """
name: "line"
layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 1 dim: 2 } shape { dim: 1 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" param { PARAM }
  inner_product_param { num_output: 1 bias_term: false weight_filler { type: "constant" value: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""

with h5py.File(GOLDEN / "solvers.h5") as _file:
    CASES = sorted(_file)


@pytest.fixture
def log(caplog):
    """The messages that are logged, as a function."""
    caplog.set_level(logging.INFO, "dgnam.caffe")
    return lambda *starts: [m for m in caplog.messages if not starts or m.strip().startswith(starts)]


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_as_real_caffe(case):
    with h5py.File(GOLDEN / "solvers.h5") as file:
        group = file[case]
        solver = made(group.attrs["solver"], group.attrs["net"])
        net = solver.net
        for layer in ("conv", "ip"):
            for i in (0, 1):
                net.params[layer][i].data[...] = group["start"][layer][str(i)]
        for k, loss in enumerate(group["loss"]):
            net.blobs["x"].data[...] = group["x"][k]
            net.blobs["t"].data[...] = group["t"][k]
            solver.step(1)
            assert solver.iter == k + 1
            assert error(net.blobs["loss"].data, loss) < 1e-6
            for layer in ("conv", "ip"):
                for i in (0, 1):
                    assert error(net.params[layer][i].data, group[f"step{k}"][layer][str(i)][()]) < 2e-6, (k, layer, i)


def one_step(text, param="", w=(1.0, -2.0), g=(0.5, 3.0)):
    """The weights and their diff after the gradient `g` was applied once."""
    solver = made(text + FIXED, LINEAR.replace("PARAM", param))
    blob = solver.net.params["ip"][0]
    blob.data[...], blob.diff[...] = w, g
    solver.apply_update()
    return blob.data[0], blob.diff[0]


@pytest.mark.parametrize(
    ("text", "param", "update"),
    [
        ("base_lr: 0.1 ", "", (0.05, 0.3)),
        ("base_lr: 0.1 ", "lr_mult: 2", (0.1, 0.6)),
        ("base_lr: 0.1 ", "lr_mult: 0", (0, 0)),
        ("base_lr: 0.1 weight_decay: 0.5 ", "", (0.1 * (0.5 + 0.5), 0.1 * (3 - 1))),
        ("base_lr: 0.1 weight_decay: 0.5 ", "decay_mult: 0", (0.05, 0.3)),
        ('base_lr: 0.1 weight_decay: 0.5 regularization_type: "L1" ', "", (0.1 * (0.5 + 0.5), 0.1 * (3 - 0.5))),
        ("base_lr: 0.1 iter_size: 4 ", "", (0.0125, 0.075)),
        ("base_lr: 1 clip_gradients: 1 ", "", (0.5 / 9.25**0.5, 3 / 9.25**0.5)),
        ("base_lr: 1 clip_gradients: 4 ", "", (0.5, 3)),
        ("base_lr: 1 clip_gradients: 1 iter_size: 2 ", "", (0.25 / 9.25**0.5, 1.5 / 9.25**0.5)),
        ('base_lr: 0.1 type: "AdaGrad" ', "", (0.1, 0.1)),
        ('base_lr: 0.1 type: "Adam" momentum: 0.9 ', "", (0.1, 0.1)),
        ('base_lr: 0.1 momentum: 0.5 type: "Nesterov" ', "", (0.075, 0.45)),
    ],
)
def test_an_update_worked_by_hand(text, param, update):
    data, diff = one_step(text, param)
    assert diff == pytest.approx(update, rel=1e-5)
    assert data == pytest.approx(np.array([1, -2]) - update, rel=1e-5)


def test_a_frozen_parameters_history_grows_with_its_decay_as_caffes_does():
    solver = made('type: "AdaGrad" base_lr: 1 weight_decay: 0.5 ' + FIXED, LINEAR.replace("PARAM", "lr_mult: 0"))
    solver.apply_update()
    assert solver._history[0].data[0] == pytest.approx([0.25, 0.25])
    assert values(solver.net)[0][0] == pytest.approx([1, 1])


def test_a_parameter_shared_by_name_moves_once_at_the_rate_that_is_given():
    net = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" }
      inner_product_param { num_output: 2 bias_term: false weight_filler { type: "constant" value: 1 } } }
    layer { name: "b" type: "InnerProduct" bottom: "y" top: "z" param { name: "w" lr_mult: 3 }
      inner_product_param { num_output: 2 bias_term: false } }
    """
    solver = made("base_lr: 0.1 " + FIXED, net)
    solver.net.params["a"][0].diff[...] = 1
    solver.apply_update()
    assert len(solver.net.learnable_params) == 1
    assert solver.net.params["b"][0].data == pytest.approx(np.full((2, 2), 1 - 0.3))


def test_weights_of_another_shape_are_updated_alike():
    found = []
    for axes in ((3, 36), (3, 4, 3, 3)):
        solver = fed(f"{KINDS['Adam']} random_seed: 1 {FIXED}")
        solver.net.params["ip"][0].reshape(*axes)
        solver.step(2)
        found.append(solver.net.params["ip"][0].data.reshape(3, 36))
    assert np.array_equal(*found)


def test_views_stay_valid_and_show_each_update():
    solver = fed(f"{KINDS['SGD']} {FIXED}")
    data, diff = solver.net.params["ip"][0].data, solver.net.params["ip"][0].diff
    before = data.copy()
    solver.step(2)
    last = data.copy()
    assert not np.array_equal(before, last)
    assert np.shares_memory(data, solver.net.params["ip"][0].data)
    solver.step(1)
    assert np.array_equal(last - diff, data)


def test_the_class_decides_the_rule_and_get_solver_reads_the_type(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    file = tmp_path / "solver.prototxt"
    file.write_text(f'net: "{tmp_path}/net.prototxt" solver_type: ADAGRAD base_lr: 0.1 {FIXED}')
    assert type(caffe.get_solver(str(file))) is caffe.AdaGradSolver
    for cls in (caffe.SGDSolver, caffe.NesterovSolver, caffe.AdaGradSolver, caffe.RMSPropSolver, caffe.AdaDeltaSolver):
        solver = cls(str(file))
        assert (solver.type, solver.param.type, isinstance(solver, caffe.SGDSolver)) == (cls.type, "AdaGrad", True)
    adam = caffe.AdamSolver(file)
    assert (adam.param.max_iter, adam.param.display, adam.param.layer_wise_reduce) == (0, 0, True)
    adam.param.base_lr = 0.5
    assert adam.lr == 0.5
    with pytest.raises(CaffeError, match="use one of SGDSolver"):
        caffe.Solver(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type: "Adamm"', "test: unknown solver type 'Adamm'; known ones: Adam"),
        ('type: "AdaGrad" momentum: 0.9', "test: momentum can't be used with AdaGrad; it is 0.9"),
        ('type: "RMSProp" momentum: 0.9', "test: momentum can't be used with RMSProp"),
        ('type: "RMSProp" rms_decay: 1', r"test: rms_decay must lie in \[0, 1\); it is 1"),
        ("average_loss: 0", "test: average_loss must be at least 1; it is 0"),
        ("iter_size: 0", "test: iter_size must be at least 1; it is 0"),
        ("snapshot: 5", "test: snapshot needs a snapshot_prefix"),
        ('snapshot: 5 snapshot_prefix: "/nowhere/x"', "can't write to snapshot_prefix '/nowhere/x'"),
    ],
)
def test_what_contradicts_itself_is_an_error_that_names_the_field(text, message):
    with pytest.raises(CaffeError, match=message):
        made(text)


def test_what_only_a_step_can_find_is_an_error_there():
    with pytest.raises(CaffeError, match="unknown regularization_type 'L3'"):
        fed(f'base_lr: 1 weight_decay: 1 regularization_type: "L3" {FIXED}').step(1)
    with pytest.raises(CaffeError, match="unknown lr_policy ''"):
        fed("base_lr: 1").step(1)


def test_the_order_of_an_iteration(tmp_path, log):
    text = f'base_lr: 0.1 {FIXED} display: 2 test_iter: 1 test_interval: 2 snapshot: 3 snapshot_prefix: "{tmp_path}/s"'
    solver = made(text)
    solver.add_callback(
        lambda: logging.getLogger("dgnam.caffe").info("start %d", solver.iter),
        lambda: logging.getLogger("dgnam.caffe").info("ready %d", solver.iter),
    )
    solver.step(3)
    order = [m.split(" (")[0].split(",")[0] for m in log("Iteration", "start", "ready", "Snapshotting to")]
    assert [m if m.startswith("I") else m.split(" file")[0] for m in order] == [
        *("Iteration 0", "start 0", "Iteration 0", "ready 0", "Iteration 0"),
        *("start 1", "ready 1"),
        *("Iteration 2", "start 2", "Iteration 2", "ready 2", "Iteration 2", "Snapshotting to binary proto"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s_iter_3.caffemodel", "s_iter_3.solverstate"]


def test_gradients_are_there_when_they_are_said_to_be_ready():
    seen = []
    solver = fed("base_lr: 0.1 " + FIXED)
    solver.add_callback(lambda: None, lambda: seen.append(solver.net.params["ip"][0].diff.copy()))
    before = values(solver.net)[2]
    solver.step(1)
    assert np.abs(seen[0]).max() > 0
    assert values(solver.net)[2] == pytest.approx(before - np.float32(0.1) * seen[0], rel=1e-5)


def test_the_lines_that_log_parsers_read(log):
    net = NET.replace('top: "loss"', 'top: "loss" loss_weight: 0.5').replace(
        'num_output: 3 weight_filler { type: "xavier" }', "num_output: 3"
    )
    solver = made(f"base_lr: 0.1 {FIXED} display: 1 test_iter: 2 test_interval: 2 test_compute_loss: true", net)
    solver.step(1)
    lines = log()
    shown = next(m for m in lines if m.startswith("Iteration 0 ("))
    assert shown.endswith("s/1 iters), loss = 0.549306")
    assert " iter/s, " in shown
    assert lines[lines.index(shown) + 1] == "    Train net output #0: loss = 1.09861 (* 0.5 = 0.549306 loss)"
    assert lines[-1] == "Iteration 0, lr = 0.1"
    at = lines.index("Iteration 0, Testing net (#0)")
    assert lines[at + 1 : at + 4] == [
        "Test loss: 0.549306",
        "    Test net output #0: accuracy = 0",
        "    Test net output #1: loss = 1.09861 (* 0.5 = 0.549306 loss)",
    ]


def test_the_displayed_loss_is_the_mean_of_the_last_few(log):
    solver = fed(f"base_lr: 0.1 {FIXED} display: 1 average_loss: 3")
    losses = []
    solver.add_callback(lambda: None, lambda: losses.append(float(solver.net.blobs["loss"].data)))
    solver.step(5)
    shown = [float(m.rsplit(" ", 1)[1]) for m in log("Iteration") if "loss" in m]
    assert shown == pytest.approx([np.mean(losses[max(0, i - 2) : i + 1]) for i in range(5)], rel=1e-5)


@pytest.mark.filterwarnings("error")
def test_a_training_that_diverges_goes_on_and_shows_it(log):
    solver = made(f"base_lr: 0.1 {FIXED} display: 1 average_loss: 2 test_iter: 2 test_interval: 1")
    solver.net.params["ip"][1].data[...] = np.inf
    solver.step(4)
    assert solver.iter == 4
    assert sum(m.endswith("loss = nan") for m in log("Iteration")) == 4


def test_the_display_says_when_gradients_are_clipped(log):
    solver = fed(f"base_lr: 0.1 {FIXED} clip_gradients: 0.001")
    solver.step(1)
    (line,) = log("Gradient clipping")
    assert line.startswith("Gradient clipping: scaling down gradients (L2 norm ")
    assert " > 0.001) by scale factor " in line


def test_iter_size_sums_the_loss_and_the_gradients_of_its_batches(log):
    halves = LINEAR.replace("PARAM", "")
    solver = made(f"base_lr: 0.1 {FIXED} iter_size: 2 display: 1", halves)
    batches = iter([((1.0, 2.0), 5.0), ((-1.0, 1.0), 2.0)])

    def next_batch(layer):
        if layer == 0:
            solver.net.blobs["x"].data[...], solver.net.blobs["t"].data[...] = next(batches)

    solver.net.before_forward(next_batch)
    solver.step(1)
    # w = (1, 1): y - t is -2, then -2, so the gradients are -2 x and the losses 2 each.
    assert values(solver.net)[0][0] == pytest.approx([1 + 0.1 * 2 * (1 - 1) / 2, 1 + 0.1 * 2 * (2 + 1) / 2])
    assert any(m.endswith("loss = 2") for m in log("Iteration 0 ("))


REGRESSION = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: ROWS dim: 6 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: ROWS dim: 1 } } }
layer { name: "part" type: "Slice" bottom: "x" top: "x1" top: "x2" slice_param { axis: 0 } }
layer { name: "i1" type: "InnerProduct" bottom: "x1" top: "y1" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 1 weight_filler { type: "gaussian" } } }
layer { name: "i2" type: "InnerProduct" bottom: "x2" top: "y2" param { name: "SECONDw" } param { name: "SECONDb" }
  inner_product_param { num_output: 1 weight_filler { type: "gaussian" } } }
layer { name: "both" type: "Concat" bottom: "y1" bottom: "y2" top: "y" concat_param { axis: 0 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


@pytest.mark.parametrize("second", ["", "another "], ids=["shared", "apart"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_in_parts_trains_as_the_whole_batch(kind, second):
    """As Caffe's solver tests have it: the gradients of `iter_size` batches are those of one batch of all rows."""
    draw = np.random.default_rng(0)
    halves = draw.standard_normal((2, 4, 6)), draw.standard_normal((2, 4, 1))
    found = []
    for parts in (1, 2, 4):
        net = REGRESSION.replace("ROWS", str(8 // parts)).replace("SECOND", second)
        solver = made(f'type: "{kind}" {KINDS[kind]} {FIXED} random_seed: 1 iter_size: {parts}', net)
        # The rows of each part are half its first layer's and half its second layer's.
        batches = [[np.concatenate([h[i::parts] for h in rows]) for rows in halves] for i in range(parts)]

        def feed_next(layer, net=solver.net, batches=batches):
            if layer == 0:
                batches.append(batches.pop(0))
                net.blobs["x"].data[...], net.blobs["t"].data[...] = batches[-1]

        solver.net.before_forward(feed_next)
        start = values(solver.net)
        solver.step(4)
        assert len(start) == (4 if second else 2)
        assert not equal(start, values(solver.net))
        found.append(values(solver.net))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-5)


def test_test_nets_use_the_train_nets_memory_from_their_first_test_on():
    solver = fed(f"base_lr: 0.1 {FIXED} test_iter: 1 test_interval: 1 test_initialization: false")
    (test_net,) = solver.test_nets
    assert not equal(values(solver.net), values(test_net))
    solver.step(1)
    assert not np.shares_memory(solver.net.params["ip"][0].data, test_net.params["ip"][0].data)
    solver.step(1)
    assert np.shares_memory(solver.net.params["ip"][0].data, test_net.params["ip"][0].data)
    other = caffe.Net(solver.param.net_param, caffe.TEST)
    solver.share_weights(other)
    solver.step(1)
    assert equal(values(solver.net), values(other))


def test_a_test_averages_its_batches(log):
    solver = made(f"base_lr: 0.1 {FIXED} test_iter: 3 test_interval: 1")
    net, seen = solver.test_nets[0], []
    net.before_forward(lambda layer: feed(net, len(seen)) if layer == 0 else None)
    net.after_forward(
        lambda layer: seen.append(net.blobs["loss"].data.copy()) if layer == len(net.layers) - 1 else None
    )
    solver.step(1)
    (line,) = log("Test net output #1")
    assert float(line.split(" = ")[1].split()[0]) == pytest.approx(np.mean(seen), rel=1e-5)
    assert len(seen) == 3


def test_solve_trains_to_max_iter_and_shows_the_end(tmp_path, log):
    text = f'max_iter: 4 display: 2 test_iter: 1 test_interval: 4 snapshot_prefix: "{tmp_path}/s" base_lr: 0.1 {FIXED}'
    solver = fed(text)
    solver.solve()
    assert solver.iter == 4
    assert {path.name for path in tmp_path.iterdir()} == {"s_iter_4.caffemodel", "s_iter_4.solverstate"}
    ends = [m for m in log() if m.startswith(("Solving", "Learning Rate", "Iteration 4", "Optimization"))]
    assert ends[:2] == ["Solving toy", "Learning Rate Policy: fixed"]
    assert ends[2].startswith("Iteration 4, loss = ")
    assert ends[3:] == ["Iteration 4, Testing net (#0)", "Optimization Done."]
    resumed = fed(text)
    resumed.solve(str(tmp_path / "s_iter_4.solverstate"))
    assert equal(values(solver.net), values(resumed.net))


def test_a_snapshot_that_was_just_written_is_not_written_again(tmp_path, log):
    fed(f'max_iter: 4 snapshot: 2 snapshot_prefix: "{tmp_path}/s" base_lr: 0.1 {FIXED}').solve()
    assert len(log("Snapshotting solver state")) == 2
    fed(f'max_iter: 3 snapshot_after_train: false snapshot_prefix: "{tmp_path}/t" base_lr: 0.1 {FIXED}').solve()
    solver = fed(f'max_iter: 3 snapshot_prefix: "{tmp_path}/absent/t" base_lr: 0.1 {FIXED}')
    with pytest.raises(CaffeError, match=r"can't write to snapshot_prefix .*does its folder exist"):
        solver.solve()  # and not once all is done
    assert solver.iter == 0
    assert not list(tmp_path.glob("t*"))


def test_a_solver_does_what_it_is_asked_to(tmp_path, log):
    asked = iter([SolverAction.NONE, SolverAction.SNAPSHOT, SolverAction.STOP])
    solver = fed(f'max_iter: 9 snapshot_prefix: "{tmp_path}/s" base_lr: 0.1 {FIXED}')
    solver.set_action_function(lambda: next(asked))
    solver.solve()
    assert solver.iter == 3
    assert {path.name for path in tmp_path.glob("*.solverstate")} == {"s_iter_2.solverstate", "s_iter_3.solverstate"}
    assert log()[-1] == "Optimization stopped early."


def test_a_stop_within_a_test_ends_it(log):
    solver = fed(f"max_iter: 9 test_iter: 5 test_interval: 1 snapshot_after_train: false base_lr: 0.1 {FIXED}")
    asked = iter([SolverAction.NONE, SolverAction.STOP])
    solver.set_action_function(lambda: next(asked, SolverAction.NONE))
    solver.solve()
    assert solver.iter == 0
    assert log()[-2:] == ["Test interrupted.", "Optimization stopped early."]


def test_multistep_goes_on_by_one_step_an_update(log):
    solver = made('base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 1 stepvalue: 3')
    rates = []
    for _ in range(4):
        rates.append(solver.lr)
        solver.apply_update()
    assert rates == [1, 0.5, 0.25, 0.125]
    assert log("MultiStep")[0] == "MultiStep Status: Iteration 1, step = 1"


def test_steps_are_whole_numbers():
    solver = fed(f"base_lr: 0.1 {FIXED}")
    with pytest.raises(TypeError):
        solver.step(1.5)
    solver.step(np.int64(2))
    assert solver.iter == 2


def test_a_seed_beyond_32_bits_loses_them_as_in_caffe():
    starts = [values(made(f"base_lr: 1 {FIXED} random_seed: {seed}").net) for seed in (5, 2**32 + 5)]
    assert equal(*starts)


def test_a_seed_in_the_definition_makes_the_same_start():
    assert equal(values(made("random_seed: 7").net), values(made("random_seed: 7").net))
    assert not equal(values(made("random_seed: 7").net), values(made("random_seed: 8").net))


def test_the_solver_of_rank_0_alone_shows_tests_and_takes_snapshots(tmp_path, log, monkeypatch):
    monkeypatch.setattr(parallel, "_rank", 1)
    text = f'random_seed: 5 display: 1 test_iter: 1 test_interval: 1 snapshot: 1 snapshot_prefix: "{tmp_path}/s"'
    solver = fed(f"{text} base_lr: 0.1 {FIXED}")
    solver.step(2)
    assert solver.iter == 2
    assert log("Iteration", "Snapshotting") == []
    assert list(tmp_path.iterdir()) == []
    for refused in (solver.solve, solver.snapshot):
        with pytest.raises(CaffeError, match="needs the solver of rank 0; this one has rank 1"):
            refused()
    start = values(made("random_seed: 5").net)
    monkeypatch.setattr(parallel, "_rank", 0)
    assert equal(start, values(made("random_seed: 6").net))


def test_nets_outlive_their_solver():
    solver = made("test_iter: 1 test_interval: 1")
    nets = [solver.net, *solver.test_nets]
    del solver
    gc.collect()
    assert all(np.isfinite(sum(values_.sum() for values_ in values(net))) for net in nets)


def test_a_definition_given_as_a_message_is_not_changed():
    param = pb.SolverParameter(solver_type="ADAM", base_lr=0.1)
    param.net_param.MergeFrom(made("").param.net_param)
    before = param.SerializeToString()
    assert isinstance(caffe.get_solver(param), caffe.AdamSolver)
    assert param.SerializeToString() == before
    with pytest.raises(CaffeFormatError, match="the solver: has both"):
        caffe.get_solver(pb.SolverParameter(solver_type="ADAM", type="SGD"))
