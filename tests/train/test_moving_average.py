"""The moving average of weights."""

import pytest
import torch

from dgnam.train.moving_average import MovingAverage


def test_it_follows_the_weights_and_is_steadier():
    net = torch.nn.Linear(1, 1)
    average = MovingAverage(net, 0.99)
    draw = torch.Generator().manual_seed(0)
    for _ in range(500):
        with torch.no_grad():
            net.weight.fill_(3 + torch.randn((), generator=draw))
        average.update(net)
    assert abs(average.values["weight"].item() - 3) < 0.3


def test_swapping_twice_changes_nothing():
    net = torch.nn.GroupNorm(1, 2)
    average = MovingAverage(net, 0.9)
    with torch.no_grad():
        net.weight.fill_(7)
    average.swap(net)
    assert torch.equal(net.weight, torch.ones(2))
    average.swap(net)
    assert torch.equal(net.weight, torch.full((2,), 7.0))


def test_a_checkpoint_takes_it_up_again():
    net = torch.nn.Linear(2, 2)
    first, second = MovingAverage(net, 0.9), MovingAverage(net, 0.9)
    with torch.no_grad():
        net.weight.add_(1)
    first.update(net)
    second.load(first.state())
    assert second.updates == 1
    assert torch.equal(second.values["weight"], first.values["weight"])


def test_early_updates_count_less_of_the_past():
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0)
    average, quick = MovingAverage(net, 0.999), MovingAverage(net, 0.1)
    with torch.no_grad():
        net.weight.fill_(1)
    wanted = 0.0
    for number in (1, 2, 3):
        average.update(net)
        quick.update(net)
        keep = (1 + number) / (10 + number)
        wanted = keep * wanted + 1 - keep
        assert average.updates == number
        assert average.values["weight"].item() == pytest.approx(wanted)
    assert quick.values["weight"].item() == pytest.approx(1 - 0.1**3)
