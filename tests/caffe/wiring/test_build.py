"""How nets are wired: rules, splits, shared parameters, what a backward pass reaches, as Caffe's own tests have it.

The nets here are our own, and small; where a test's name or comment doesn't say otherwise, the expectation is one that
Caffe's own unit tests make of a net of this kind (`NetTest`, `FilterNetTest`, `SplitLayerInsertionTest`).
"""

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.modules.to_torch import to_torch
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.caffe.wiring.build import build, filter_layers, insert_splits
from dgnam.errors import CaffeError

FORCED = "force_backward: true\n"


def inputs(**shapes: tuple[int, ...]) -> str:
    """An Input layer for each name."""
    return "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        f"{' '.join(f'dim: {d}' for d in shape)} }} }} }}\n"
        for name, shape in shapes.items()
    )


def ip(name: str, bottom: str, options: str = "", n: int = 4, bias: str = "false") -> str:
    """An InnerProduct layer with a top of its own name."""
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {options} inner_product_param '
        f'{{ num_output: {n} bias_term: {bias} weight_filler {{ type: "gaussian" }} }} }}\n'
    )


def power(name: str, bottom: str) -> str:
    return f'layer {{ name: "{name}" type: "Power" bottom: "{bottom}" top: "{name}" }}\n'


def euclidean(a: str, b: str, options: str = "") -> str:
    return f'layer {{ name: "loss" type: "EuclideanLoss" bottom: "{a}" bottom: "{b}" top: "loss" {options} }}\n'


def made(text: str, phase: int = pb.TRAIN, values: int = 0) -> Net:
    """The net, its parameters and inputs normal numbers."""
    net, draw = Net(parse_net(text), phase), np.random.default_rng(values)
    for blob in [*net.learnable_params, *(net.blobs[name] for name in net.inputs)]:
        blob.data[...] = draw.standard_normal(blob.shape)
    return net


def ran(net: Net) -> float:
    """The loss of one pass forward and backward, from gradients of zero."""
    net.clear_param_diffs()
    last = len(net.layers) - 1
    loss = net._forward(0, last)
    net._backward(last, 0)
    return loss


