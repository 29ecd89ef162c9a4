"""The eager net as pycaffe's: views, passes in part, phases, splits, in-place layers, shared parameters, files."""

import numpy as np
import pytest
import torch

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.caffe.syncedmem import HOST
from dgnam.errors import ArgumentError, CaffeError, DgnamError

DATA = '\nlayer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } } }'
CONV = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3
    weight_filler { type: "gaussian" } bias_filler { type: "uniform" } } }
"""
IP = """
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "gaussian" } } }
"""
RELU = 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }'
SMALL = f'name: "small" force_backward: true {DATA} {CONV} {RELU} {IP}'
LOSS = """
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 0.5 }
"""
LABELS = np.array([0, 1])


def net_of(text: str, phase: int = pb.TEST, **options) -> Net:
    caffe.set_random_seed(1)
    return Net(parse_net(text), phase, **options)


def images(seed: int = 0, n: int = 2) -> np.ndarray:
    return np.random.RandomState(seed).randn(n, 3, 6, 6).astype(np.float32)


def saved(path) -> pb.NetParameter:
    return pb.NetParameter.FromString(path.read_bytes())


@pytest.fixture
def small() -> Net:
    net = net_of(SMALL)
    net.blobs["data"].data[...] = images()
    return net


def test_a_relu_in_place_writes_over_its_bottom_forward_and_backward():
    net = net_of(SMALL)
    conv = net._blobs[net.plan.blob_index("conv")]
    data, diffs = [], []
    for moment in (net.before_forward, net.after_forward):
        moment(lambda i: data.append(conv.data_on(HOST).data_ptr()) if i == 2 else None)
    for moment in (net.before_backward, net.after_backward):
        moment(lambda i: diffs.append(conv.diff_on(HOST).data_ptr()) if i == 2 else None)
    net.forward(data=images())
    net.backward(ip=np.ones((2, 5), np.float32))
    assert data[0] == data[1]
    assert diffs[0] == diffs[1]
    assert conv.data.min() == 0
    assert (conv.diff[conv.data == 0] == 0).all()
    assert (conv.diff[conv.data > 0] != 0).all()


class TestNames:
    def test_what_pycaffe_lists(self, small):
        assert small._layer_names == ["data", "conv", "relu", "ip"]
        assert [layer.type for layer in small.layers] == ["Input", "Convolution", "ReLU", "InnerProduct"]
        assert list(small.blobs) == ["data", "conv", "ip"]
        assert small.inputs == ["data"]
        assert small.outputs == ["ip"]
        assert {name: [b.shape for b in blobs] for name, blobs in small.params.items()} == {
            "conv": [(4, 3, 3, 3), (4,)],
            "ip": [(5, 64), (5,)],
        }
        assert small.params["conv"][0] is small.layers[1].blobs[0]
        assert small.layer_dict["ip"] is small.layers[3]
        assert dict(small.top_names) == {"data": ["data"], "conv": ["conv"], "relu": ["conv"], "ip": ["ip"]}
        assert small.bottom_names["relu"] == ["conv"]
        assert set(small.blob_loss_weights.values()) == {0}

    @pytest.mark.parametrize("name", ["twin", ""])
    def test_layers_may_share_a_name_or_have_none(self, name, tmp_path):
        """BVLC's mnist_autoencoder has two losses named "loss"."""
        twins = "".join(
            f'layer {{ name: "{name}" type: "Power" bottom: "{b}" top: "{t}" power_param {{ shift: 1 }} }}'
            for b, t in [("conv", "p"), ("p", "q")]
        )
        net = net_of(DATA + CONV + twins)
        assert net._layer_names == ["data", "conv", name, name]
        out = net.forward(data=images(), blobs=["conv"])
        assert np.allclose(out["q"], out["conv"] + 2)
        assert net.layer_dict[name] is net.layers[3]
        assert net.top_names[name] == ["q"]
        net.blobs["p"].data[...] = 0
        net.blobs["q"].data[...] = 0
        assert (net.forward(end=name)["q"] == 0).all()
        assert np.allclose(net.blobs["p"].data, out["conv"] + 1)
        net.save(tmp_path / "net.caffemodel")
        net.copy_from(tmp_path / "net.caffemodel")

    def test_learnable_layers_of_one_name_run_but_have_no_file(self, tmp_path):
        net = net_of(DATA + CONV + IP.replace('name: "ip"', 'name: "conv"'))
        assert net.forward(data=images())["ip"].shape == (2, 5)
        assert net.params["conv"][0].shape == (5, 64)
        for path in ("net.caffemodel", "net.h5"):
            with pytest.raises(CaffeError, match="2 layers with parameters are named 'conv'"):
                net.save(tmp_path / path)

    def test_outputs_are_sorted(self):
        net = net_of(f'{DATA} layer {{ name: "s" type: "Slice" bottom: "data" top: "z" top: "b" top: "m" }}')
        assert net.outputs == ["b", "m", "z"]

    def test_a_loss_without_a_top_gets_an_automatic_one(self):
        net = net_of(DATA + CONV + IP + LOSS.replace('top: "loss" ', ""))
        assert net.outputs == []
        assert net.top_names["loss"] == ["(automatic)"]
        net.forward(data=images(), label=LABELS)
        net.backward()
        assert np.abs(net.params["conv"][0].diff).max() > 0

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda net: net.forward(end="cnv"), "no layer 'cnv'.*conv"),
            (lambda net: net.backward(start="rlu"), "no layer 'rlu'.*relu"),
            (lambda net: net.forward(blobs=["ipp"]), "no blob 'ipp'.*ip"),
            (lambda net: net.forward(dta=images()), "its inputs are"),
            (
                lambda net: net.forward(data=images(n=3)),
                r"another batch size; .*blobs\['data'\]\.reshape\(3, 3, 6",
            ),
            (lambda net: net.forward(data=images()[:, :2]), "blob 'data' has shape"),
            (lambda net: net.backward(data=images()), "its outputs are"),
        ],
    )
    def test_errors_name_what_is_valid(self, small, call, message):
        with pytest.raises(DgnamError, match=message):
            call(small)

    @pytest.mark.parametrize(
        ("call", "kind"),
        [
            (lambda net: net.forward(end="cnv"), ValueError),
            (lambda net: net.backward(start="rlu"), ValueError),
            (lambda net: net.forward(blobs=["ipp"]), KeyError),
            (lambda net: net.blobs["ipp"], KeyError),
            (lambda net: net.forward(data=images()[:, :2]), ValueError),
            (lambda net: net.blobs["data"].reshape((2, 3, 6, 6)), TypeError),
        ],
    )
    def test_errors_are_of_pycaffes_kinds(self, small, call, kind):
        with pytest.raises(kind) as caught:
            call(small)
        assert isinstance(caught.value, DgnamError)

    @pytest.mark.parametrize(
        ("named", "message"),
        [
            ("blobs", "no blob 'cnv'; its blobs, the closest first: conv"),
            ("blob_loss_weights", "no blob 'cnv'"),
            ("params", "no learnable layer 'cnv'; its learnable layers, the closest first: conv, ip"),
            ("layer_dict", "no layer 'cnv'; its layers, the closest first: conv"),
            ("top_names", "no layer 'cnv'"),
            ("bottom_names", "no layer 'cnv'"),
        ],
    )
    def test_mistyped_names_show_the_closest(self, small, named, message):
        with pytest.raises(KeyError, match=f"^net 'small' has {message}"):
            getattr(small, named)["cnv"]

    def test_the_name_may_be_changed_as_detection_scripts_do(self, small, tmp_path):
        small.name = "zf_iter_5"
        assert small.name == "zf_iter_5"
        small.save(tmp_path / "net.caffemodel")
        assert saved(tmp_path / "net.caffemodel").name == "small"

    @pytest.mark.parametrize("phase", [None, 5])
    def test_a_phase_is_needed(self, phase):
        with pytest.raises(ArgumentError, match=r"TRAIN .* or TEST"):
            Net(parse_net(SMALL), phase)
        with pytest.raises(TypeError):
            Net(parse_net(SMALL), phase)

    def test_an_unknown_layer_type(self):
        with pytest.raises(CaffeError, match=r"unknown layer type 'Convolutoin'.*Convolution"):
            net_of(SMALL.replace('"Convolution"', '"Convolutoin"'))

    def test_a_layer_type_of_a_fork(self, tmp_path):
        path = tmp_path / "net.prototxt"
        path.write_text(SMALL.replace('"Convolution"', '"ConvolutionDepthwise"'))
        with pytest.raises(CaffeError, match=r"net\.prototxt: layer 'conv': type 'ConvolutionDepthwise'.*with a group"):
            Net(path, pb.TEST)


