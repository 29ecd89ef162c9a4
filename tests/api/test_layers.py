"""What a network has to visualize."""

import sys

import pytest
import torch
from torch import nn

from dgnam import zoo
from dgnam.am import CaffeTarget, Classes, TorchTarget, parse_objective
from dgnam.api.layers import describe, table_lines, torch_layers
from dgnam.api.targets import open_target
from dgnam.errors import DgnamError
from tests.am.networks import ChannelsLast, Time, Tokens, ViT, classifier


class Shapes:
    """A table as a target to parse for."""

    def __init__(self, rows):
        self.rows = {row.name: row for row in rows}

    def layers(self):
        return list(self.rows)

    def layer_shape(self, layer):
        return self.rows[layer].shape


STILLS = [e.name for e in zoo.list_models() if e.scores is not None and e.preprocessing.frames == 1]
"""The classifiers that see one picture."""


@pytest.mark.parametrize("name", STILLS)
def test_the_objective_of_each_row_can_be_asked_for(name):
    entry = zoo.get(name)
    rows = describe(name)
    for row in rows:
        if row.example is not None:
            assert parse_objective(row.example, Shapes(rows), [Classes.of_model(entry)]).layers == (row.name,)
    assert '"' in next(row.example for row in rows if row.name == entry.scores) or not any(
        letter in entry.labels()[0].name for letter in " -"
    )


def test_shapes_are_those_of_the_target():
    rows = describe("caffenet-mini")
    target = CaffeTarget(zoo.load("caffenet-mini"))
    assert [row.name for row in rows] == target.layers()
    assert all(row.shape == target.layer_shape(row.name) for row in rows)


def test_lines_stand_in_columns():
    lines = table_lines(describe("caffenet-mini"))
    assert lines[0].split("  ")[0] == "layer"
    conv5 = next(line for line in lines if line.startswith("conv5 "))
    assert conv5.split() == ["conv5", "Convolution", "128x7x7", "128", "7x7", "conv5:0@3,3"]
    assert next(line for line in lines if line.startswith("fc8 ")).split() == [
        *("fc8", "InnerProduct", "200", "200", "fc8:goldfish")
    ]
    assert conv5.index("Convolution") == lines[0].index("type")


def test_a_prototxt_and_weights_that_fit_it_or_not(tmp_path):
    entry = zoo.get("caffenet-mini")
    assert describe(entry.prototxt, weights=entry.weights_path())[0].name == "data"
    with pytest.raises(DgnamError, match=r"weights.h5 has no weights for layers conv2.* of '.*deploy.prototxt'"):
        describe(str(entry.prototxt), weights=zoo.get("judge-mini").weights_path())
    with pytest.raises(DgnamError, match=r"absent.prototxt: no such file"):
        describe(str(tmp_path / "absent.prototxt"))
    with pytest.raises(DgnamError, match=r"no model 'cafenet-mini'.*: caffenet-mini"):
        describe("cafenet-mini")


def test_torch_modules():
    class Pair(nn.Module):
        def forward(self, values):
            return values, values

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc, self.pair, self.unused = nn.Conv2d(3, 4, 3), nn.Linear(4, 2), Pair(), nn.ReLU()

        def forward(self, images):
            return self.fc(self.pair(self.conv(images))[0].mean((2, 3)))

    target = TorchTarget(Net(), (8, 8))
    rows = torch_layers(target, [Classes.of_names(["cat", "house dog"], "fc")])
    assert [(row.name, row.type, row.shape, row.example) for row in rows] == [
        ("conv", "Conv2d", (4, 6, 6), "conv:0@3,3"),
        ("fc", "Linear", (2,), "fc:cat"),
        ("pair[0]", "Pair", (4, 6, 6), "pair[0]:0@3,3"),
        ("pair[1]", "Pair", (4, 6, 6), "pair[1]:0@3,3"),
        ("unused", "ReLU", None, None),
    ]
    lines = table_lines(rows)[1:]
    assert [line.split()[2] for line in lines] == ["4x6x6", "2", "4x6x6", "4x6x6", "?"]
    assert lines[-1].endswith("(does not run, or gives no tensor)")
    assert target.layer_shape("conv") == target(torch.zeros(1, 3, 8, 8), ["conv"])["conv"].shape[1:]


@pytest.mark.parametrize("module", [Tokens(), ViT(), ViT(False), Time(), Time(True), ChannelsLast(), classifier()])
def test_each_layer_of_a_torch_module_has_an_example_or_a_reason(module):
    target = TorchTarget(module, (64, 64))
    rows = describe(target)
    assert [row.name for row in rows] == target.layers()
    for row in rows:
        assert (row.example is None) == bool(row.note)
        if row.example is not None:
            (layer,) = parse_objective(row.example, target).layers
            assert (layer, row.shape) == (row.name, target.layer_shape(layer))