class TestRules:
    @pytest.mark.parametrize(
        ("state", "rules", "kept"),
        [
            ("", "", True),
            ("", 'include { stage: "a" }', False),
            ('stage: "a"', 'include { stage: "a" }', True),
            ('stage: "b"', 'include { stage: "a" }', False),
            ('stage: "a"', 'include { stage: "a" stage: "b" }', False),
            ('stage: "b" stage: "c" stage: "a"', 'include { stage: "a" stage: "b" }', True),
            ('stage: "b"', 'include { stage: "a" } include { stage: "b" }', True),
            ("", 'include { not_stage: "a" }', True),
            ('stage: "a"', 'include { not_stage: "a" }', False),
            ('stage: "a" stage: "b"', 'include { stage: "a" not_stage: "b" }', False),
            ('stage: "a"', 'exclude { stage: "a" }', False),
            ("", 'exclude { stage: "a" }', True),
            ("", "include { min_level: 3 }", False),
            ("", "include { min_level: 0 }", True),
            ("level: 7", "include { min_level: 3 }", True),
            ("", "include { max_level: -3 }", False),
            ("", "include { max_level: 0 }", True),
            ("level: -7", "include { max_level: -3 }", True),
            ("level: 4 phase: TRAIN", "include { min_level: 2 phase: TRAIN }", True),
            ("level: 4 phase: TEST", "include { min_level: 2 phase: TRAIN }", False),
            ("level: 1 phase: TEST", "include { min_level: 2 phase: TRAIN } include { phase: TEST }", True),
            ("level: 4 phase: TRAIN", "exclude { min_level: 2 phase: TRAIN }", False),
            ("level: 4 phase: TEST", "exclude { min_level: 2 phase: TRAIN }", True),
            ("phase: TEST", "exclude { phase: TRAIN } exclude { min_level: 1 }", True),
        ],
    )
    def test_one_rule_met_decides(self, state, rules, kept):
        net = parse_net(f'state {{ {state} }} layer {{ name: "a" }} layer {{ name: "b" {rules} }}')
        filtered = filter_layers(net, net.state)
        assert [layer.name for layer in filtered.layer] == ["a", "b"][: 1 + kept]
        assert filter_layers(filtered, net.state) == filtered
        assert filtered.state == net.state

    def test_one_definition_for_training_validation_and_deployment(self):
        text = f"""
        layer {{ name: "train" type: "Input" top: "data" top: "label" include {{ phase: TRAIN stage: "t" }}
          input_param {{ shape {{ dim: 1 dim: 10 }} shape {{ dim: 1 }} }} }}
        layer {{ name: "val" type: "Input" top: "data" top: "label" include {{ phase: TEST stage: "v" }}
          input_param {{ shape {{ dim: 1 dim: 10 }} shape {{ dim: 1 }} }} }}
        layer {{ name: "deploy" type: "Input" top: "data" include {{ phase: TEST stage: "d" }}
          input_param {{ shape {{ dim: 1 dim: 10 }} }} }}
        {ip("ip", "data")}
        layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
          include {{ phase: TRAIN stage: "t" }} include {{ phase: TEST stage: "v" }} }}"""
        layers = {stage: Net(parse_net(text), phase, 0, [stage])._layer_names for phase, stage in enumerate("tv")}
        assert layers == {"t": ["train", "ip", "loss"], "v": ["val", "ip", "loss"]}
        assert Net(parse_net(text), pb.TEST, stages=["d"])._layer_names == ["deploy", "ip"]

    def test_both_kinds_of_rules_at_once_are_an_error(self):
        net = parse_net('layer { name: "a" include { phase: TEST } exclude { phase: TRAIN } }')
        with pytest.raises(CaffeError, match="layer 'a': use either include rules or exclude rules"):
            filter_layers(net, pb.NetState())


@pytest.mark.parametrize("rule", ["include { phase: TRAIN }", 'include { stage: "train" }', "exclude { phase: TEST }"])
def test_a_bottom_of_a_layer_left_out(rule):
    text = inputs(data=(2, 3)).replace('top: "data"', f'top: "data" {rule}') + ip("ip", "data")
    with pytest.raises(CaffeError, match=r"unknown bottom blob 'data'.*: none; layer 'data' makes it in another phase"):
        build(parse_net(text), pb.TEST)


def test_a_bottom_that_no_layer_makes():
    with pytest.raises(CaffeError, match=r"unknown bottom blob 'dat'; blobs made before it: data$"):
        build(parse_net(inputs(data=(2, 3)) + ip("ip", "dat")), pb.TEST)


