"""Objectives from text: what is read, what it is refused with, and that what is written reads back."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dgnam import zoo
from dgnam.am import CaffeTarget, Channel, Direction, Diversity, JointTarget, TorchTarget, Unit
from dgnam.am.objectives.class_names import Classes
from dgnam.am.objectives.objective import WeightedSum
from dgnam.am.objectives.parser import parse_objective, parse_objectives
from dgnam.errors import DgnamError
from dgnam.zoo.layers import positions, units

SHAPES = {
    "data": (3, 28, 28),
    "conv5": (256, 13, 13),
    "inception_4a/output": (512, 14, 14),
    "wide": (4, 3, 8),
    "loss3/classifier": (1000,),
    "features.0": (64, 55, 55),
    "fc8": (1000,),
    "fc8-ucf": (101,),
    "places.fc8": (205,),
    "pool10": (1000, 1, 1),
    "2": (7,),
    "blocks.3": (65, 8),
    "pooled": (1, 8),
    "relu#2": (4, 5, 5),
    "rnn[0]": (9,),
    "loss": (),
}


class Layers:
    """Layers without a network."""

    def layers(self):
        return list(SHAPES)

    def layer_shape(self, layer):
        return SHAPES[layer]


CLASSES = (
    Classes(tuple(zoo.read_labels("imagenet1000")), "fc8"),
    Classes(tuple(zoo.read_labels("places205")), "places.fc8"),
)


def read(text):
    return parse_objectives(text, Layers(), CLASSES)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("fc8:945", Unit("fc8", 945)),
        (" fc8 : 945 ", Unit("fc8", 945)),
        ("conv5:55@6,6", Unit("conv5", 55, 6)),
        ("conv5:55@6", Unit("conv5", 55, 6)),
        ("conv5:55@2, 9", Unit("conv5", 55, (2, 9))),
        ("conv5:55@all", Channel("conv5", 55)),
        ("conv5:55", Unit("conv5", 55, 6)),
        ("inception_4a/output:3", Unit("inception_4a/output", 3, 7)),
        ("wide:3", Unit("wide", 3, (1, 4))),
        ("loss3/classifier:0", Unit("loss3/classifier", 0)),
        ("features.0:63@0,54", Unit("features.0", 63, (0, 54))),
        ("fc8-ucf:100", Unit("fc8-ucf", 100)),
        ("pool10:3", Unit("pool10", 3)),
        ("2:6", Unit("2", 6)),
        ("blocks.3:5@0", Unit("blocks.3", 5, 0)),
        ("blocks.3:5@64", Unit("blocks.3", 5, 64)),
        ("blocks.3:5@all", Channel("blocks.3", 5)),
        ("pooled:5", Unit("pooled", 5)),
        ("pooled:5@0", Unit("pooled", 5, 0)),
        ("relu#2:3", Unit("relu#2", 3, 2)),
        ("rnn[0]:3", Unit("rnn[0]", 3)),
        ("conv5:diversity", Diversity("conv5")),
        ("loss:diversity", Diversity("loss")),
    ],
)
def test_one_term(text, objective):
    assert read(text) == [objective]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("fc8:lemon", 951),
        ("fc8:bell pepper", 945),
        ('fc8:"bell pepper"', 945),
        ("fc8:Bell_Pepper", 945),
        ("fc8:n07720875", 945),
        ("fc8:man-eater", 2),
        ("fc8:Carcharodon carcharias", 2),
        ("fc8:jack-o'-lantern", 607),
        ("pool10:lemon", 951),
    ],
)
def test_classes_have_names(text, unit):
    assert read(text) == [Unit(text.split(":")[0], unit)]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("fc8:0-199", range(200)),
        ("fc8:3,17,40-49", [3, 17, *range(40, 50)]),
        ('fc8:lemon, 3, "bell pepper"', [951, 3, 945]),
        ("fc8:*", range(1000)),
    ],
)
def test_several_units_are_an_objective_each(text, units):
    assert read(text) == [Unit("fc8", unit) for unit in units]


def test_several_objectives_may_be_of_several_layers():
    assert read("fc8:lemon,conv5:3,5@1,2, fc8:0-1") == [
        Unit("fc8", 951),
        Unit("conv5", 3, (1, 2)),
        Unit("conv5", 5, (1, 2)),
        Unit("fc8", 0),
        Unit("fc8", 1),
    ]
    assert [str(one) for one in read('fc8:3 - 2*conv5:1@6,6,0.5*fc8:"bell pepper"')] == [
        "1*fc8:3-2*conv5:1@6",
        "0.5*fc8:945",
    ]
    assert [str(one) for one in read("fc8:3, -2*conv5:1,-fc8:7")] == ["fc8:3", "-2*conv5:1@6", "-1*fc8:7"]
    assert read('fc8:3,"bell pepper",2:5') == [Unit("fc8", 3), Unit("fc8", 945), Unit("2", 5)]
    with pytest.raises(DgnamError, match="objective 'fc8:4000': layer 'fc8' has 1000 units"):
        read("conv5:3,fc8:4000")


def test_units_of_a_convolutional_layer_share_a_position():
    assert read("conv5:0-15") == [Unit("conv5", unit, 6) for unit in range(16)]
    assert read("conv5:3,5@1,2") == [Unit("conv5", unit, (1, 2)) for unit in (3, 5)]
    assert read("conv5:*@all") == [Channel("conv5", unit) for unit in range(256)]


def test_features_of_a_transformer_share_a_token():
    assert read("blocks.3:0-3@7") == [Unit("blocks.3", unit, 7) for unit in range(4)]
    assert read("blocks.3:*@all") == [Channel("blocks.3", unit) for unit in range(8)]
    assert read("blocks.3:1@0 - blocks.3:2@all") == [Unit("blocks.3", 1, 0) - Channel("blocks.3", 2)]


def test_classes_of_tokens_need_one_token():
    classes = [Classes.of_names([f"class {n}" for n in range(8)])]
    assert parse_objectives("pooled:class 3", Layers(), classes) == [Unit("pooled", 3)]
    with pytest.raises(DgnamError, match=r"the units of layer 'blocks\.3' have no names"):
        parse_objectives("blocks.3:class 3@0", Layers(), classes)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        (
            "fc8:643 + 0.5*fc8:624 - 2*conv5:55@6,6",
            Unit("fc8", 643) + 0.5 * Unit("fc8", 624) - 2 * Unit("conv5", 55, 6),
        ),
        ("fc8:643-fc8:624", Unit("fc8", 643) - Unit("fc8", 624)),
        ("fc8:3-1*fc8-ucf:4", Unit("fc8", 3) - Unit("fc8-ucf", 4)),
        ("fc8-ucf:4-fc8:3", Unit("fc8-ucf", 4) - Unit("fc8", 3)),
        ("-fc8:3+1e-05*conv5:diversity", -Unit("fc8", 3) + 1e-5 * Diversity("conv5")),
        ("fc8:man-eater + places.fc8:3", Unit("fc8", 2) + Unit("places.fc8", 3)),
        ('fc8:"bell pepper" - .5 * fc8:man-eater', Unit("fc8", 945) - 0.5 * Unit("fc8", 2)),
        ("2*2:6", 2 * Unit("2", 6)),
        ("1*fc8:3", WeightedSum(((1.0, Unit("fc8", 3)),))),
    ],
)
def test_sums(text, objective):
    assert read(text) == [objective]


def test_sum_with_a_list_is_expanded():
    assert read("fc8:3-5 + 0.1*conv5:diversity") == [Unit("fc8", n) + 0.1 * Diversity("conv5") for n in (3, 4, 5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fc9:3", "there is no layer 'fc9'; the closest: fc8, "),
        ("classifier:3", "there is no layer 'classifier'; the closest: loss3/classifier$"),
        ("fc8:3 + fc9-ucf:4", "there is no layer 'fc9-ucf'; the closest: fc8-ucf"),
        ("fc8:1000", "layer 'fc8' has 1000 units, 0 to 999, and not 1000"),
        ("fc8:5-99999999999999999999", "is not a unit of layer 'fc8', which has 1000, 0 to 999"),
        ("fc8:0-1000", "layer 'fc8' has 1000 units, 0 to 999, and not 0-1000"),
        ("fc8:-1", "'-1' is not a unit of layer 'fc8', which has 1000, 0 to 999"),
        ("fc8:1.5", "'1.5' is not a unit"),
        ("fc8:9-3", "the range 9-3 runs backwards; write 3-9"),
        ("fc8:lemmon", r"no class 'lemmon' among 1000; the closest: lemon \(951\), "),
        ("fc8:shark", r"the closest: .*great white shark \(2\)"),
        ("fc8:crane", r"the name of several classes; give a number: 134 \(crane\), 517 \(crane\)"),
        ("fc8-ucf:lemon", "the units of layer 'fc8-ucf' have no names.*those of fc8, places.fc8"),
        ("conv5:lemon", "the units of layer 'conv5' have no names"),
        ("conv5:5@13", r"takes a position .* to \(12, 12\)"),
        ("conv5:5@", "a place is @row,column"),
        ("conv5:5@-1,2", "a place is @row,column"),
        ("conv5:5@1,2,3", "a place is @row,column"),
        ("conv5:5@1@2", "more than one @"),
        ("fc8:5@2", "layer 'fc8' has no places to choose from"),
        ("blocks.3:5", "has 65 tokens, 0 to 64: say which one, as blocks.3:5@32, or .* blocks.3:5@all"),
        ("blocks.3:8@0", "layer 'blocks.3' has 8 units, 0 to 7, and not 8"),
        ("blocks.3:5@65", "has 65 tokens, 0 to 64"),
        ("blocks.3:5@1,1", "layer 'blocks.3' has 65 tokens; give one number, as @1"),
        ("pooled:5@1", "layer 'pooled' has no places to choose from"),
        ("relu:3", "there is no layer 'relu'; the closest: relu#2"),
        ("pool10:5@2", "layer 'pool10' has no places to choose from"),
        ("fc8", "say which unit of layer 'fc8', as fc8:0"),
        ("fc8:", "is not a unit: write fc8:945"),
        ("fc8:3,,4", "is not a unit: write fc8:945"),
        ("", "'' is not a unit"),
        ("lemon", "'lemon' is not a unit: write fc8:945, fc8:lemon"),
        (":3", "is not a unit"),
        (",fc8:3", "',fc8:3': an objective is missing before the first comma"),
        ("fc8:3,conv9:3", "there is no layer 'conv9'; the closest: conv5"),
        ("conv5:3, 2*conv9:3@1,2", "there is no layer 'conv9'; the closest: conv5"),
        ("fc8:3 +", r"a term is missing after the last '\+'"),
        ('fc8:"bell pepper', "a quote is not closed"),
        ('fc8:bell "pepper"', "quotes go around the whole name"),
        ("1e999*fc8:3", "the weight 1e999 is too large"),
        ("fc8:1,2 + fc8:3,4", "may list several units in one of its terms, and has '1,2', '3,4'"),
        ("loss:0", "layer 'loss' gives one number for a whole batch"),
    ],
)
def test_malformed_text_raises_with_the_valid_choices(text, message):
    with pytest.raises(DgnamError, match=message):
        read(text)


def test_several_units_for_one_objective_raise():
    assert parse_objective("fc8:3", Layers()) == Unit("fc8", 3)
    with pytest.raises(DgnamError, match="asks for 2 units; give one"):
        parse_objective("fc8:3,4", Layers())


NAMES = sorted(set(SHAPES) - {"loss"})


@st.composite
def terms(draw):
    layer = draw(st.sampled_from(NAMES))
    plane = positions(SHAPES[layer])
    index = draw(st.integers(0, units(SHAPES[layer]) - 1))
    kind = draw(st.sampled_from(["unit", "channel", "diversity"]))
    if kind == "unit":
        place = tuple(draw(st.integers(0, size - 1)) for size in plane)
        return Unit(layer, index, (*place, *place)[:2] if place else None)
    return Channel(layer, index) if kind == "channel" else Diversity(layer)


weights = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9))


@given(st.one_of(terms(), st.lists(st.tuples(weights, terms()), min_size=1).map(lambda t: WeightedSum(tuple(t)))))
def test_the_text_of_an_objective_reads_back(objective):
    assert read(str(objective)) == [objective]


@given(st.text(st.sampled_from('fc8conv5:-+*"@,.0123456789 e\n_é'), max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = read(text)
    except DgnamError:
        return
    assert all(read(str(objective)) == [objective] for objective in found[:3])


class TestTargets:
    def test_a_torch_modules_layers_and_a_users_names(self):
        module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
        target = TorchTarget(nn.Sequential(OrderedDict({"net-1": module})), (8, 8))
        assert target.layers() == ["net-1", *(f"net-1.{n}" for n in range(4))]
        classes = [Classes.of_names(["cat, house cat", "dog"], "net-1.3")]
        assert parse_objectives("net-1.3:House Cat - net-1.0:1", target, classes) == [
            Unit("net-1.3", 0) - Unit("net-1.0", 1, 3)
        ]
        for layer in ("net-1.1", "net-1"):
            with pytest.raises(DgnamError, match=r"have no names.*net-1\.3"):
                parse_objectives(f"{layer}:dog", target, classes)
        anywhere = [Classes.of_names(["cat", "dog"])]
        assert parse_objectives("net-1.3:dog", target, anywhere) == [Unit("net-1.3", 1)]

    def test_classes_of_joint_targets_are_kept_apart(self, tiny_modules):
        one = CaffeTarget(tiny_modules[0])
        both = JointTarget(a=one, b=one)
        ours = Classes.of_names([f"class {n}" for n in range(10)], "fc8")
        theirs = Classes.of_names([f"scene {n}" for n in range(10)], "fc8")
        classes = [ours.of_target("a"), theirs.of_target("b")]
        found = parse_objectives("a.fc8:class 3 + 0.5*b.prob:scene_4", both, classes)
        assert found == [Unit("a.fc8", 3) + 0.5 * Unit("b.prob", 4)]
        with pytest.raises(DgnamError, match="no class 'scene 4'"):
            parse_objectives("a.fc8:scene 4", both, classes)
        with pytest.raises(DgnamError, match=r"no layer 'fc8'; the closest: b.fc8, a.fc8$"):
            parse_objectives("fc8:3", both, classes)

    def test_a_caffe_nets_layers_are_those_with_values(self, tiny_modules):
        target = CaffeTarget(tiny_modules[0])
        assert target.layers()[:3] == ["data", "conv1", "relu1"]
        assert all(target.layer_shape(layer) for layer in target.layers())

    def test_names_of_another_number_than_the_units(self, tiny_modules):
        with pytest.raises(DgnamError, match="layer 'fc8' has 10 units, and 2 classes are named"):
            parse_objectives("fc8:dog", CaffeTarget(tiny_modules[0]), [Classes.of_names(["cat", "dog"], "fc8")])

    def test_a_model_of_the_zoo(self):
        entry = zoo.get("caffenet-mini")
        target = CaffeTarget(zoo.load("caffenet-mini"))
        classes = [Classes.of_model(entry)]
        (unit,) = parse_objectives("fc8:lemon", target, classes)
        assert entry.labels()[unit.index].name == "lemon"
        assert parse_objectives("prob:lemon", target, classes) == [Unit("prob", unit.index)]
        assert target(torch.zeros(1, 3, 56, 56), ["fc8"])["fc8"].shape == (1, 200)


def test_a_direction_is_a_file_of_numpys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vector = np.arange(7, dtype=np.float64)
    np.save("mine.npy", vector)
    found = parse_objective("2:mine.npy", Layers())
    assert found == Direction("2", vector, "mine.npy")
    assert parse_objective(str(found), Layers()) == found
    assert parse_objective("2:3 - 0.5*2:mine.npy", Layers()) == Unit("2", 3) - 0.5 * found


@pytest.mark.parametrize(
    ("numbers", "message"),
    [(np.zeros(7), "must be finite and not zero"), (np.ones(6), "has 6 numbers"), (None, "no such file")],
)
def test_a_direction_that_the_layer_cannot_have(tmp_path, monkeypatch, numbers, message):
    monkeypatch.chdir(tmp_path)
    if numbers is not None:
        np.save("mine.npy", numbers)
    with pytest.raises(DgnamError, match=message):
        parse_objective("2:mine.npy", Layers())