class TestViews:
    def test_they_are_valid_across_passes(self, small):
        views = {name: (blob.data, blob.diff) for name, blob in small.blobs.items()}
        for seed in range(3):
            out = small.forward(data=images(seed))
            assert (out["ip"] == views["ip"][0]).all()
            assert np.shares_memory(out["ip"], views["ip"][0])
            views["ip"][1][...] = 1
            small.backward()
            for name, blob in small.blobs.items():
                assert (blob.data == views[name][0]).all()
                assert (blob.diff == views[name][1]).all()
            assert np.abs(views["data"][1]).max() > 0

    def test_views_change_nothing(self):
        with_views, without = net_of(SMALL), net_of(SMALL)
        for blob in with_views.blobs.values():
            _ = blob.data, blob.diff
        for seed in range(2):
            results = []
            for net in (with_views, without):
                net.forward(data=images(seed))
                net.blobs["ip"].diff[...] = 1
                net.backward()
                results.append({name: (b.data.copy(), b.diff.copy()) for name, b in net.blobs.items()})
            for name in results[0]:
                for a, b in zip(results[0][name], results[1][name], strict=True):
                    assert (a == b).all()

    def test_what_is_written_into_data_counts(self, small):
        first = small.forward()["ip"].copy()
        small.blobs["data"].data[...] *= 2
        assert np.abs(small.forward()["ip"] - first).max() > 0.1
        small.params["ip"][0].data[...] = 0
        assert (small.forward()["ip"] == small.params["ip"][1].data).all()

    def test_backward_goes_by_the_data_as_they_stand(self, small):
        small.forward()
        small.blobs["conv"].data[...] = -1
        small.blobs["ip"].diff[...] = 1
        small.backward()
        assert (small.blobs["data"].diff == 0).all()