class TestSplits:
    @pytest.mark.parametrize(
        ("text", "wired"),
        [
            ("x> y z; a: y>; b: z>", "x> y z; a: y>; b: z>"),
            (
                "x> y; a: y> p; b: y> q",
                "x> y; y_x_0_split: y> y_x_0_split_0 y_x_0_split_1; a: y_x_0_split_0> p; b: y_x_0_split_1> q",
            ),
            # A second top is split by its own place; a layer may take the same blob twice.
            (
                "x> u y; a: y y> p",
                "x> u y; y_x_1_split: y> y_x_1_split_0 y_x_1_split_1; a: y_x_1_split_0 y_x_1_split_1> p",
            ),
            # What is taken after a layer in place is that layer's top.
            (
                "x> y; r: y> y; a: y> p; b: y> q",
                "x> y; r: y> y; y_r_0_split: y> y_r_0_split_0 y_r_0_split_1; a: y_r_0_split_0> p; b: y_r_0_split_1> q",
            ),
        ],
    )
    def test_names_of_what_is_taken_twice(self, text, wired):
        split = insert_splits(_layers(text))
        assert _shorthand(split) == wired
        assert insert_splits(split) == split

    def test_a_weighted_top_goes_to_the_splits_first_copy(self):
        net = parse_net(
            'layer { name: "x" top: "y" loss_weight: 2.5 } layer { name: "a" bottom: "y" top: "p" loss_weight: 1 }'
        )
        split = insert_splits(net)
        assert _shorthand(split) == "x> y; y_x_0_split: y> y_x_0_split_0 y_x_0_split_1; a: y_x_0_split_1> p"
        assert [list(layer.loss_weight) for layer in split.layer] == [[], [2.5, 0], [1]]

    def test_the_loss_is_that_of_all_weighted_tops(self):
        text = inputs(x=(5, 4)) + ip("one", "x", "loss_weight: %g") + ip("two", "x") + euclidean("one", "two", "%s")
        nets = {(a, b): made(f"{FORCED}{text % (a, f'loss_weight: {b}')}") for a in (1, 2, 3) for b in (0, 1, 3)}
        losses = {key: ran(net) for key, net in nets.items()}
        assert losses[2, 0] == pytest.approx(2 * losses[1, 0], rel=1e-5)
        assert losses[2, 3] - losses[2, 0] == pytest.approx(3 * (losses[1, 1] - losses[1, 0]), rel=1e-4)
        diffs = {key: {name: blob.diff.copy() for name, blob in net.blobs.items()} for key, net in nets.items()}
        for name in diffs[1, 1]:
            more = [diffs[n, 1][name] - diffs[1, 1][name] for n in (2, 3)]
            reached = name in ("one", "one_one_0_split_0", "x", "x_x_0_split_0")
            assert (np.abs(more[0]).max() > 1e-4) == reached, name
            assert np.allclose(2 * more[0], more[1], atol=1e-4), name

    @pytest.mark.parametrize("weight", [2, 0, -1, -2.5, 3.7])
    def test_a_loss_weight_scales_loss_and_gradients(self, weight):
        text = FORCED + inputs(x=(5, 4)) + ip("one", "x") + ip("two", "x") + euclidean("one", "two", "%s")
        plain, weighted = made(text % ""), made(text % f"loss_weight: {weight}")
        assert ran(weighted) == pytest.approx(weight * ran(plain), rel=1e-5)
        for a, b in [*zip(plain.blobs.values(), weighted.blobs.values(), strict=True)]:
            assert np.allclose(weight * a.diff, b.diff, atol=1e-4)


