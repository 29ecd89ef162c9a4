"""The update rules and rate policies against the weights that real Caffe had after each of ten steps."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, parse_solver, pb
from dgnam.caffe.solving.updates import ParamGroup, Updater, learning_rate, lr_step
from dgnam.errors import CaffeError

GOLDEN = Path(__file__).parents[2] / "golden" / "solvers.h5"
with h5py.File(GOLDEN) as _file:
    CASES = sorted(_file)


def updater_of(net: CaffeModule, solver: pb.SolverParameter) -> Updater:
    params = net.plan.params
    tensors = [net.parameter(k) for k in range(len(params))]
    return Updater(solver, ParamGroup(tensors, [p.lr_mult for p in params], [p.decay_mult for p in params]))


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_as_real_caffe(case):
    with h5py.File(GOLDEN) as file:
        group = file[case]
        solver = parse_solver(group.attrs["solver"], case)
        net = CaffeModule(parse_net(group.attrs["net"], case), phase=pb.TRAIN)
        net.copy_from({layer: [group["start"][layer][i][()] for i in ("0", "1")] for layer in ("conv", "ip")})
        updater = updater_of(net, solver)
        for k in range(len(group["loss"])):
            net.zero_grad()
            for _ in range(solver.iter_size):
                net.loss(net(torch.from_numpy(group["x"][k]), torch.from_numpy(group["t"][k]))).backward()
            updater.step(learning_rate(solver, k))
            for layer, params in net.layer_params():
                for i, param in enumerate(params):
                    wanted = group[f"step{k}"][layer][str(i)][()]
                    error = np.abs(param.detach().numpy() - wanted).max() / np.abs(wanted).max()
                    assert error < 2e-5, (k, layer, i)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ('lr_policy: "fixed"', [1, 1, 1]),
        ('lr_policy: "step" gamma: 0.1 stepsize: 5', [1, 0.1, 0.01]),
        ('lr_policy: "exp" gamma: 0.9', [1, 0.9**5, 0.9**10]),
        ('lr_policy: "inv" gamma: 0.1 power: 2', [1, 1.5**-2, 2.0**-2]),
        ('lr_policy: "multistep" gamma: 0.5 stepvalue: 5 stepvalue: 9', [1, 0.5, 0.25]),
        ('lr_policy: "poly" power: 2 max_iter: 20', [1, 0.75**2, 0.5**2]),
        ('lr_policy: "sigmoid" gamma: -1 stepsize: 5', [1 / (1 + np.exp(-5)), 0.5, 1 / (1 + np.exp(5))]),
    ],
)
def test_policies_at_0_5_and_10(policy, wanted):
    solver = parse_solver(f"base_lr: 1 {policy}", "test")
    assert [learning_rate(solver, i) for i in (0, 5, 10)] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ('"step" gamma: 0.7 stepsize: 3', (0.02590000070631504, 0.006218589376658201, 2.9523129342123866e-05)),
        ('"exp" gamma: 0.93', (0.027677925303578377, 0.01158587820827961, 0.00047553100739605725)),
        ('"inv" gamma: 0.013 power: 0.75', (0.035619672387838364, 0.032110828906297684, 0.02400970086455345)),
        (
            '"multistep" gamma: 0.37 stepvalue: 3 stepvalue: 3 stepvalue: 9',
            (0.005065300036221743, 0.0018741610692813993, 0.0018741610692813993),
        ),
        ('"poly" power: 1.3 max_iter: 70', (0.03427530825138092, 0.026405001059174538, 0.0029483179096132517)),
        ('"sigmoid" gamma: 0.3 stepsize: 13', (0.0023300142493098974, 0.02630513161420822, 0.03699997439980507)),
    ],
)
def test_rates_are_real_caffes_to_the_last_bit_at_4_16_and_60(policy, wanted):
    solver = parse_solver(f"base_lr: 0.037 lr_policy: {policy}", "test")
    assert tuple(learning_rate(solver, i) for i in (4, 16, 60)) == wanted


def test_multistep_takes_one_step_at_a_time():
    solver = parse_solver('base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 3 stepvalue: 3', "test")
    assert [lr_step(solver, i) for i in (2, 3, 4)] == [0, 2, 2]
    assert [lr_step(solver, i, before) for i, before in ((2, 0), (3, 0), (4, 1), (5, 2))] == [0, 1, 2, 2]
    assert learning_rate(solver, 3, current_step=1) == 0.5


def test_rates_beyond_float32_are_infinite():
    assert learning_rate(parse_solver('base_lr: 1 lr_policy: "exp" gamma: 1e30', "test"), 40) == float("inf")


@pytest.mark.parametrize(
    ("policy", "iteration", "message"),
    [
        ('lr_policy: "exp" gamma: -0.5', 1, "'exp' needs a non-negative gamma; it is -0.5"),
        ('lr_policy: "step"', 1, "'step' needs a positive stepsize"),
        ('lr_policy: "poly"', 1, "'poly' needs a positive max_iter"),
        ('lr_policy: "poly" max_iter: 5', 6, "ends at max_iter 5, before iteration 6"),
    ],
)
def test_a_policy_without_what_it_needs_is_an_error(policy, iteration, message):
    with pytest.raises(CaffeError, match=message):
        learning_rate(parse_solver(f"base_lr: 1 {policy}", "test"), iteration)


def test_a_sigmoid_far_out_is_zero_and_no_error():
    solver = parse_solver('base_lr: 1 lr_policy: "sigmoid" gamma: -1 stepsize: 100', "test")
    assert learning_rate(solver, 200000) == pytest.approx(0, abs=1e-12)


def test_an_unknown_policy_or_type_is_an_error_that_lists_the_known():
    with pytest.raises(CaffeError, match="known ones: step"):
        learning_rate(pb.SolverParameter(lr_policy="stepp"), 0)
    with pytest.raises(CaffeError, match="known ones: Adam"):
        Updater(pb.SolverParameter(type="Adamm"), ParamGroup([], [], []))