class TestPassesInPart:
    def test_end_leaves_the_rest_as_it_was(self, small):
        out = small.forward(end="conv")
        assert list(out) == ["conv"]
        assert out["conv"].min() < 0
        assert (small.blobs["ip"].data == 0).all()
        assert list(small.forward(end="relu", blobs=["data"])) == ["conv", "data"]
        assert out["conv"].min() == 0

    def test_start_takes_the_blobs_as_they_stand(self, small):
        small.forward()
        small.blobs["conv"].data[...] = 1
        ip = small.params["ip"]
        expected = ip[0].data.sum(1) + ip[1].data
        assert np.allclose(small.forward(start="ip")["ip"], expected, atol=1e-5)

    def test_the_published_way_to_one_units_gradient(self, small):
        small.forward(end="conv")
        small.blobs["conv"].diff[...] = 0
        small.blobs["conv"].diff[0, 2, 1, 1] = 1
        grads = small.backward(start="conv")
        expected = np.zeros((2, 3, 6, 6), np.float32)
        expected[0, :, 1:4, 1:4] = small.params["conv"][0].data[2]
        assert np.allclose(grads["data"], expected)

    def test_backward_returns_the_bottoms_of_its_end(self, small):
        small.forward()
        grads = small.backward(start="ip", end="ip", diffs=["ip"], ip=np.ones((2, 5)))
        assert set(grads) == {"conv", "ip"}
        assert (small.blobs["data"].diff == 0).all()
        assert np.allclose(grads["conv"].reshape(2, -1), small.params["ip"][0].data.sum(0))

    def test_callbacks_see_each_layer(self, small):
        seen = []
        small.before_forward(lambda i: seen.append(("before", i)))
        small.after_forward(lambda i: seen.append(("after", i)))
        small.before_backward(lambda i: seen.append(("before back", i)))
        small.after_backward(lambda i: seen.append(("after back", i)))
        small.forward(start="relu", end="relu")
        small.backward(start="relu", end="relu")
        assert seen == [("before", 2), ("after", 2), ("before back", 2), ("after back", 2)]

    def test_from_a_layer_to_an_earlier_one_nothing_runs(self, small, caplog):
        small.blobs["conv"].data[...] = -1
        with caplog.at_level("WARNING", "dgnam.caffe"):
            assert list(small.forward(start="relu", end="conv")) == ["conv"]
            assert list(small.backward(start="conv", end="relu")) == ["conv"]
        assert (small.blobs["conv"].data == -1).all()
        assert "'relu' comes after 'conv'" in caplog.messages[0]
        assert len(caplog.messages) == 2

    def test_batches_by_pycaffes_name(self, small):
        batches = list(small._batch({"data": images(3, n=5)}))
        assert [batch["data"].shape[0] for batch in batches] == [2, 2, 2]
        assert (batches[2]["data"][0] == images(3, n=5)[4]).all()
        assert (batches[2]["data"][1] == 0).all()

    def test_many_batches(self, small):
        data = images(3, n=5)
        whole = small.forward_all(data=data)["ip"]
        assert whole.shape == (5, 5)
        assert np.allclose(whole[2:4], small.forward(data=data[2:4])["ip"], atol=1e-5)
        outs, diffs = small.forward_backward_all(blobs=["conv"], data=data, ip=np.ones((5, 5), np.float32))
        assert outs["conv"].shape == (5, 4, 4, 4)
        assert diffs["data"].shape == (5, 3, 6, 6)
        with pytest.raises(CaffeError, match="at least one array"):
            small.forward_all()

    def test_no_items_give_outputs_without_items(self, small):
        nothing = images(n=0)
        assert small.forward_all(data=nothing, blobs=["conv"])["conv"].shape == (0, 4, 4, 4)
        outs, diffs = small.forward_backward_all(data=nothing, ip=np.zeros((0, 5)), diffs=["conv"])
        assert (outs["ip"].shape, diffs["data"].shape, diffs["conv"].shape) == ((0, 5), (0, 3, 6, 6), (0, 4, 4, 4))
        scalar = net_of(DATA + CONV + IP + LOSS)
        assert scalar.forward_all(data=nothing, label=np.zeros(0))["loss"].shape == (0,)