class TestSharedParameters:
    CHAIN = (
        inputs(x=(5, 4), t=(5, 4))
        + ip("i1", "x", 'param { name: "w1" %s }')
        + ip("i2", "i1", 'param { name: "w2" %s }')
    )

    def test_they_are_one_memory_and_get_the_sum_of_the_gradients(self):
        apart = made(self.CHAIN % ("", "") + euclidean("t", "i2"))
        both = made((self.CHAIN % ("", "")).replace("w2", "w1") + euclidean("t", "i2"))
        weight = np.linspace(-1, 1, 16).reshape(4, 4)
        for net in (apart, both):
            for name in ("x", "t"):
                net.blobs[name].data[...] = np.random.default_rng(1).standard_normal((5, 4))
            net.params["i1"][0].data[...] = net.params["i2"][0].data[...] = weight
            ran(net)
        first, second = (both.params[name][0] for name in ("i1", "i2"))
        assert np.shares_memory(first.data, second.data)
        assert np.shares_memory(first.diff, second.diff)
        parts = [apart.params[name][0] for name in ("i1", "i2")]
        assert not np.shares_memory(parts[0].data, parts[1].data)
        assert not np.allclose(parts[0].diff, parts[1].diff)
        assert np.allclose(first.diff, parts[0].diff + parts[1].diff, rtol=1e-5)
        assert (len(both.learnable_params), len(apart.learnable_params)) == (1, 2)

    def test_equal_layers_of_one_bottom_differ_by_nothing(self):
        text = inputs(x=(5, 4)) + ip("i1", "x", 'param { name: "w" }') + ip("i2", "x", 'param { name: "%s" }')
        assert ran(made((text + euclidean("i1", "i2")) % "w")) == 0
        apart = made((text + euclidean("i1", "i2")) % "v")
        assert ran(apart) > 0.1
        first, second = (apart.params[name][0].diff for name in ("i1", "i2"))
        assert np.abs(first).max() > 0
        assert np.allclose(first, -second)

    @pytest.mark.parametrize("ending", ["caffemodel", "h5"])
    def test_they_are_still_one_after_a_file(self, tmp_path, ending):
        text = (self.CHAIN % ("", "")).replace("w2", "w1")
        net, other = made(text), made(text, values=1)
        net.save(tmp_path / f"w.{ending}")
        other.copy_from(tmp_path / f"w.{ending}")
        assert (other.params["i2"][0].data == net.params["i1"][0].data).all()
        other.params["i1"][0].data[...] = 3
        assert (other.params["i2"][0].data == 3).all()

    @pytest.mark.parametrize("option", ["lr_mult", "decay_mult"])
    def test_multipliers_are_those_of_whoever_gives_them(self, option):
        text = self.CHAIN.replace("w2", "w1")
        for first, second, found in [("", "", 1), ("2", "", 2), ("", "3", 3), ("2", "2", 2), ("", "0", 0)]:
            options = [f"{option}: {value}" if value else "" for value in (first, second)]
            plan = build(parse_net(text % tuple(options)), pb.TRAIN)
            assert [getattr(param, option) for param in plan.params] == [found]
        with pytest.raises(CaffeError, match=f"layer 'i2'.*another {option} than in layer 'i1'"):
            build(parse_net(text % (f"{option}: 1", f"{option}: 2")), pb.TRAIN)
        third = ip("i3", "i2", f'param {{ name: "w1" {option}: 3 }}')
        with pytest.raises(CaffeError, match=f"layer 'i3'.*another {option} than in layer 'i1'"):
            build(parse_net(text % ("", f"{option}: 2") + third), pb.TRAIN)

    def test_where_a_layer_shares_a_part_it_owns_the_rest(self):
        """Facts of BVLC Caffe 1.0: only the shared blob is the first layer's."""
        names = [f'param {{ name: "w" }} param {{ name: "b{i}" }}' for i in (1, 2)]
        net = made(inputs(x=(5, 4)) + ip("i1", "x", names[0], bias="true") + ip("i2", "i1", names[1], bias="true"))
        assert [wired.owns for wired in net.plan.layers[1:]] == [[True, True], [False, True]]
        assert [(param.owner, param.index) for param in net.plan.params] == [("i1", 0), ("i1", 1), ("i2", 1)]


