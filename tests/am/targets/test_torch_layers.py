"""The layers of torch modules: names, calls, outputs with several tensors, rows."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

import dgnam
from dgnam.am import TorchTarget, released
from dgnam.errors import DgnamError
from tests.am.networks import Time, Tokens, ViT

IMAGES = 50 * torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@dataclass
class Output:
    logits: torch.Tensor
    hidden: tuple
    loss: None = None


Pair = namedtuple("Pair", ["first", "second"])


class Heads(nn.Module):
    """Returns tensors in a container of some kind."""

    def __init__(self, pack):
        super().__init__()
        self.body, self.fc, self.unused = nn.Flatten(), nn.Linear(768, 4), nn.Linear(768, 2)
        self.heads = Packed(pack)

    def forward(self, x):
        return self.heads(self.fc(self.body(x)))


class Packed(nn.Module):
    def __init__(self, pack):
        super().__init__()
        self.pack = pack

    def forward(self, x):
        return self.pack(x)


def net(pack):
    torch.manual_seed(0)
    return Heads(pack)


@pytest.mark.parametrize(
    ("pack", "names"),
    [
        (lambda x: x * 2, ["heads"]),
        (lambda x: (x * 2,), ["heads"]),
        (lambda x: [x * 2, None, "text"], ["heads"]),
        (lambda x: (x * 2, x), ["heads[0]", "heads[1]"]),
        (lambda x: {"logits": x * 2, "aux": {"b": x}}, ["heads[logits]", "heads[aux][b]"]),
        (lambda x: OrderedDict(logits=x * 2), ["heads"]),
        (lambda x: Output(x * 2, (x, x + 1)), ["heads[logits]", "heads[hidden][0]", "heads[hidden][1]"]),
        (lambda x: Pair(x * 2, x), ["heads[first]", "heads[second]"]),
    ],
)
def test_tensors_of_an_output_have_names(pack, names):
    target = TorchTarget(net(pack), (16, 16))
    assert target.layers() == ["body", "fc", "unused", *names]
    found = target(IMAGES, ["fc", names[0]])
    assert torch.equal(found[names[0]], 2 * found["fc"])
    assert target.layer_shape(names[0]) == (4,)
    dgnam.visualize(target, f"{names[0]}:1", prior="deepsim-fc6-mini", settings=released(n_iters=1), progress=False)
    if len(names) > 1:
        with pytest.raises(DgnamError, match=r"'heads' has several values in a pass; say which one: heads\["):
            target.layer_shape("heads")


@pytest.mark.parametrize("pack", [lambda x: None, lambda x: "text", lambda x: (1, {})])
def test_layers_without_a_tensor_say_so(pack):
    target = TorchTarget(nn.Sequential(net(lambda x: x), Aside(pack)), (16, 16))
    for layer in ("0.unused", "1.odd"):
        with pytest.raises(DgnamError, match=f"'{layer}' took no part in the forward pass, or gave no tensor"):
            target.layer_shape(layer)


class Aside(nn.Module):
    def __init__(self, pack):
        super().__init__()
        self.odd = Packed(pack)

    def forward(self, x):
        self.odd(x)
        return x


class Reused(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 5), nn.ReLU(inplace=True), nn.Linear(4, 3)

    def forward(self, x):
        x = self.relu(self.conv(x) - 1)
        return self.relu(self.fc(x.mean((2, 3))))


def test_calls_of_a_module_have_numbers():
    torch.manual_seed(0)
    module = Reused()
    target = TorchTarget(module, (16, 16))
    assert target.layers() == ["conv", "relu#1", "relu#2", "fc"]
    found = target(IMAGES, ["conv", "relu#1", "relu#2", "fc"])
    assert torch.equal(found["relu#1"], (found["conv"] - 1).relu())
    assert torch.equal(found["relu#2"], found["fc"].relu())
    assert (target.layer_shape("relu#1"), target.layer_shape("relu#2")) == ((4, 12, 12), (3,))
    with pytest.raises(DgnamError, match="'relu' has several values in a pass; say which one: relu#1, relu#2"):
        target.layer_shape("relu")
    with pytest.raises(DgnamError, match="no layer 'relu'; the closest: relu#2, relu#1"):
        dgnam.visualize(target, "relu:1", prior="deepsim-fc6-mini", progress=False)


def test_values_are_a_layers_own_before_what_is_done_in_place():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.add, self.pool = nn.Conv2d(3, 4, 5), nn.Identity(), nn.Flatten()

        def forward(self, x):
            x = self.add(self.conv(x))
            x += 7
            x.clamp_(min=0)
            return self.pool(x)

    target = TorchTarget(InPlace(), (16, 16))
    images = IMAGES.clone().requires_grad_()
    found = target(images, ["conv", "add", "pool"])
    assert (found["conv"] < 0).any()
    assert torch.equal(found["conv"], found["add"])
    assert torch.equal(found["pool"], (found["conv"] + 7).clamp(min=0).flatten(1))
    (gradient,) = torch.autograd.grad(found["conv"].sum(), images)
    assert gradient.abs().sum() > 0


class TestOutput:
    def test_what_no_submodule_returns_is_a_layer(self):
        class Soft(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(768, 4)

            def forward(self, x):
                return self.fc(x.flatten(1)).softmax(1)

        target = TorchTarget(Soft(), (16, 16))
        assert target.layers() == ["fc", "output"]
        found = target(IMAGES, ["fc", "output"])
        assert torch.equal(found["output"], found["fc"].softmax(1))

    def test_what_a_submodule_returns_is_none(self):
        assert TorchTarget(Tokens(), (64, 64)).layers() == ["patch", "norm", "mix", "head"]
        assert TorchTarget(nn.Linear(3, 2), (5, 3)).layers() == ["output"]

    def test_all_of_it_is_a_layer_where_a_part_is_new(self):
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(768, 4)

            def forward(self, x):
                logits = self.fc(x.flatten(1))
                return {"logits": logits, "hidden": (logits, logits + 1)}

        target = TorchTarget(Two(), (16, 16))
        assert target.layers() == ["fc", "output[logits]", "output[hidden][0]", "output[hidden][1]"]
        found = target(IMAGES, ["fc", "output[hidden][1]"])
        assert torch.equal(found["output[hidden][1]"], found["fc"] + 1)

    def test_a_number_for_each_image_is_one_unit(self):
        target = TorchTarget(nn.Sequential(nn.Flatten(), nn.Linear(768, 1), nn.Flatten(0)), (16, 16))
        assert target.layer_shape("2") == (1,)
        assert torch.equal(target(IMAGES, ["2"])["2"], target(IMAGES, ["1"])["1"])
        dgnam.visualize(target, "2:0", prior="deepsim-fc6-mini", settings=released(n_iters=1), progress=False)

    def test_a_number_for_a_batch_has_no_units(self):
        target = TorchTarget(nn.Sequential(nn.Flatten(), Packed(lambda x: x.sum())), (16, 16))
        with pytest.raises(DgnamError, match="layer '1' gives one number for a whole batch and has no units"):
            target.layer_shape("1")

    def test_its_name_is_no_submodules(self):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.output = nn.Flatten()

            def forward(self, x):
                return {"a": self.output(x) * 2, "b": self.output(x)}

        target = TorchTarget(Own(), (4, 4))
        assert target.layers() == ["output#1", "output#2", "output_[a]", "output_[b]"]
        found = target(IMAGES[..., :4, :4], ["output#2", "output_[a]"])
        assert torch.equal(found["output_[a]"], 2 * found["output#2"])


class TestRows:
    @pytest.mark.parametrize(
        ("module", "layer", "hint"),
        [
            (Time(), "out", r"shape \(64, 1, 5\), and two \(64, 2, 5\); the batch is axis 1: .*batch_first=True"),
            (Time(), "rnn[1]", "the batch is axis 1"),
            (ViT(batch_first=False), "encoder.layers.0.norm1", "the batch is axis 1"),
            (nn.Sequential(nn.Flatten(0, 1)), "0", r"one image gives the shape \(3, 64, 64\), and two \(6, 64, 64\)"),
            (nn.Sequential(nn.Flatten(2), nn.Unflatten(0, (-1, 1))), "1", None),
        ],
    )
    def test_layer_without_rows_raises(self, module, layer, hint):
        target = TorchTarget(module, (64, 64))
        if hint is None:  # the batch is still first
            assert target.layer_shape(layer)
            return
        with pytest.raises(DgnamError, match=f"its first axis is not the batch: one image gives .*{hint}|{hint}"):
            target.layer_shape(layer)
        with pytest.raises(DgnamError, match="first axis is not the batch"):
            dgnam.visualize(target, f"{layer}:0@all", prior="deepsim-fc6-mini", progress=False)
        with pytest.raises(DgnamError, match="first axis is not the batch"):
            dgnam.evolve(target, f"{layer}:0@all", prior="deepsim-fc6-mini", generations=1, progress=False)

    def test_a_transformer_whose_batch_comes_second_still_has_a_head(self):
        torch.manual_seed(0)
        first, second = ViT(), ViT(batch_first=False)
        second.load_state_dict(first.state_dict())
        images = 50 * torch.randn(2, 3, 64, 64)
        found = [TorchTarget(module, (64, 64))(images, ["head"])["head"] for module in (first, second)]
        assert torch.allclose(*found, atol=1e-5)

    @pytest.mark.parametrize(
        "mixing",
        [nn.BatchNorm2d(3, track_running_stats=False), Packed(lambda x: x - x.mean(0)), Packed(lambda x: x.flip(0))],
    )
    def test_rows_that_depend_on_each_other_raise(self, mixing):
        target = TorchTarget(nn.Sequential(mixing, nn.Flatten()), (16, 16))
        for layer in ("0", "1"):
            with pytest.raises(DgnamError, match=f"layer '{layer}': the values of one of a batch depend on the others"):
                target.layer_shape(layer)

    def test_one_image_at_a_time_is_a_way_out(self):
        class Each(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, x):
                return torch.cat([self.inner(one[None]) for one in x])

        torch.manual_seed(0)
        target = TorchTarget(Each(nn.BatchNorm2d(3, track_running_stats=False)), (16, 16))
        assert target.layer_shape("output") == (3, 16, 16)

    def test_random_layers_are_allowed(self):
        target = TorchTarget(nn.Sequential(Packed(lambda x: nn.functional.dropout(x, 0.9)), nn.Flatten()), (16, 16))
        assert target.layer_shape("0") == (3, 16, 16)

    @pytest.mark.parametrize("module", [Tokens(), ViT(), Time(batch_first=True)])
    def test_values_of_an_image_are_its_own(self, module):
        target = TorchTarget(module, (64, 64))
        images = 50 * torch.randn(3, 3, 64, 64)
        for layer in target.shapes():
            together = target(images, [layer])[layer]
            alone = torch.cat([target(images[k : k + 1], [layer])[layer] for k in range(3)])
            assert torch.allclose(together, alone, atol=1e-4), layer


def test_three_seeds_of_a_token_in_one_batch_are_those_one_by_one():
    torch.manual_seed(0)
    target = TorchTarget(Tokens(), (64, 64))
    how = {"prior": "deepsim-fc6-mini", "settings": released(n_iters=3), "progress": False}
    for text in ("mix:2@3", "mix:2@all"):
        together = dgnam.visualize(target, text, seeds=3, **how).activations
        alone = [dgnam.visualize(target, text, seeds=[seed], **how).activations[0] for seed in range(3)]
        assert together.tolist() == pytest.approx(alone, rel=1e-3)