class TestInPlace:
    # A layer that goes by its top's data must come last: what follows it in place would overwrite them.
    CHAIN = f"""{DATA} force_backward: true
    layer {{ name: "bn" type: "BatchNorm" bottom: "data" top: "bn" batch_norm_param {{ use_global_stats: false }} }}
    layer {{ name: "scale" type: "Scale" bottom: "bn" top: "%(scale)s" scale_param {{ bias_term: true }} }}
    layer {{ name: "prelu" type: "PReLU" bottom: "%(scale)s" top: "%(prelu)s" }}
    layer {{ name: "drop" type: "Dropout" bottom: "%(prelu)s" top: "%(drop)s" }}
    layer {{ name: "last" type: "%(type)s" bottom: "%(drop)s" top: "%(last)s" }}
    layer {{ name: "conv" type: "Convolution" bottom: "%(last)s" top: "conv"
      convolution_param {{ num_output: 2 kernel_size: 3 weight_filler {{ type: "gaussian" }} }} }}"""

    @pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
    @pytest.mark.parametrize("last", ["ReLU", "TanH", "Sigmoid", "ELU", "Softmax", "Swish"])
    def test_the_same_numbers_as_with_tops_of_their_own(self, phase, last):
        names = ("scale", "prelu", "drop", "last")
        results = []
        for tops in (dict.fromkeys(names, "bn"), {name: name for name in names}):
            net = net_of(self.CHAIN % {"type": last, **tops}, phase)
            net.params["scale"][0].data[...] = [2, -1, 0.5]
            net.forward(data=images())
            net.blobs["conv"].diff[...] = np.random.RandomState(1).randn(*net.blobs["conv"].shape)
            net.backward()
            diffs = [b.diff for name in ("scale", "prelu", "conv") for b in net.params[name]]
            results.append([net.blobs["conv"].data, net.blobs["data"].diff, *diffs])
        for a, b in zip(*results, strict=True):
            assert np.allclose(a, b, atol=1e-6)
        assert np.abs(results[0][1]).max() > 0

    def test_a_top_of_another_shape_is_an_error(self):
        with pytest.raises(CaffeError, match="can't run in place"):
            net_of(
                DATA
                + 'layer { name: "s" type: "Slice" bottom: "data" top: "data" top: "rest" slice_param { axis: 0 } }'
            )


class TestSplitsAndSharedMemory:
    TWICE = f"""force_backward: true {DATA} {CONV}
    layer {{ name: "a" type: "Power" bottom: "conv" top: "a" power_param {{ scale: 2 }} }}
    layer {{ name: "b" type: "Power" bottom: "conv" top: "b" power_param {{ scale: 3 }} }}"""

    def test_a_blob_taken_twice_is_split_as_caffe_names_it(self):
        net = net_of(self.TWICE)
        assert net._layer_names == ["data", "conv", "conv_conv_0_split", "a", "b"]
        assert list(net.blobs)[2:4] == ["conv_conv_0_split_0", "conv_conv_0_split_1"]
        net.forward(data=images())
        assert np.shares_memory(net.blobs["conv_conv_0_split_1"].data, net.blobs["conv"].data)
        net.backward(a=np.ones((2, 4, 4, 4)), b=np.ones((2, 4, 4, 4)))
        assert (net.blobs["conv"].diff == 5).all()

    def test_a_top_taken_as_a_blob_and_as_a_loss(self):
        text = f"""{DATA} {CONV} layer {{ name: "sum" type: "Reduction" bottom: "conv" top: "sum" loss_weight: 3 }}
        layer {{ name: "p" type: "Power" bottom: "sum" top: "p" power_param {{ scale: 2 }} loss_weight: 1 }}"""
        net = net_of(text)
        assert net.blob_loss_weights["sum_sum_0_split_0"] == 3
        net.forward(data=images())
        net.backward()
        assert np.allclose(net.blobs["conv"].diff, 5)

    def test_reshape_shares_data_and_diff_with_its_bottom(self):
        shape = "reshape_param { shape { dim: 0 dim: -1 } }"
        flat = f'layer {{ name: "flat" type: "Reshape" bottom: "conv" top: "flat" {shape} }}'
        net = net_of(f"force_backward: true {DATA} {CONV} {flat}")
        net.forward(data=images())
        conv, flat = net.blobs["conv"], net.blobs["flat"]
        assert np.shares_memory(conv.data, flat.data)
        assert np.shares_memory(conv.diff, flat.diff)
        net.backward(flat=np.ones((2, 64)))
        assert np.allclose(net.params["conv"][1].diff, 2 * 16)

    def test_flatten_shares_data_from_the_start_and_diff_from_the_first_backward_pass(self):
        flat = 'layer { name: "flat" type: "Flatten" bottom: "conv" top: "flat" }'
        net = net_of(f"force_backward: true {DATA} {CONV} {flat}")
        net.forward(data=images())
        conv, flat = net.blobs["conv"], net.blobs["flat"]
        assert np.shares_memory(conv.data, flat.data)
        flat.diff[...] = 1
        assert not conv.diff.any()
        net.backward()
        assert np.shares_memory(conv.diff, flat.diff)
        assert np.allclose(net.params["conv"][1].diff, 2 * 16)

    def test_parameters_of_one_name_are_one(self):
        shared = 'param { name: "w" } param { name: "b" } inner_product_param { num_output: 4 }'
        text = f"""force_backward: true
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 3 dim: 4 }} }} }}
        layer {{ name: "i1" type: "InnerProduct" bottom: "x" top: "y" {shared} }}
        layer {{ name: "i2" type: "InnerProduct" bottom: "y" top: "z" {shared} }}"""
        net = net_of(text)
        net.params["i2"][0].data[...] = 2
        assert (net.params["i1"][0].data == 2).all()
        assert len(net.learnable_params) == len(net.plan.params) == 2

    def test_permissive_sharing_is_of_the_numbers_alone(self):
        spec = 'param { name: "w" share_mode: PERMISSIVE }'
        text = f"""force_backward: true
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 1 dim: 4 dim: 1 dim: 1 }} }} }}
        layer {{ name: "c" type: "Convolution" bottom: "x" top: "y" {spec}
          convolution_param {{ num_output: 4 kernel_size: 1 bias_term: false weight_filler {{ type: "gaussian" }} }} }}
        layer {{ name: "i" type: "InnerProduct" bottom: "y" top: "z" {spec}
          inner_product_param {{ num_output: 4 bias_term: false }} }}"""
        net = net_of(text)
        assert net.params["c"][0].shape == (4, 4, 1, 1)
        assert net.params["i"][0].shape == (4, 4)
        net.forward(x=np.ones((1, 4, 1, 1)))
        weight = net.params["i"][0].data
        assert np.allclose(net.blobs["z"].data[0], weight @ weight.sum(1), atol=1e-5)
        net.backward(z=np.ones((1, 4)))
        assert np.shares_memory(net.params["c"][0].diff, net.params["i"][0].diff)
        with pytest.raises(CaffeError, match="can't be shared"):
            net_of(text.replace("PERMISSIVE", "STRICT"))

    def test_share_with(self, small):
        other = net_of(SMALL)
        other.share_with(small)
        small.params["ip"][0].data[...] = 3
        assert (other.params["ip"][0].data == 3).all()