def test_tokens_are_listed_with_their_features():
    rows = {row.name: row for row in describe(TorchTarget(Tokens(), (64, 64)))}
    norm = rows["norm"]
    assert (norm.shape, norm.units, norm.positions, norm.example) == ((16, 6), 6, (16,), "norm:0@all")
    line = next(line for line in table_lines(list(rows.values())) if line.startswith("norm "))
    assert line.split() == ["norm", "LayerNorm", "16x6", "6", "16", "norm:0@all"]
    rows = {row.name: row for row in describe(TorchTarget(Time(), (64, 64)))}
    assert rows["out"].note == "no row of its own for each image"


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A module of one's own with a target in it."""
    (tmp_path / "own_target.py").write_text(
        "import torch\nfrom torch import nn\nfrom dgnam.am import TorchTarget\n"
        "def target():\n    torch.manual_seed(0)\n"
        "    net = nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.Flatten(), nn.Linear(7200, 5))\n"
        "    return TorchTarget(net, size=(64, 64))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("own_target", None)
    yield
    sys.modules.pop("own_target", None)


def test_import_strings_are_listed_alone_and_among_others(code):
    alone = describe("own_target:target")
    assert [(row.name, row.type, row.shape, row.example) for row in alone] == [
        ("0", "Conv2d", (8, 30, 30), "0:0@15,15"),
        ("1", "Flatten", (7200,), "1:0"),
        ("2", "Linear", (5,), "2:0"),
    ]
    rows = {row.name: row for row in describe("caffenet-mini,own_target:target")}
    assert rows["own_target:target.2"].example == "own_target:target.2:0"
    assert rows["caffenet-mini.fc8"].example == "caffenet-mini.fc8:goldfish"
    both = open_target("caffenet-mini,own_target:target")
    text = "caffenet-mini.fc8:lemon + own_target:target.2:1"
    found = parse_objective(text, both.target, both.classes)
    assert found.layers == ("caffenet-mini.fc8", "own_target:target.2")
    assert both.record["joint"]["own_target:target"]["python"] == "own_target:target"
    assert parse_objective(str(found), both.target) == found
    with pytest.raises(DgnamError, match="has a model twice"):
        open_target("own_target:target,own_target:target")


def test_a_net_of_no_layers_is_an_error(tmp_path):
    (tmp_path / "empty.prototxt").write_text("")
    with pytest.raises(DgnamError, match=r"empty\.prototxt: the net has no layers"):
        describe(str(tmp_path / "empty.prototxt"))


def test_of_a_net_that_sees_clips_units_of_whole_clips_are_listed():
    found = {row.name: row for row in describe("action-lstm-motion-mini")}
    assert (found["fc8"].shape, found["fc8"].example) == ((2,), "fc8:right")
    assert (found["conv5"].shape, found["conv5"].example) == ((144, 7, 7), "conv5:0@3,3")
    assert (found["lstm1"].shape, found["lstm1"].example) == ((64,), "lstm1:0")
    assert not {"data", "cont", "beside", "mean"} & found.keys()
    entry = zoo.get("action-lstm-motion-mini")
    by_path = describe(entry.prototxt, weights=entry.weights_path())
    assert [row.name for row in by_path] == list(found)


def test_several_models_are_listed_as_their_objectives_name_them():
    rows = describe("caffenet-mini,judge-mini")
    found = {row.name: row for row in rows}
    assert len(rows) == len(describe("caffenet-mini")) + len(describe("judge-mini"))
    assert (found["caffenet-mini.conv5"].type, found["judge-mini.fc"].type) == ("Convolution", "InnerProduct")
    target = open_target("caffenet-mini,judge-mini")
    for name in ("caffenet-mini.fc8", "judge-mini.fc", "caffenet-mini.conv5"):
        assert parse_objective(found[name].example, target.target, target.classes).layers == (name,)
    assert rows == describe({name: name for name in ("caffenet-mini", "judge-mini")}) == describe(target)


def test_opened_targets_are_listed_as_what_opens_them(tmp_path):
    assert describe(open_target("caffenet-mini")) == describe("caffenet-mini")
    entry = zoo.get("caffenet-mini")
    assert next(row.name for row in describe({"a": entry.prototxt})) == "a.data"
    torch_rows = describe({"mine": TorchTarget(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), (8, 8))})
    assert [(row.name, row.type, row.example) for row in torch_rows] == [
        ("mine.0", "Flatten", "mine.0:0"),
        ("mine.1", "Linear", "mine.1:0"),
    ]


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("judge-mini,judge-mini", {}, "has a model twice"),
        ("judge-mini,caffenet-mini", {"weights": "w.h5"}, "leave weights out"),
        ("judge-mini,nothing", {}, "nothing"),
        ({}, {}, "several targets need names"),
        ({"size": "judge-mini"}, {}, "several targets need names"),
        (3, {}, "int is not a target"),
    ],
)
def test_what_is_no_target_is_an_error(target, options, message):
    with pytest.raises(DgnamError, match=message):
        describe(target, **options)