class TestNeeds:
    """Which bottoms get a gradient, and which layers a backward pass runs."""

    TINY = inputs(data=(5, 4), label=(5,)) + ip("ip", "data", "%s")
    SOFTMAX = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'

    def needs(self, text: str) -> dict[str, tuple[bool, list[bool]]]:
        plan = build(parse_net(text), pb.TRAIN)
        return {wired.name: (wired.backward, list(wired.needs.bottoms)) for wired in plan.layers}

    def test_data_and_labels_get_none(self):
        assert self.needs(self.TINY % "" + self.SOFTMAX) == {
            "data": (False, []),
            "label": (False, []),
            "ip": (True, [False]),
            "loss": (True, [True, False]),
        }

    def test_force_backward_reaches_all_but_labels(self):
        found = self.needs(FORCED + self.TINY % "" + self.SOFTMAX)
        assert (found["ip"], found["loss"]) == ((True, [True]), (True, [True, False]))

    def test_force_backward_reaches_both_sides_of_a_distance(self):
        text = inputs(data=(5, 4), t=(5, 4)) + ip("ip", "data") + euclidean("ip", "t")
        assert self.needs(text)["loss"] == (True, [True, False])
        assert self.needs(FORCED + text)["loss"] == (True, [True, True])

    def test_propagate_down_forces_one_bottom(self):
        found = self.needs(self.TINY % "propagate_down: true" + self.SOFTMAX)
        assert (found["ip"], found["loss"]) == ((True, [True]), (True, [True, False]))

    @pytest.mark.parametrize("down", [True, False])
    def test_propagate_down_stops_a_branch(self, down):
        text = f"""{self.TINY % ""} {ip("fake", "data")}
        layer {{ name: "argmax" type: "ArgMax" bottom: "fake" top: "argmax" }}
        layer {{ name: "silence" type: "Silence" bottom: "label" }}
        layer {{ name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "ip" bottom: "argmax" top: "loss"
          propagate_down: true propagate_down: {str(down).lower()} }}"""
        found = self.needs(text.replace("num_output: 4", "num_output: 1"))
        assert found["loss"] == (True, [True, down])
        run = {name for name, (backward, _) in found.items() if backward}
        assert run == {"ip", "loss"} | ({"fake", "argmax"} if down else set())

    def test_a_bottom_under_which_something_learns_counts_whatever_it_is_for(self):
        text = inputs(data=(5, 4), label=(5, 1)) + ip("ip", "data") + ip("learned", "label", n=1)
        assert self.needs(text + self.SOFTMAX.replace('"label"', '"learned"'))["loss"] == (True, [True, True])

    def test_a_rate_of_zero_switches_one_gradient_off(self):
        specs = [f"param {{ lr_mult: {w} }} param {{ lr_mult: {b} }}" for w, b in ((1, 0), (0, 1))]
        text = (
            inputs(x=(5, 4))
            + ip("i1", "x", "%s", bias="true")
            + ip("i2", "x", "%s", bias="true")
            + euclidean("i1", "i2")
        )
        all_, some = made(text % ("", "")), made(text % tuple(specs))
        ran(all_)
        ran(some)
        norms = [[np.abs(blob.diff).sum() for blob in net.learnable_params] for net in (all_, some)]
        assert min(norms[0]) > 1e-3
        assert norms[1] == [norms[0][0], 0, 0, norms[0][3]]

    def test_parts_of_a_pass_add_up_to_the_whole(self):
        net = made(FORCED + inputs(x=(5, 4), t=(5, 3)) + ip("i1", "x") + ip("i2", "i1", n=3) + euclidean("i2", "t"))
        loss = ran(net)
        diff = net.blobs["x"].diff.copy()
        names = net._layer_names
        for first in names[2:]:
            net.forward(end=first)
            net.forward(start=first)
            assert net.blobs["loss"].data == np.float32(loss)
        for at in range(1, len(names)):
            net.backward(end=names[at])
            net.backward(start=names[at - 1])
            assert (net.blobs["x"].diff == diff).all()