class TestPhasesAndRules:
    TEXT = f"""{DATA}
    layer {{ name: "train" type: "Power" bottom: "data" top: "y" include {{ phase: TRAIN }} }}
    layer {{ name: "test" type: "Power" bottom: "data" top: "y" exclude {{ phase: TRAIN }} }}
    layer {{ name: "deep" type: "Power" bottom: "y" top: "z" include {{ min_level: 2 stage: "extra" }} }}"""

    def test_rules_choose_the_layers(self):
        parsed = parse_net(self.TEXT)
        assert Net(parsed, pb.TRAIN)._layer_names == ["data", "train"]
        assert Net(parsed, pb.TEST)._layer_names == ["data", "test"]
        assert Net(parsed, pb.TEST, 2, ["extra"])._layer_names == ["data", "test", "deep"]
        assert Net(parsed, pb.TEST, level=2)._layer_names == ["data", "test"]

    def test_the_nets_own_stages_count_too(self):
        assert "deep" in net_of('state { stage: "extra" }' + self.TEXT, level=3)._layer_names

    def test_dropout_acts_in_training_only(self):
        text = DATA + 'layer { name: "drop" type: "Dropout" bottom: "data" top: "y" }'
        ones = np.ones((2, 3, 6, 6))
        assert set(np.unique(net_of(text, pb.TRAIN).forward(data=ones)["y"])) == {0, 2}
        assert set(np.unique(net_of(text, pb.TEST).forward(data=ones)["y"])) == {1}

    def test_the_seed_repeats_the_random_numbers(self):
        text = DATA + CONV + 'layer { name: "drop" type: "Dropout" bottom: "conv" top: "y" }'
        outs = [net_of(text, pb.TRAIN).forward(data=images())["y"] for _ in range(2)]
        assert (outs[0] == outs[1]).all()


class TestWhatBackwardRuns:
    def test_without_a_loss_nothing(self):
        net = net_of(DATA + CONV + IP)
        net.forward(data=images())
        net.blobs["ip"].diff[...] = 1
        net.backward()
        assert (net.blobs["conv"].diff == 0).all()
        assert (net.params["ip"][0].diff == 0).all()

    def test_below_a_loss_down_to_the_first_parameter(self):
        net = net_of(DATA + CONV + IP + LOSS)
        net.forward(data=images(), label=LABELS)
        net.backward()
        assert net.blobs["loss"].diff == np.float32(0.5)
        assert np.abs(net.params["conv"][0].diff).max() > 0
        assert (net.blobs["data"].diff == 0).all()

    def test_force_backward_reaches_the_data_and_passes_labels_over(self):
        net = net_of("force_backward: true" + DATA + CONV + IP + LOSS)
        net.forward(data=images(), label=LABELS)
        net.backward()
        assert np.abs(net.blobs["data"].diff).max() > 0
        assert (net.blobs["label"].diff == 0).all()

    def test_propagate_down_cuts_off_what_lies_below(self):
        cut = IP.replace('top: "ip"', 'top: "ip" propagate_down: false')
        net = net_of(DATA + CONV + cut + LOSS)
        net.forward(data=images(), label=LABELS)
        net.backward()
        assert np.abs(net.params["ip"][0].diff).max() > 0
        assert (net.params["conv"][0].diff == 0).all()

    def test_a_label_that_something_learns_has_no_gradient(self):
        text = f"""{DATA} {CONV} {IP} layer {{ name: "one" type: "InnerProduct" bottom: "ip" top: "one"
          inner_product_param {{ num_output: 1 }} }}
        layer {{ name: "loss" type: "HingeLoss" bottom: "ip" bottom: "one" top: "loss" }}"""
        net = net_of(text)
        net.forward(data=images())
        with pytest.raises(CaffeError, match="can't backpropagate to its bottom 'one'"):
            net.backward()

    def test_accuracy_has_no_gradient(self):
        accuracy = 'layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }'
        net = net_of(DATA + CONV + IP + LOSS + accuracy)
        net.forward(data=images(), label=LABELS)
        net.backward()
        forced = net_of("force_backward: true" + DATA + CONV + IP + LOSS + accuracy)
        forced.forward(data=images(), label=LABELS)
        with pytest.raises(CaffeError, match="has no gradient"):
            forced.backward()

    def test_the_loss_is_the_weighted_sum(self):
        net = net_of(DATA + CONV + IP + LOSS)
        net.blobs["data"].data[...] = images()
        assert np.isclose(net._forward(0, len(net.layers) - 1), 0.5 * net.blobs["loss"].data)


