"""Hand-derived cases: what Caffe's formulas give on small inputs, for modes that no recorded numbers can show.

Nothing here was computed by real Caffe; the random modes' own streams differ, so that only what holds for every draw
is checked, and averages over many.
"""

from __future__ import annotations

import numpy as np
import pytest

from dgnam.caffe import set_random_seed
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError


def net_of(layer: str, *shape: int, phase: int = pb.TRAIN, top: str = "y") -> Net:
    """A net of one layer `l` from x to y, with gradients to x."""
    dims = " ".join(f"dim: {d}" for d in shape)
    text = f"""force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
    layer {{ name: "l" bottom: "x" top: "{top}" {layer} }}"""
    set_random_seed(3)
    return Net(parse_net(text), phase)


class TestDropoutInTrain:
    """y = x mask / (1 - ratio), and dx = dy mask / (1 - ratio) with the same mask."""

    @pytest.mark.parametrize("top", ["y", "x"])
    def test_one_mask_for_data_and_gradient(self, top):
        net = net_of('type: "Dropout" dropout_param { dropout_ratio: 0.75 }', 4, 50, top=top)
        x, dy = np.full((4, 50), 3, np.float32), np.full((4, 50), 5, np.float32)
        y = net.forward(x=x)[top].copy()
        dx = net.backward(**{top: dy})["x"]
        assert set(np.unique(y)) == {0, 12}
        assert np.array_equal(dx, np.where(y == 0, 0, 20))

    def test_each_pass_draws_anew_and_the_mean_is_kept(self):
        net = net_of('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', 1000)
        x = np.linspace(1, 2, 1000, dtype=np.float32)
        passes = np.stack([net.forward(x=x)["y"].copy() for _ in range(200)])
        assert not np.array_equal(passes[0], passes[1])
        assert passes.mean() == pytest.approx(x.mean(), rel=0.01)
        assert (passes != 0).mean() == pytest.approx(0.6, abs=0.01)

    def test_a_seed_repeats_the_draws(self):
        one, other = (net_of('type: "Dropout"', 100).forward(x=np.ones(100))["y"].copy() for _ in range(2))
        assert np.array_equal(one, other)

    def test_ratio_0_lets_everything_through(self):
        net = net_of('type: "Dropout" dropout_param { dropout_ratio: 0 }', 5)
        assert np.array_equal(net.forward(x=np.arange(5))["y"], np.arange(5))

    def test_a_ratio_beyond_the_range_is_refused_when_it_is_used(self):
        net = net_of('type: "Dropout" dropout_param { dropout_ratio: 1 }', 5)
        with pytest.raises(CaffeError, match=r"dropout_ratio 1\.0 must be at least 0 and below 1"):
            net.forward(x=np.arange(5))


class TestPoolingMask:
    """A second top of MAX pooling: each maximum's place in its plane, row * width + column; of equal ones the first."""

    PLANE = np.array([[1, 5, 5, 0], [5, 2, 3, 9], [7, 7, 9, 9]], np.float32)

    def test_positions(self):
        net = net_of('type: "Pooling" top: "m" pooling_param { kernel_size: 2 stride: 2 }', 1, 2, 3, 4)
        x = np.stack([self.PLANE, -self.PLANE])[None]
        net.forward(x=x)
        assert net.blobs["y"].data.tolist() == [[[[5, 9], [7, 9]], [[-1, 0], [-7, -9]]]]
        assert net.blobs["m"].data.tolist() == [[[[1, 7], [8, 10]], [[0, 3], [8, 10]]]]

    def test_the_gradient_goes_where_the_mask_says(self):
        net = net_of('type: "Pooling" top: "m" pooling_param { kernel_size: 2 stride: 1 }', 1, 1, 2, 3)
        net.forward(x=np.array([[[[0, 4, 0], [0, 0, 0]]]]))
        assert net.blobs["m"].data.tolist() == [[[[1, 1]]]]
        assert net.backward(y=np.array([[[[2, 3]]]]), m=np.ones((1, 1, 1, 2)))["x"].tolist() == [
            [[[0, 5, 0], [0, 0, 0]]]
        ]
        net.blobs["m"].data[...] = [[[[5, 99]]]]
        assert net.backward()["x"].tolist() == [[[[0, 0, 0], [0, 0, 2]]]]

    def test_a_window_wholly_outside_has_no_place(self):
        """Of the ceil((3 - 1) / 3) + 1 = 2 windows of 1 by 1, 3 apart, the second begins beyond a plane of 3."""
        net = net_of('type: "Pooling" top: "m" pooling_param { kernel_size: 1 stride: 3 }', 1, 1, 1, 3)
        net.forward(x=np.array([[[[4, 5, 6]]]]))
        assert net.blobs["m"].data.tolist() == [[[[0, -1]]]]
        assert net.blobs["y"].data[0, 0, 0, 1] == np.finfo(np.float32).min


