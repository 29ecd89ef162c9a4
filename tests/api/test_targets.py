"""Which units the names of classes belong to: nets that end in a loss, nets with heads, and names that don't fit."""

import json

import numpy as np
import pytest
from torch import nn

import dgnam
from dgnam.am import JointTarget, TorchTarget, Unit, parse_objectives
from dgnam.api.layers import describe
from dgnam.api.targets import open_target
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.errors import DgnamError, FormatError

CONV = """
input: "data" input_shape { dim: 1 dim: 3 dim: 28 dim: 28 }
input: "label" input_shape { dim: 1 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 5 stride: 4 weight_filler { type: "xavier" } } }
"""
HEAD = """
layer { name: "%s" type: "InnerProduct" bottom: "conv" top: "%s"
  inner_product_param { num_output: %d weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }'
NAMES = ["ant", "bee", "cat", "dog"]


def net(folder, text):
    """The arguments of a net of this text, its files written into a folder."""
    (folder / "net.prototxt").write_text(text)
    write_hdf5_weights(folder / "net.h5", CaffeModule(parse_net(text), seed=1).weights())
    return {"target": folder / "net.prototxt", "weights": folder / "net.h5"}


def units(opened, text):
    return [(one.layer, one.index) for one in parse_objectives(text, opened.target, opened.classes)]


@pytest.fixture
def with_loss(tmp_path):
    return net(tmp_path, f'name: "withloss" {CONV} {HEAD % ("fc", "fc", 4)} {LOSS}')


@pytest.fixture
def two_heads(tmp_path):
    """Two heads of four units each, and one of seven after them."""
    heads = "".join(HEAD % (name, name, count) for name, count in (("kind", 4), ("place", 4), ("age", 7)))
    return net(tmp_path, f'name: "heads" {CONV} {heads}')


def test_names_of_a_net_that_ends_in_a_loss(with_loss, tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join(NAMES))
    opened = open_target(**with_loss, labels=tmp_path / "labels.txt")
    assert units(opened, "fc:cat") == [("fc", 2)]
    assert opened.caption(Unit("fc", 2)) == "cat"
    assert opened.scores == "fc"
    assert open_target(**with_loss).scores == "fc"
    with pytest.raises(DgnamError, match="layer 'loss' gives one number for a whole batch and has no units"):
        units(opened, "loss:cat")


def test_names_of_another_head_than_the_last(two_heads):
    opened = open_target(**two_heads, labels=NAMES, labels_layer="kind")
    assert units(opened, "kind:cat") == [("kind", 2)]
    assert opened.scores == "kind"
    assert opened.caption(Unit("place", 2)) == "place:2"
    with pytest.raises(DgnamError, match=r"the units of layer 'place' have no names.*; names are those of kind"):
        units(opened, "place:cat")
    both = open_target(**two_heads, labels=NAMES)
    assert units(both, "kind:cat") + units(both, "place:cat") == [("kind", 2), ("place", 2)]
    assert open_target(**two_heads, labels=list("abcdefg")).caption(Unit("age", 6)) == "g"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"labels": NAMES[:3]},
            r"labels: has 3 classes \(ant, bee, cat\), and no layer of 'net\.prototxt' has 3 units; ",
        ),
        ({"labels": NAMES[:3]}, r"kind \(4\), place \(4\), age \(7\)"),
        ({"labels": NAMES[:1]}, r"has 1 class \(ant\)"),
        ({"labels": NAMES, "labels_layer": "age"}, r"has 4 classes .*, and layer 'age' of 'net\.prototxt' has 7 units"),
        ({"labels": NAMES, "labels_layer": "conv"}, "layer 'conv' of .* is none of those whose units can be classes"),
        ({"labels": NAMES, "labels_layer": "knd"}, "layer 'knd' of .* is none of those"),
        ({"labels_layer": "age"}, "labels_layer 'age' without labels"),
        ({"labels": {0: "ant", 2: "bee"}}, "labels: the numbers of 2 classes must be 0 to 1"),
    ],
)
def test_names_that_do_not_fit_are_an_error_that_lists_the_layers(two_heads, how, message):
    with pytest.raises(DgnamError, match=message):
        open_target(**two_heads, **how)
    with pytest.raises(DgnamError, match=message.replace(r"'net\.prototxt'", ".*")):
        describe(two_heads["target"], **how)


def test_a_file_that_does_not_fit_is_named(two_heads, tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(FormatError, match=r"labels\.txt: has 2 classes \(a, b\), and no layer"):
        open_target(**two_heads, labels=str(tmp_path / "labels.txt"))


def test_whole_synset_lines_name_a_unit_too(two_heads):
    lines = ["n01440764 tench, Tinca tinca", "n02012849 crane", "n03126707 crane", "n01514859 hen"]
    opened = open_target(**two_heads, labels=lines, labels_layer="kind")
    for text in (
        *("kind:tench", "kind:Tinca tinca", "kind:n01440764", "kind:tench, Tinca tinca"),
        *("kind:n01440764 tench, Tinca tinca", 'kind:"n01440764 tench, Tinca tinca"'),
    ):
        assert units(opened, text) == [("kind", 0)]
    assert units(opened, "kind:tench,hen") == [("kind", 0), ("kind", 3)]
    assert units(opened, "kind:n03126707 crane") == [("kind", 2)]
    with pytest.raises(DgnamError, match=r"'crane' is the name of several classes; give a number: 1 \(crane\), 2"):
        units(opened, "kind:crane")


def test_folders_of_a_tree_and_dicts_are_classes(two_heads, tmp_path):
    for name in NAMES:
        (tmp_path / "train" / name).mkdir(parents=True)
    (tmp_path / "classes.json").write_text(json.dumps({name: k for k, name in enumerate(NAMES)}))
    by_text = dict(zip("0123", NAMES, strict=True))
    for labels in (tmp_path / "train", tmp_path / "classes.json", dict(enumerate(NAMES)), by_text):
        assert units(open_target(**two_heads, labels=labels), "kind:dog") == [("kind", 3)]


def test_a_number_is_a_unit_whatever_the_names_are(two_heads):
    opened = open_target(**two_heads, labels=["3", "2", "1", "0"])
    assert units(opened, "kind:3") == [("kind", 3)]
    assert units(opened, 'kind:"3"') == [("kind", 0)]
    assert units(opened, "kind:3,1") == [("kind", 3), ("kind", 1)]


def test_names_of_a_torch_module_with_heads():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.kind, self.age, self.unused = nn.Linear(4, 4), nn.Linear(4, 7), nn.Linear(4, 9)

        def forward(self, x):
            return self.kind(self.body(x)), self.age(self.body(x))

    target = TorchTarget(Heads(), size=(32, 32))
    opened = open_target(target, labels=NAMES, labels_layer="kind")
    assert units(opened, "kind:bee") == [("kind", 1)]
    with pytest.raises(DgnamError, match=r"no layer of 'TorchTarget' has 3 units; .*kind \(4\), age \(7\)$"):
        open_target(target, labels=NAMES[:3])
    joint = open_target(JointTarget(a=target), labels=NAMES, labels_layer="a.kind")
    assert units(joint, "a.kind:bee") == [("a.kind", 1)]


def test_layers_shows_the_names_where_they_belong(two_heads):
    rows = {row.name: row.example for row in describe(two_heads["target"], labels=NAMES, labels_layer="kind")}
    assert (rows["kind"], rows["place"], rows["age"]) == ("kind:ant", "place:0", "age:0")
    rows = {row.name: row.example for row in describe(two_heads["target"], labels=NAMES)}
    assert (rows["kind"], rows["place"], rows["age"]) == ("kind:ant", "place:ant", "age:0")


def test_a_run_with_names_of_one_head_goes_on(two_heads, tmp_path):
    how = {"prior": "deepsim-fc6-mini", "n_iters": 2, "progress": False, "labels": dict(enumerate(NAMES))}
    how |= {"labels_layer": "kind", "folder": tmp_path / "run"}
    made = dgnam.visualize(**two_heads, objective="kind:cat", **how)
    spec = json.loads((tmp_path / "run/run.json").read_text())["spec"]
    assert (spec["labels"], spec["labels_layer"]) == ({str(k): name for k, name in enumerate(NAMES)}, "kind")
    again = dgnam.visualize(**two_heads, objective="kind:cat", **{**how, "labels": spec["labels"]}, resume=True)
    assert np.array_equal(made.images, again.images)
