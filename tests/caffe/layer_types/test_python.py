"""Python layers: off until allowed; what they are given; what comes of what they do."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError

MODULE = """
import dgnam.caffe as caffe


class Scale(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)
        self.calls = []

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        self.calls.append("forward")
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.calls.append(list(propagate_down))
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * top[0].diff


class Learned(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(2, 3)
        self.blobs[0].data[...] = 4

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * self.blobs[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += top[0].diff * bottom[0].data
        bottom[0].diff[...] = top[0].diff * self.blobs[0].data


class Loss(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("needs two inputs")

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = ((bottom[0].data - bottom[1].data) ** 2).sum() / 2

    def backward(self, top, propagate_down, bottom):
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * (bottom[0].data - bottom[1].data) * top[0].diff[0]


class Source(caffe.Layer):
    def setup(self, bottom, top):
        self.count = 0

    def reshape(self, bottom, top):
        top[0].reshape(self.count + 1)

    def forward(self, bottom, top):
        self.count += 1
        top[0].data[...] = self.count * 10 + self.phase


class Watched(Source):
    def backward(self, top, propagate_down, bottom):
        self.seen = top[0].diff.tolist(), list(propagate_down), len(bottom)


class Bare(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(2)


class NotALayer:
    pass
"""
INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'

IP = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3 } }'


def python_layer(cls: str, param: str = "", bottoms: str = 'bottom: "x"', name: str = "p", more: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "Python" {bottoms} top: "{name}" {more} '
        f'python_param {{ module: "user_layers" layer: "{cls}" param_str: "{param}" }} }}'
    )


@pytest.fixture(autouse=True)
def user_layers(tmp_path, monkeypatch):
    (tmp_path / "user_layers.py").write_text(MODULE)
    (tmp_path / "broken_layers.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("DGNAM_ALLOW_PYTHON_LAYERS", raising=False)
    caffe.allow_python_layers()
    yield
    caffe.allow_python_layers(False)
    sys.modules.pop("user_layers", None)


def net_of(*layers: str, phase: int = pb.TRAIN, start: str = "force_backward: true") -> Net:
    return Net(parse_net(" ".join([start, INPUT, *layers])), phase)


class TestWhereNothingNeedsAGradient:
    """By real Caffe, backward is called for each layer that the pass comes by."""

    @pytest.mark.parametrize(("start", "called"), [("force_backward: true", True), ("", False)])
    def test_a_source_of_data(self, start, called):
        net = net_of(python_layer("Watched", bottoms=""), start=start)
        net.forward()
        net.blobs["p"].diff[...] = 3
        net.backward()
        assert getattr(net.layers[1], "seen", None) == (([3], [], 0) if called else None)

    def test_a_source_of_data_without_backward(self):
        net = net_of(python_layer("Source", bottoms=""))
        net.forward()
        net.backward()

    def test_propagate_down_false(self):
        net = net_of(
            IP, python_layer("Scale", "2", 'bottom: "ip"', more="propagate_down: false loss_weight: 1"), start=""
        )
        net.forward()
        net.backward()
        assert net.layers[2].calls == ["forward", [False]]


class TestPermission:
    def test_off_until_allowed(self):
        caffe.allow_python_layers(False)
        with pytest.raises(CaffeError, match=r"user_layers\.Scale.*allow_python_layers.*DGNAM_ALLOW_PYTHON_LAYERS=1"):
            net_of(python_layer("Scale", "2"))
        assert "user_layers" not in sys.modules

    def test_by_the_environment(self, monkeypatch):
        caffe.allow_python_layers(False)
        monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
        layer = net_of(python_layer("Scale", "2")).layers[1]
        assert (layer.factor, layer.param_str_) == (2, "2")  # the second is what early Python layers read

    def test_other_values_of_the_variable_do_not_allow(self, monkeypatch):
        caffe.allow_python_layers(False)
        monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "0")
        with pytest.raises(CaffeError, match="are disabled"):
            net_of(python_layer("Scale", "2"))

    def test_off_in_a_new_process(self, tmp_path):
        (tmp_path / "net.prototxt").write_text(INPUT + python_layer("Scale", "2"))
        command = "import sys, dgnam.caffe as caffe; caffe.Net(sys.argv[1], caffe.TEST)"
        done = subprocess.run(
            [sys.executable, "-c", command, tmp_path / "net.prototxt"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "Python layers are disabled" in done.stderr


class TestPasses:
    def test_forward_and_backward(self):
        net = net_of(python_layer("Scale", "2", name="p"), python_layer("Scale", "5", 'bottom: "p"', name="q"))
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert np.array_equal(net.forward(x=x)["q"], 10 * x)
        assert np.array_equal(net.backward(q=x + 1)["x"], 10 * (x + 1))
        assert net.layers[1].calls == ["forward", [True]]

    def test_layers_lists_the_users_object(self):
        net = net_of(python_layer("Scale", "2"))
        layer = net.layers[1]
        assert type(layer).__name__ == "Scale"
        assert net.layer_dict["p"] is layer
        assert layer.type == "Python"
        assert len(layer.blobs) == 0

    def test_reshape_in_each_pass(self):
        net = Net(parse_net(python_layer("Source", bottoms="")), pb.TEST)
        assert net.blobs["p"].shape == (1,)
        assert net.forward()["p"].tolist() == [11]
        assert net.forward()["p"].tolist() == [21, 21]

    def test_phase(self):
        assert Net(parse_net(python_layer("Source", bottoms="")), pb.TRAIN).forward()["p"].tolist() == [10]

    def test_propagate_down(self):
        net = net_of(python_layer("Scale", "2", more="propagate_down: false loss_weight: 1"), start="")
        net.forward()
        net.backward()
        assert net.layers[1].calls == ["forward"]

    def test_as_a_loss(self):
        target = 'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 dim: 3 } } }'
        loss = python_layer("Loss", bottoms='bottom: "x" bottom: "t"', more="loss_weight: 3")
        net = net_of(target, loss)
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert net.forward(x=x, t=np.ones((2, 3)))["p"].tolist() == [((x - 1) ** 2).sum() / 2]
        grads = net.backward()
        assert np.array_equal(grads["x"], 3 * (x - 1))
        assert np.array_equal(grads["t"], -3 * (x - 1))

    def test_of_tensors_around_it(self):
        scale = 'layer { name: "s" type: "Power" bottom: "x" top: "s" power_param { scale: 3 } }'
        relu = 'layer { name: "r" type: "ReLU" bottom: "p" top: "p" }'
        net = net_of(scale, python_layer("Scale", "-2", bottoms='bottom: "s"'), relu)
        x = np.array([[1, -1, 2], [-2, 3, 0]], np.float32)
        assert np.array_equal(net.forward(x=x)["p"], np.maximum(-6 * x, 0))
        assert np.array_equal(net.backward(p=np.ones((2, 3)))["x"], -6 * (x < 0))


class TestBlobs:
    def test_they_are_the_nets_parameters(self):
        net = net_of(python_layer("Learned"))
        assert net.params["p"][0] is net.layers[1].blobs[0]
        assert (net.params["p"][0].data == 4).all()
        net.params["p"][0].data[...] = 2
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert np.array_equal(net.forward(x=x)["p"], 2 * x)
        net.backward(p=np.ones((2, 3)))
        net.backward(p=np.ones((2, 3)))
        assert np.array_equal(net.params["p"][0].diff, 2 * x)
        net.clear_param_diffs()
        assert not net.params["p"][0].diff.any()

    @pytest.mark.parametrize("name", ["w.caffemodel", "w.h5"])
    def test_saved_and_loaded(self, tmp_path, name):
        net = net_of(python_layer("Learned"))
        net.params["p"][0].data[...] = 7
        net.save(str(tmp_path / name))
        other = net_of(python_layer("Learned"))
        other.copy_from(str(tmp_path / name))
        assert (other.layers[1].blobs[0].data == 7).all()

    def test_shared_by_name(self):
        both = [
            python_layer("Learned", name=name, bottoms=f'bottom: "{bottom}"', more='param { name: "w" }')
            for name, bottom in (("p", "x"), ("q", "p"))
        ]
        net = net_of(*both)
        net.layers[1].blobs[0].data[...] = 3
        assert (net.forward(x=np.ones((2, 3)))["q"] == 9).all()
        assert len(net.learnable_params) == 1

    def test_share_with(self):
        net, other = net_of(python_layer("Learned")), net_of(python_layer("Learned"))
        other.share_with(net)
        net.params["p"][0].data[...] = 8
        assert (other.layers[1].blobs[0].data == 8).all()


class TestErrors:
    def test_the_users_own_come_through(self):
        with pytest.raises(ValueError, match="needs two inputs"):
            net_of(python_layer("Loss"))
        with pytest.raises(ValueError, match="could not convert"):
            net_of(python_layer("Scale", "two"))

    @pytest.mark.parametrize(
        ("cls", "message"),
        [
            ("Scael", "no class 'Scael' that derives from caffe.Layer; it has Scale"),
            ("NotALayer", "no class 'NotALayer'"),
            ("Bare", "class 'Bare' has no method forward"),
        ],
    )
    def test_classes_that_are_no_layers(self, cls, message):
        with pytest.raises(CaffeError, match=message):
            net_of(python_layer(cls)).forward()

    @pytest.mark.parametrize(
        ("module", "message"),
        [
            ("no_such_layers", "no Python module 'no_such_layers'"),
            ("broken_layers", "no Python module 'no_such_module_at_all'"),
            ("", "needs module and layer, its class, in python_param"),
        ],
    )
    def test_modules_that_are_not_there(self, module, message):
        with pytest.raises(CaffeError, match=f"layer 'p'.*{message}"):
            net_of(python_layer("Scale").replace("user_layers", module))


class TestAsTorch:
    """The same layers between tensors, in `CaffeModule` and in `to_torch`'s modules."""

    def test_values_and_gradients(self):
        scale = 'layer { name: "s" type: "Power" bottom: "x" top: "y" power_param { scale: 3 } }'
        text = " ".join([INPUT, scale, python_layer("Scale", "-2", 'bottom: "y"')])
        x = torch.arange(6.0).view(2, 3).requires_grad_()
        for out in (caffe.CaffeModule(parse_net(text))(x)["p"], caffe.to_torch(parse_net(text))(x)):
            assert torch.equal(out, -6 * x)
            (gradient,) = torch.autograd.grad(out, x, x.detach() + 1)
            assert torch.equal(gradient, -6 * (x + 1))

    def test_what_they_learn(self):
        text = " ".join([INPUT, python_layer("Learned")])
        module, net = caffe.CaffeModule(parse_net(text)), caffe.to_torch(parse_net(text))
        x = torch.arange(6.0).view(2, 3)
        for out, blob in ((module(x)["p"], module.parameter(0)), (net(x), next(net.parameters()))):
            assert torch.equal(out, 4 * x)
            (gradient,) = torch.autograd.grad(out.sum(), blob)
            assert torch.equal(gradient, x)

    def test_a_data_layer_runs_or_is_given(self):
        module = caffe.CaffeModule(parse_net(python_layer("Source", bottoms="")))
        assert module()["p"].tolist() == [11]
        assert module(p=torch.tensor([5.0]))["p"].tolist() == [5]