class TestStochasticPooling:
    """Real Caffe has it on GPUs only: a draw with probability x / sum(x) in TRAIN, sum(x ** 2) / sum(x) in TEST."""

    LAYER = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'

    def test_train_draws_in_proportion(self):
        net = net_of(self.LAYER, 1, 2000, 2, 2)
        window = np.array([[1, 2], [3, 4]], np.float32)
        y = net.forward(x=np.broadcast_to(window, (1, 2000, 2, 2)))["y"].ravel()
        for value in (1, 2, 3, 4):
            assert (y == value).mean() == pytest.approx(value / 10, abs=0.04)

    def test_the_gradient_goes_to_what_was_drawn(self):
        net = net_of(self.LAYER, 1, 50, 4, 4)
        x = np.arange(1, 801, dtype=np.float32).reshape(1, 50, 4, 4)
        y = net.forward(x=x)["y"].copy()
        dx = net.backward(y=y)["x"]
        assert np.array_equal(np.sort(dx[dx != 0]), np.sort(y.ravel()))
        assert np.array_equal(dx[dx != 0], x[dx != 0])

    def test_test_weighs(self):
        net = net_of(self.LAYER, 1, 1, 2, 4, phase=pb.TEST)
        x = np.array([[[[1, 2, 0, 0], [3, 4, 0, 0]]]], np.float32)
        assert net.forward(x=x)["y"].ravel().tolist() == [3, 0]

    @pytest.mark.parametrize("size", [3, 5])
    def test_nothing_is_drawn_from_beyond_the_image(self, size):
        """Windows cut off by the edge, windows of zeros, and negative values, which Caffe doesn't expect."""
        net = net_of(self.LAYER.replace("stride: 2", "stride: 3"), 2, 3, size, size)
        for x in (np.ones((2, 3, size, size)), np.zeros((2, 3, size, size)), -np.ones((2, 3, size, size))):
            y = net.forward(x=x)["y"].copy()
            dx = net.backward(y=np.ones_like(y))["x"]
            assert set(np.unique(y)) <= {0, x.flat[0]}
            assert dx.sum() <= y.size


class TestBatchNormInTrain:
    """The statistics are sums that decay: s = fraction * s + the batch's, variance times m / (m - 1)."""

    def test_statistics(self):
        net = net_of('type: "BatchNorm" batch_norm_param { moving_average_fraction: 0.5 eps: 0 }', 2, 1, 2)
        net.params["l"][0].data[...] = 8
        net.params["l"][1].data[...] = 6
        net.params["l"][2].data[...] = 4
        y = net.forward(x=np.array([[[0, 2]], [[4, 6]]]))["y"]
        mean, variance, divisor = (float(blob.data[0]) for blob in net.params["l"])
        assert mean == 0.5 * 8 + 3
        assert variance == pytest.approx(0.5 * 6 + 5 * 4 / 3)
        assert divisor == 0.5 * 4 + 1
        assert np.allclose(y.ravel(), np.array([-3, -1, 1, 3]) / np.sqrt(5))

    def test_one_value_has_no_variance(self):
        net = net_of('type: "BatchNorm"', 1, 3)
        assert not net.forward(x=np.array([[1, 2, 3]]))["y"].any()
        assert [blob.data.tolist() for blob in net.params["l"]] == [[1, 2, 3], [0, 0, 0], [1]]

    def test_the_statistics_are_what_test_uses(self):
        net = net_of('type: "BatchNorm" batch_norm_param { eps: 0 }', 2, 1)
        for _ in range(3):
            net.forward(x=np.array([[1], [5]]))
        test = net_of('type: "BatchNorm" batch_norm_param { eps: 0 }', 2, 1, phase=pb.TEST)
        test.share_with(net)
        # Mean 3 and variance 4, of which 8 is the unbiased estimate.
        assert np.allclose(test.forward(x=np.array([[3], [7]]))["y"].ravel(), [0, 4 / np.sqrt(8)], atol=1e-6)

    def test_backward_leaves_them(self):
        net = net_of('type: "BatchNorm"', 4, 2)
        net.forward(x=np.arange(8).reshape(4, 2))
        before = [blob.data.copy() for blob in net.params["l"]]
        net.backward(y=np.ones((4, 2)))
        assert all(np.array_equal(a, blob.data) for a, blob in zip(before, net.params["l"], strict=True))
        assert not any(blob.diff.any() for blob in net.params["l"])


class TestRecurrentState:
    """A pass begins with the state that the last one ended with, cut to the streams that there are."""

    def test_fewer_streams_go_on_with_theirs(self):
        text = """
        layer { name: "x" type: "Input" top: "x" top: "c" input_param { shape { dim: 1 dim: 3 dim: 1 }
                                                                        shape { dim: 1 dim: 3 } } }
        layer { name: "l" type: "RNN" bottom: "x" bottom: "c" top: "y" recurrent_param { num_output: 1 } }"""
        net = Net(parse_net(text), pb.TEST)
        for blob, value in zip(net.params["l"], (1, 0, 1, 1, 0), strict=True):
            blob.data[...] = value
        first = np.tanh(np.tanh([1, 2, 3]))
        assert np.allclose(net.forward(x=np.array([[[1], [2], [3]]]), c=np.zeros((1, 3)))["y"].ravel(), first)
        net.blobs["x"].reshape(1, 2, 1)
        net.blobs["c"].reshape(1, 2)
        second = np.tanh(np.tanh(np.tanh([1, 2])))
        assert np.allclose(net.forward(x=np.zeros((1, 2, 1)), c=np.ones((1, 2)))["y"].ravel(), second)