class TestParameterGradients:
    def test_they_add_up_until_they_are_cleared(self, small):
        small.forward()
        small.blobs["ip"].diff[...] = 1
        small.backward()
        once = {name: [b.diff.copy() for b in blobs] for name, blobs in small.params.items()}
        small.blobs["ip"].diff[...] = 1
        small.backward()
        for name, blobs in small.params.items():
            for blob, diff in zip(blobs, once[name], strict=True):
                assert np.abs(diff).max() > 0
                assert np.allclose(blob.diff, 2 * diff, rtol=1e-5)
        small.clear_param_diffs()
        assert all((b.diff == 0).all() for blobs in small.params.values() for b in blobs)

    def test_they_are_those_of_their_backward_pass_whenever_read(self):
        def gradient(read_at_once: bool) -> np.ndarray:
            net = net_of(SMALL)
            for blob, seed in zip(net.learnable_params, range(4), strict=True):
                blob.data[...] = np.random.default_rng(seed).normal(size=blob.shape)
            for seed in range(3):
                net.forward(data=images(seed))
                net.backward(ip=np.full((2, 5), seed + 1))
                if read_at_once:
                    _ = net.params["ip"][0].diff
            net.blobs["conv"].data[...] = net.blobs["ip"].diff[...] = 100
            return net.params["ip"][0].diff

        assert np.allclose(gradient(False), gradient(True), rtol=1e-5)

    def test_switched_off_they_cost_nothing_and_the_data_get_theirs(self, small):
        small.forward()
        small.blobs["ip"].diff[...] = 1
        expected = small.backward()["data"].copy()
        lean = net_of(SMALL, param_gradients=False)
        lean.forward(data=images())
        lean.blobs["ip"].diff[...] = 1
        assert np.allclose(lean.backward()["data"], expected, atol=1e-5)
        assert all(b._diff.head == "nowhere" for b in lean.learnable_params)
        lean.param_gradients = True
        lean.blobs["ip"].diff[...] = 1
        lean.backward()
        assert np.abs(lean.params["conv"][0].diff).max() > 0


class TestReshape:
    def test_what_lies_above_follows(self, small):
        small.blobs["data"].reshape(4, 3, 6, 6)
        small.reshape()
        assert [b.shape for b in small.blobs.values()] == [(4, 3, 6, 6), (4, 4, 4, 4), (4, 5)]
        assert small.forward(data=images(n=4))["ip"].shape == (4, 5)

    def test_forward_reshapes_too(self, small):
        two = small.forward(data=images())["ip"].copy()
        small.blobs["data"].reshape(1, 3, 6, 6)
        assert np.allclose(small.forward(data=images()[:1])["ip"], two[:1], atol=1e-5)
        small.backward(ip=np.ones((1, 5)))
        assert small.blobs["conv"].diff.shape == (1, 4, 4, 4)

    def test_a_shape_that_the_parameters_dont_fit_is_an_error(self, small):
        small.blobs["data"].reshape(2, 3, 7, 7)
        with pytest.raises(CaffeError, match=r"layer 'ip'.*\(5, 64\).*\(5, 100\)"):
            small.forward()

    def test_weights_may_have_another_shape_than_their_layer_takes(self, small, tmp_path):
        tops = np.arange(10.0).reshape(2, 5)
        out = small.forward()["ip"].copy()
        gradient = small.backward(ip=tops)["data"].copy()
        wanted = {name: small.params[name][0].diff.copy() for name in ("conv", "ip")}
        small.params["ip"][0].reshape(5, 4, 4, 4)
        small.params["conv"][0].reshape(4, 27)
        small.clear_param_diffs()
        assert (small.forward()["ip"] == out).all()
        assert (small.backward(ip=tops)["data"] == gradient).all()
        assert (small.params["ip"][0].diff == wanted["ip"].reshape(5, 4, 4, 4)).all()
        assert (small.params["conv"][0].diff == wanted["conv"].reshape(4, 27)).all()
        small.save(tmp_path / "net.caffemodel")
        shapes = [list(layer.blobs[0].shape.dim) for layer in saved(tmp_path / "net.caffemodel").layer if layer.blobs]
        assert shapes == [[4, 27], [5, 4, 4, 4]]
        small.params["ip"][0].reshape(5, 63)
        with pytest.raises(CaffeError, match=r"layer 'ip'.*\[5, 64\]"):
            small.forward()

    def test_the_loss_weight_survives(self):
        net = net_of("force_backward: true" + DATA + CONV + IP + LOSS)
        net.blobs["data"].reshape(4, 3, 6, 6)
        net.blobs["label"].reshape(4)
        net.forward(data=images(n=4), label=np.zeros(4))
        assert net.blobs["loss"].diff == np.float32(0.5)

    def test_filter_gives_its_tops_the_shape_that_the_data_say(self):
        text = """
        layer { name: "x" type: "Input" top: "x" top: "s" input_param { shape { dim: 4 dim: 2 } shape { dim: 4 } } }
        layer { name: "b" type: "Bias" bottom: "x" top: "b" }
        layer { name: "f" type: "Filter" bottom: "b" bottom: "s" top: "f" }
        layer { name: "p" type: "Power" bottom: "f" top: "p" power_param { scale: 2 } loss_weight: 1 }"""
        net = net_of(text)
        x = np.arange(8.0).reshape(4, 2)
        for select in ([0, 1, 0, 1], [0, 0, 1, 0], [1, 1, 1, 1]):
            chosen = x[np.array(select) == 1]
            assert (net.forward(x=x, s=np.array(select))["p"] == 2 * chosen).all()
            net.backward()
            assert (net.blobs["b"].diff == np.array(select)[:, None] * 2).all()


