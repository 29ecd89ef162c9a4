"""pycaffe's coordinate maps: of single layers by hand, and the crops of the published FCN nets."""

import numpy as np
import pytest

from dgnam.caffe import CaffeError, NetSpec, layers, params
from dgnam.caffe.coord_map import (
    AxisMismatchException,
    UndefinedMapException,
    compose,
    coord_map,
    coord_map_from_to,
    crop,
    inverse,
)


def picture():
    return layers.Input(shape={"dim": [1, 3, 100, 100]})


def conv(bottom, **options):
    return layers.Convolution(bottom, num_output=4, **options)


def pool(bottom, size=2):
    return layers.Pooling(bottom, pool=params.Pooling.MAX, kernel_size=size, stride=size)


def upsample(bottom, stride):
    return layers.Deconvolution(
        bottom, convolution_param={"num_output": 4, "kernel_size": 2 * stride, "stride": stride, "bias_term": False}
    )


def assert_map(found, axis, scale, shift):
    assert found[0] == axis
    np.testing.assert_allclose(found[1], scale)
    np.testing.assert_allclose(found[2], shift)


@pytest.mark.parametrize(
    ("options", "scale", "shift"),
    [
        ({"kernel_size": 1}, 1, 0),
        ({"kernel_size": 3}, 1, -1),
        ({"kernel_size": 3, "pad": 1}, 1, 0),
        ({"kernel_size": 3, "dilation": 2}, 1, -2),
        ({"kernel_size": 4, "stride": 2, "pad": 1}, 0.5, -0.25),
        ({"kernel_size": [3, 5], "stride": [1, 2], "pad": [0, 10]}, [1, 0.5], [-1, 4]),
    ],
)
def test_a_convolution_scales_and_shifts(options, scale, shift):
    data = picture()
    assert_map(coord_map(conv(data, **options).fn), 1, scale, shift)
    assert_map(coord_map(layers.Im2col(data, convolution_param=options).fn), 1, scale, shift)
    assert_map(coord_map_from_to(data, conv(data, **options)), 1, scale, shift)


def test_a_deconvolution_is_a_convolution_the_other_way():
    options = {"kernel_size": 5, "stride": 2, "pad": 1}
    forth = coord_map(conv(picture(), **options).fn)
    back = coord_map(layers.Deconvolution(picture(), convolution_param=options).fn)
    assert_map(compose(forth, back), 1, 1, 0)
    assert_map(inverse(forth), *back)


def test_pooling_takes_its_options_either_way():
    data = picture()
    assert_map(coord_map(pool(data, 4).fn), 1, 0.25, -0.375)
    assert_map(coord_map(layers.Pooling(data, pooling_param={"kernel_size": 4, "stride": 4}).fn), 1, 0.25, -0.375)


def test_other_layers_pass_through_crop_or_have_no_map():
    data = picture()
    assert coord_map(layers.ReLU(data).fn) == (None, 1, 0)
    assert_map(coord_map(layers.Crop(data, data, axis=3, offset=7).fn), 2, 1, -7)
    assert_map(coord_map(layers.Crop(data, data, crop_param={"offset": [1, 2]}).fn), 1, 1, [-1, -2])
    with pytest.raises(UndefinedMapException, match="InnerProduct"):
        coord_map(layers.InnerProduct(data, num_output=3).fn)


@pytest.mark.parametrize("options", [{"kernel_h": 3, "kernel_w": 3}, {"kernel_size": 3, "stride_h": 2}, {}])
def test_convolutions_by_other_options_are_refused(options):
    with pytest.raises(AssertionError, match="kernel_size, stride and pad"):
        coord_map(conv(picture(), **options).fn)


def test_maps_of_different_axes_do_not_compose():
    with pytest.raises(AxisMismatchException, match=r"after 2 .* after 1"):
        compose((1, 1, 0), (2, 1, 0))
    assert compose((None, 1, 0), (2, 3, 4)) == (2, 3, 4)
    assert compose((2, 3, 4), (None, 1, 0)) == (2, 3, 4)


def test_two_tops_meet_in_a_blob_that_both_come_from():
    relu = layers.ReLU(conv(picture(), kernel_size=3))
    assert_map(coord_map_from_to(pool(relu), conv(relu, kernel_size=3)), 1, 2, -0.5)
    many = [relu]
    for _ in range(60):  # each doubles the ways; none may be walked more than twice
        many.append(layers.Eltwise(many[-1], layers.Scale(layers.ReLU(many[-1]))))
    assert_map(coord_map_from_to(many[-1], relu), None, 1, 0)


def test_of_two_ways_the_one_that_tells_the_axis_counts():
    data = picture()
    both = layers.Eltwise(data, conv(data, kernel_size=1))
    assert_map(coord_map_from_to(both, data), 1, 1, 0)


def test_only_the_first_bottom_of_a_crop_is_mapped():
    data, size = picture(), picture()
    cropped = layers.Crop(upsample(pool(data), 2), size, axis=2, offset=5)
    assert_map(coord_map_from_to(cropped, data), 1, 1, 5 - 1)  # the upsampled top begins one pixel before the data
    with pytest.raises(RuntimeError, match="no map"):
        coord_map_from_to(cropped, size)


def test_tops_without_a_common_blob_have_no_map():
    data = picture()
    with pytest.raises(CaffeError, match=r"InnerProduct and a Input"):
        coord_map_from_to(layers.InnerProduct(data, num_output=3), data)


def test_a_crop_that_can_not_be():
    data = picture()
    with pytest.raises(AssertionError, match="scale"):
        crop(upsample(pool(data, 3), 2), data)
    with pytest.raises(AssertionError, match="inside"):
        crop(conv(data, kernel_size=3), data)
    with pytest.raises(AssertionError, match="whole pixels"):
        crop(conv(data, kernel_size=2, pad=1), data)


def test_a_crop_to_the_same_coordinates_has_no_offset():
    data = picture()
    made = crop(layers.ReLU(data), data).fn.params["crop_param"]
    assert made == {"axis": 2, "offset": [0]}


def vgg(net):
    """The layers of FCN's VGG-16 that matter here; returns the ends of pool3, pool4 and the scores."""
    net.data = top = picture()
    ends = []
    for stage, depth in enumerate((2, 2, 3, 3, 3)):
        for i in range(depth):
            top = layers.ReLU(conv(top, kernel_size=3, pad=100 if stage == i == 0 else 1), in_place=True)
        top = pool(top)
        ends.append(top)
    score = conv(layers.Dropout(layers.ReLU(conv(top, kernel_size=7))), kernel_size=1)
    return conv(ends[2], kernel_size=1), conv(ends[3], kernel_size=1), score


def offsets(net):
    return [list(layer.crop_param.offset) for layer in net.to_proto().layer if layer.type == "Crop"]


def test_the_crops_of_fcn_are_the_published_ones():
    net = NetSpec()
    _, _, score = vgg(net)
    net.score = crop(upsample(score, 32), net.data)
    assert offsets(net) == [[19]]

    net = NetSpec()
    _, pool4, score = vgg(net)
    up = upsample(score, 2)
    net.score = crop(upsample(layers.Eltwise(up, crop(pool4, up)), 16), net.data)
    assert offsets(net) == [[5], [27]]

    net = NetSpec()
    pool3, pool4, score = vgg(net)
    up = upsample(score, 2)
    up = upsample(layers.Eltwise(up, crop(pool4, up)), 2)
    net.score = crop(upsample(layers.Eltwise(up, crop(pool3, up)), 8), net.data)
    assert offsets(net) == [[5], [9], [31]]
    assert net.to_proto().layer[-1].crop_param.axis == 2