class TestWeighedTopThatGrows:
    """Loss weights are written into the top's diff once, when the net is built; larger memory begins with zeros."""

    def test_its_diff_is_lost(self):
        net = net_of('type: "Sigmoid" loss_weight: 2', 2, 3)
        net.forward(x=np.zeros((2, 3)))
        assert (net.blobs["y"].diff == 2).all()
        for batch, weight in ((1, 2), (2, 2), (4, 0)):
            net.blobs["x"].reshape(batch, 3)
            net.forward(x=np.zeros((batch, 3)))
            assert (net.blobs["y"].diff == weight).all()


class TestFillersReachTheirBlobs:
    """Each of a layer's blobs is filled by the filler that the prototxt gives for it."""

    @pytest.mark.parametrize(
        ("layer", "shape", "values"),
        [
            (
                """type: "Deconvolution" convolution_param { num_output: 2 kernel_size: 2
                   weight_filler { value: 3 } bias_filler { value: 4 } }""",
                (1, 1, 2, 2),
                [3, 4],
            ),
            ('type: "Embed" embed_param { num_output: 2 input_dim: 3 bias_filler { value: 4 } }', (2,), [0, 4]),
            ('type: "PReLU" prelu_param { filler { value: 0.5 } }', (1, 2, 2), [0.5]),
            (
                'type: "Scale" scale_param { bias_term: true filler { value: 3 } bias_filler { value: 4 } }',
                (1, 2, 2),
                [3, 4],
            ),
            ('type: "PReLU"', (1, 2, 2), [0.25]),
            ('type: "Scale"', (1, 2, 2), [1]),
        ],
    )
    def test_of_one_bottom(self, layer, shape, values):
        blobs = net_of(layer, *shape).params["l"]
        assert [set(blob.data.ravel()) for blob in blobs] == [{value} for value in values]

    @pytest.mark.parametrize(("kind", "values"), [("RNN", [3, 4, 3, 3, 4]), ("LSTM", [3, 4, 3])])
    def test_recurrent(self, kind, values):
        net = Net(
            parse_net(
                f"""layer {{ name: "x" type: "Input" top: "x" top: "cont"
                  input_param {{ shape {{ dim: 2 dim: 1 dim: 3 }} shape {{ dim: 2 dim: 1 }} }} }}
                layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "cont" top: "y" recurrent_param {{ num_output: 2
                  weight_filler {{ value: 3 }} bias_filler {{ value: 4 }} }} }}"""
            ),
            pb.TEST,
        )
        assert [set(blob.data.ravel()) for blob in net.params["l"]] == [{value} for value in values]


def test_im2col_with_sides_of_their_own():
    """A column for each place in each window, by channel, row and column; what lies beyond the image is 0."""
    options = "kernel_h: 2 kernel_w: 1 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0"
    x = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 3, 2)
    net = net_of(f'type: "Im2col" convolution_param {{ {options} }}', 1, 1, 3, 2)
    assert net.forward(x=x)["y"].tolist() == [[[[0, 0], [3, 4]], [[1, 2], [5, 6]]]]
    assert net.backward(y=np.ones((1, 2, 2, 2)))["x"].ravel().tolist() == [1, 1, 1, 1, 1, 1]


def test_the_slope_of_a_logarithm_at_minus_0():
    """As Caffe skips a shift of 0, which would make it +0."""
    net = net_of('type: "Log"', 2)
    net.blobs["x"].data[...] = [0.0, -0.0]
    net.forward()
    net.backward(y=np.ones(2, np.float32))
    assert net.blobs["x"].diff.tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("top", ["x", "y"])
def test_no_gradient_passes_a_relu_of_nan(top):
    net = net_of('type: "ReLU"', 3, top=top)
    net.blobs["x"].data[...] = [np.nan, -1, 2]
    net.forward()
    net.backward(**{top: np.array([5, 6, 7], np.float32)})
    assert net.blobs["x"].diff.tolist() == [0, 0, 7]


def test_the_gradient_of_spp_goes_to_what_was_drawn():
    net = net_of('type: "SPP" spp_param { pyramid_height: 1 pool: STOCHASTIC }', 1, 1, 20, 20)
    net.blobs["x"].data[...] = 1 + np.arange(400).reshape(1, 1, 20, 20)
    for _ in range(3):
        drawn = float(net.forward()["y"].item())
        net.backward(y=np.ones((1, 1, 1, 1), np.float32))
        assert net.blobs["x"].data[net.blobs["x"].diff != 0].tolist() == [drawn]