class TestFiles:
    @pytest.fixture
    def prototxt(self, tmp_path):
        path = tmp_path / "small.prototxt"
        path.write_text(SMALL)
        return str(path)

    @pytest.mark.parametrize("name", ["net.caffemodel", "net.h5"])
    def test_save_and_load_in_every_form_of_the_constructor(self, small, prototxt, tmp_path, name):
        path = str(tmp_path / name)
        small.save(path)
        caffe.set_random_seed(99)
        loaded = Net(prototxt, caffe.TEST)
        assert (loaded.params["ip"][0].data != small.params["ip"][0].data).any()
        loaded.copy_from(path)
        for net in (loaded, Net(prototxt, path, caffe.TEST), Net(prototxt, caffe.TEST, weights=path)):
            for layer, blobs in small.params.items():
                for ours, theirs in zip(blobs, net.params[layer], strict=True):
                    assert (ours.data == theirs.data).all()

    @pytest.mark.parametrize(
        "layer",
        [
            'layer { type: "InnerProduct" %s blobs { shape { dim: 1 dim: 2 } data: 3 data: 4 } %s }',
            "layers { type: INNER_PRODUCT %s blobs { num: 1 channels: 1 height: 1 width: 2 data: 3 data: 4 } %s }",
        ],
    )
    def test_a_definition_may_have_its_weights(self, layer, tmp_path):
        """As a caffemodel printed as text has."""
        options = (
            'name: "ip" bottom: "x" top: "ip" inner_product_param { num_output: 1 weight_filler { type: "msra" } }'
        )
        layer %= options, "blobs { shape { dim: 1 } double_data: 5 }"
        definition = parse_net(f'input: "x" input_shape {{ dim: 1 dim: 2 }} {layer}')
        for module in (caffe.CaffeModule(definition), caffe.to_torch(definition)):
            assert [parameter.tolist() for parameter in module.parameters()] == [[[3, 4]], [5]]
        net = Net(definition, pb.TEST)
        assert net.forward(x=np.ones((1, 2)))["ip"] == 12
        net.params["ip"][1].data[...] = 6
        net.save(tmp_path / "ip.caffemodel")
        assert [list(blob.data) for blob in saved(tmp_path / "ip.caffemodel").layer[1].blobs] == [[3, 4], [6]]
        assert Net(definition, pb.TEST).params["ip"][1].data == 5

    @pytest.mark.parametrize(
        ("blobs", "message"),
        [
            ("blobs { shape { dim: 1 dim: 2 } data: 3 data: 4 }", "has 2 parameters; its definition has 1 blobs"),
            ("blobs { shape { dim: 2 } data: 3 data: 4 } blobs { shape { dim: 1 } data: 5 }", "the net's shape is"),
            ("blobs { shape { dim: 1 dim: 2 } data: 3 } blobs { }", r"claims shape \(1, 2\) and holds 1 numbers"),
        ],
    )
    def test_weights_that_dont_fit_their_definition(self, blobs, message):
        options = f"inner_product_param {{ num_output: 1 }} {blobs}"
        layer = f'layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip" {options} }}'
        with pytest.raises(DgnamError, match=f"layer 'ip'.*{message}"):
            net_of(f'input: "x" input_shape {{ dim: 1 dim: 2 }} {layer}')

    def test_what_is_saved_is_what_caffe_completes(self, tmp_path):
        """A loss weight that goes without saying, and no learning for BatchNorm's statistics; no automatic top."""
        batch_norm = (
            'layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" param { lr_mult: 0 decay_mult: 0 } }'
        )
        loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "bn" bottom: "bn" }'
        net_of(DATA + CONV + batch_norm + loss).save(tmp_path / "net.caffemodel")
        layers = {layer.name: layer for layer in saved(tmp_path / "net.caffemodel").layer}
        assert [(spec.lr_mult, spec.decay_mult) for spec in layers["bn"].param] == [(0, 0), (0, 1), (0, 1)]
        assert not layers["conv"].param
        assert list(layers["loss"].loss_weight) == [1]
        assert not layers["loss"].top
        assert not layers["conv"].loss_weight

    def test_hdf5_by_pycaffes_names(self, small, tmp_path):
        small.save_hdf5(tmp_path / "weights.hdf5")
        other = net_of(SMALL)
        other.params["ip"][1].data[...] = 9
        other.load_hdf5(tmp_path / "weights.hdf5")
        assert (other.params["ip"][1].data == small.params["ip"][1].data).all()

    @pytest.mark.parametrize("name", ["net.caffemodel", "net.h5"])
    def test_blobs_added_to_a_layer_are_saved_and_loaded(self, small, tmp_path, name):
        out = small.forward()["ip"].copy()
        small.params["conv"].add_blob(2, 3)
        small.params["conv"][2].data[...] = 7
        assert (small.forward()["ip"] == out).all()
        small.backward(ip=np.ones((2, 5)))
        small.save(tmp_path / name)
        small.params["conv"][2].data[...] = 0
        small.copy_from(tmp_path / name)
        assert (small.params["conv"][2].data == 7).all()
        with pytest.raises(CaffeError, match="layer 'conv' has 2 parameters; the weights have 3"):
            net_of(SMALL).copy_from(tmp_path / name)

    def test_a_view_in_use_gets_the_loaded_weights(self, small, tmp_path):
        small.save(tmp_path / "net.caffemodel")
        expected = small.params["ip"][0].data.copy()
        view = small.params["ip"][0].data
        view[...] = 0
        small.copy_from(tmp_path / "net.caffemodel")
        assert (view == expected).all()

    def test_gradients_in_a_caffemodel_are_loaded_with_it(self, small, tmp_path):
        small.forward()
        small.backward(ip=np.ones((2, 5)))
        small.save(tmp_path / "net.caffemodel", diffs=True)
        small.save(tmp_path / "weights.caffemodel")
        net = net_of(SMALL)
        view = net.params["ip"][0].diff
        net.copy_from(tmp_path / "net.caffemodel")
        assert (view == small.params["ip"][0].diff).all()
        assert (net.params["conv"][1].diff == small.params["conv"][1].diff).all()
        net.clear_param_diffs()
        net.copy_from(tmp_path / "weights.caffemodel")
        assert (view == 0).all()

    def test_layers_that_only_one_side_has_are_passed_over(self, small, tmp_path):
        small.save(tmp_path / "net.caffemodel")
        other = net_of(SMALL.replace('"ip"', '"other"'))
        before = other.params["other"][0].data.copy()
        other.copy_from(tmp_path / "net.caffemodel")
        assert (other.params["conv"][0].data == small.params["conv"][0].data).all()
        assert (other.params["other"][0].data == before).all()

    def test_another_shape_is_an_error(self, small, tmp_path):
        small.save(tmp_path / "net.caffemodel")
        with pytest.raises(CaffeError, match=r"layer 'ip', parameter 0: .*\(6, 64\).*\(5, 64\)"):
            net_of(SMALL.replace("num_output: 5", "num_output: 6")).copy_from(tmp_path / "net.caffemodel")