class TestLayersOfOneName:
    """Facts of BVLC Caffe 1.0, which takes them: the last is what names lead to, the first is what weights go to."""

    TEXT = inputs(x=(5, 4)) + ip("i", "x", n=3) + ip("i", "a", n=2).replace('top: "i"', 'top: "b"')
    TEXT = TEXT.replace('top: "i"', 'top: "a"')

    def test_the_net_runs_and_names_lead_to_the_last(self):
        net = made(self.TEXT)
        assert net._layer_names == ["x", "i", "i"]
        assert net.top_names == {"x": ["x"], "i": ["b"]}
        assert net.layer_dict["i"] is net.layers[2]
        assert [blob.shape for blob in net.params["i"]] == [(2, 3)]
        assert len(net.learnable_params) == 2
        first, second = (blob.data for blob in net.learnable_params)
        assert np.allclose(net.forward()["b"], net.blobs["x"].data @ first.T @ second.T, atol=1e-5)

    def test_weights_of_that_name_go_to_the_first(self):
        text = self.TEXT.replace("num_output: 3", "num_output: 4").replace("num_output: 2", "num_output: 4")
        net, source = made(text), made(text, values=1)
        second = net.params["i"][0].data.copy()
        net.share_with(source)
        first = net.layers[1].blobs[0]
        assert np.shares_memory(first.data, source.params["i"][0].data)
        assert (net.params["i"][0].data == second).all()

    @pytest.mark.parametrize("name", ["net.caffemodel", "net.h5"])
    def test_saving_would_lose_one_and_is_refused(self, tmp_path, name):
        with pytest.raises(CaffeError, match="2 layers with parameters are named 'i'"):
            made(self.TEXT).save(tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_where_two_share_a_parameter_the_first_owns_it(self):
        text = self.TEXT.replace("num_output: 3", "num_output: 4").replace("num_output: 2", "num_output: 4")
        net = made(text.replace("inner_product_param", 'param { name: "w" } inner_product_param'))
        assert [wired.owns for wired in net.plan.layers[1:]] == [[True], [False]]

    def test_a_loss_and_an_accuracy_may_have_one_name(self):
        text = inputs(x=(5, 4), t=(5,)) + ip("ip", "x") + TestNeeds.SOFTMAX.replace('"label"', '"t"')
        accuracy = 'layer { name: "loss" type: "Accuracy" bottom: "ip" bottom: "t" top: "accuracy" }'
        net = made(text + accuracy)
        net.blobs["t"].data[...] = 0
        assert sorted(net.forward()) == ["accuracy", "loss"]
        net.backward()
        assert to_torch(parse_net(text + accuracy)).output_names == ["accuracy", "loss"]

    @pytest.mark.parametrize("make", [CaffeModule, to_torch])
    def test_a_torch_module_needs_them_apart(self, make):
        with pytest.raises(CaffeError, match="2 layers with parameters are named 'i'"):
            make(parse_net(self.TEXT))


def test_two_shapes_by_turns_give_the_same_numbers_again():
    text = f"""{inputs(data=(1, 3, 20, 20))}
    layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
      convolution_param {{ num_output: 5 kernel_size: 3 stride: 2 weight_filler {{ type: "gaussian" }} }} }}
    layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
    layer {{ name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param {{ kernel_size: 2 stride: 2 }} }}
    layer {{ name: "norm" type: "LRN" bottom: "pool" top: "norm" lrn_param {{ local_size: 3 }} }}
    layer {{ name: "softmax" type: "Softmax" bottom: "norm" top: "softmax" }}"""
    net, draw = made(FORCED + text), np.random.default_rng(0)
    images = [draw.standard_normal(shape) for shape in ((2, 3, 12, 10), (4, 3, 9, 11))]
    seen = []
    for image in images * 2:
        net.blobs["data"].reshape(*image.shape)
        net.blobs["data"].data[...] = image
        seen.append(net.forward()["softmax"].copy())
        net.backward()
    assert [out.shape for out in seen[:2]] == [(2, 5, 3, 2), (4, 5, 2, 3)]
    assert all((a == b).all() for a, b in zip(seen[:2], seen[2:], strict=True))


def test_phases_count_from_train():
    assert (caffe.TRAIN, caffe.TEST) == (pb.TRAIN, pb.TEST) == (0, 1)


def _layers(text: str) -> pb.NetParameter:
    """A net in shorthand, `name: bottoms> tops; …`; the first layer has no bottoms."""
    net = pb.NetParameter()
    for part in text.split(";"):
        left, tops = part.split(">")
        name, _, bottoms = left.partition(":")
        net.layer.add(name=name.strip(), bottom=bottoms.split(), top=tops.split())
    return net


def _shorthand(net: pb.NetParameter) -> str:
    parts = [[f"{layer.name}:" if layer.bottom else layer.name, *layer.bottom] for layer in net.layer]
    return "; ".join(
        f"{' '.join(left)}> {' '.join(layer.top)}".strip() for left, layer in zip(parts, net.layer, strict=True)
    )