class TestDevices:
    def test_a_device_of_its_own_is_kept_in_step(self):
        """The stand-in for a GPU: tensors on the CPU, on a device that isn't equal to the host."""
        here, there = net_of(SMALL), net_of(SMALL, device=torch.device("cpu", 0))
        for net in (here, there):
            view = net.blobs["ip"].data
            for seed in range(2):
                net.blobs["data"].data[...] = images(seed)
                net.forward()
                net.blobs["ip"].diff[...] = 1
                net.backward()
            assert np.abs(net.blobs["ip"].data).max() > 0
            assert (view == net.blobs["ip"].data).all()
        for name, blob in here.blobs.items():
            assert np.allclose(blob.data, there.blobs[name].data)
            assert np.allclose(blob.diff, there.blobs[name].diff)
        assert np.allclose(here.params["conv"][0].diff, there.params["conv"][0].diff)
        assert there.params["conv"][0]._data.head in ("both", "device")

    def test_gpu_mode_without_a_gpu_is_an_error(self):
        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
        with pytest.raises(CaffeError, match="no GPU"):
            caffe.set_mode_gpu()

    @pytest.mark.cuda
    def test_on_a_gpu(self):
        here, there = net_of(SMALL), net_of(SMALL, device="cuda")
        for net in (here, there):
            net.forward(data=images())
            net.blobs["ip"].diff[...] = 1
            net.backward()
        for name, blob in here.blobs.items():
            assert np.allclose(blob.data, there.blobs[name].data, atol=1e-4)
            assert np.allclose(blob.diff, there.blobs[name].diff, atol=1e-4)

    def test_passes_leave_no_graph(self, small):
        small.forward()
        assert not small.blobs["ip"].data_on(HOST).requires_grad
