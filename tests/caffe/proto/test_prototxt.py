"""Prototxt text: what is read, and that each error names the place, the field and the valid choices."""

import pytest

from dgnam.caffe.proto import parse_net, parse_solver, pb, read_net, read_solver, to_text
from dgnam.errors import CaffeFormatError, DgnamError, FormatError

NET = """
name: "tiny"  # a comment
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer {
  name: 'conv' type: "Convolution" bottom: "data" top: "conv"
  convolution_param < num_output: 4, kernel_size: 3; bias_term: 1 weight_filler { type: "xavier" } >
}
"""


def test_reads_what_caffe_reads():
    net = parse_net(NET)
    assert [layer.name for layer in net.layer] == ["data", "conv"]
    assert list(net.layer[0].input_param.shape[0].dim) == [1, 3, 8, 8]
    options = net.layer[1].convolution_param
    assert (options.num_output, list(options.kernel_size), options.bias_term) == (4, [3], True)


def test_text_round_trip():
    net = parse_net(NET)
    net.name = "größer"
    assert parse_net(to_text(net)) == net
    assert "größer" in to_text(net)


def test_old_forms_come_out_new(tmp_path):
    path = tmp_path / "deploy.prototxt"
    path.write_text("""input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
        layers { name: "relu" type: RELU bottom: "data" top: "data" }""")
    net = read_net(path)
    assert [layer.type for layer in net.layer] == ["Input", "ReLU"]
    assert not net.layers
    assert not net.input
    assert not net.input_dim


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            'layer {\n name: "c"\n convolution_param {\n kernal_size: 3 } }',
            ["net.prototxt, line 4", "ConvolutionParameter has no field 'kernal_size'", "kernel_size"],
        ),
        (
            'layer {\n type: "Pooling"\n pooling_param { pool: AVG } }',
            ["line 3", "'pool'", "can't be AVG", "AVE", "STOCHASTIC"],
        ),
        ("layer { pooling_param { pool:\n\n 7 } }", ["line 3", "'pool'", "can't be 7", "MAX, AVE, STOCHASTIC"]),
        ("layers { type: CONVOLUTE }", ["line 1", "'type'", "CONVOLUTION"]),
        ("layer {\n type: CONVOLUTION }", ["line 2", "'type'", "string"]),
        ('layer { convolution_param { num_output: "many" } }', ["line 1", "'num_output'", "integer"]),
        ("layer { convolution_param { num_output: 1e3 } }", ["'num_output'", "integer"]),
        ("layer { convolution_param { num_output: -1 } }", ["'num_output'"]),
        ("layer { lrn_param { alpha: fast } }", ["'alpha'", "float"]),
        ("force_backward: maybe", ["'force_backward'", '"true" or "false"']),
        ('name: "a"\nname: "b"', ["line 2", "'name'", "NetParameter", "twice"]),
        ('layer { clip_param { min: 0 } name: "clip" }', ["clip_param.max"]),
        ('layer { name: "open"', ["line 1", "}"]),
        ('name: "open', ["line 1", "quote"]),
        ("just words", ["line 1"]),
        ("[ext.of.caffe]: 1", ["line 1"]),
        ("layer { name: '\\xff' }", ["line 1"]),
    ],
)
def test_errors_name_line_and_field(text, parts):
    with pytest.raises(CaffeFormatError) as caught:
        parse_net(text, "net.prototxt")
    message = str(caught.value)
    assert message.startswith("net.prototxt")
    for part in parts:
        assert part in message
    assert "dgnam_caffe" not in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('layer { name: "c # {" type: "Pooling"\n pooling_param { size: 3 } }', "line 2: layer 'c # {' (Pooling)"),
        ("layer { # name: \"a\" {\n pooling_param { size: 3 } name: 'b' }", "line 2: layer 'b': PoolingParameter"),
        ('layer { scale_param { filler < type: "b" > } name: "c" param_: 1 }', "line 1: layer 'c': LayerParameter"),
        ('layer { convolution_param { weight_filler { typ: "a" } } type: "Convolution" }', "layer '' (Convolution)"),
        ("layers {\n layer { name: 'v0' type: 'conv' size: 3 } }", "line 2: layer 'v0' (conv): V0LayerParameter"),
        ('layers { name: "v1" type: CONV }', "layer 'v1' (CONV): field 'type' can't be CONV"),
        ('layer { name: "a" }\nlayer { name: "b" }\nname_: "c"', "net.prototxt, line 3: NetParameter has no"),
        ("} layer { name: 'c'", "net.prototxt, line 1"),
    ],
)
def test_errors_name_the_layer(text, part):
    with pytest.raises(CaffeFormatError) as caught:
        parse_net(text, "net.prototxt")
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            'layer { name: "perm" type: "Permute"\n permute_param { order: 0 } }',
            ["line 2: layer 'perm'", "a fork of Caffe (SSD)", 'type "Python"'],
        ),
        (
            'layer { name: "data" type: "AnnotatedData" transform_param { resize_param { prob: 1 } } }',
            ["layer 'data'", "a fork of Caffe (SSD)"],
        ),
        ('layers { name: "data" type: VIDEO_DATA }', ["layer 'data'", "a fork of Caffe (C3D)"]),
        ('layer { type: "BN" bn_param { bn_mode: LEARN } }', ["a fork of Caffe (SegNet)", "BatchNorm and Scale"]),
        ('layer { type: "My" my_param { } }', ["no field 'my_param'", "if the layer is of a fork", 'type "Python"']),
        (
            'layer { type: "Pooling" pooling_param { ceil_mode: false } }',
            ["PoolingParameter has no field 'ceil_mode'", "round_mode: CEIL (the default) or FLOOR"],
        ),
    ],
)
def test_forks_are_told_from_mistakes(text, parts):
    with pytest.raises(CaffeFormatError) as caught:
        parse_net(text, "net.prototxt")
    for part in parts:
        assert part in str(caught.value)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'\xef\xbb\xbfname: "x"\r\n')
    assert read_net(path).name == "x"


def test_comments_may_have_any_bytes(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'# "caf\xe9\r\nname: "caf\xc3\xa9\\"#"  # \xc8\xe7\xb9\x5c\xfb\r\nforce_backward: true')
    net = read_net(path)
    assert (net.name, net.force_backward) == ('café"#', True)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"\n\x04Net1\x12\x00\xa2\x06\x02\n\x00", "is it a caffemodel"),
        ('name: "x"'.encode("utf-16"), "UTF-16"),
        (b'layer {\n name: "caf\xe9" }', "line 2: byte 0xe9 is not UTF-8"),
        (b"name: 'x # y\\' \xef'", "line 1: byte 0xef is not UTF-8"),
        (b'name: "x"\n\xe9 { }', "line 2: byte 0xe9 is not UTF-8"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"\x1f\x8b\x08\x00\x00", "a gzip archive"),
        (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
    ],
)
def test_other_files_are_named(tmp_path, data, part):
    path = tmp_path / "net.prototxt"
    path.write_bytes(data)
    with pytest.raises(CaffeFormatError, match=r"net.prototxt") as caught:
        read_net(path)
    assert part in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DgnamError, match=r"nowhere.prototxt: no such file"):
        read_net(tmp_path / "nowhere.prototxt")
    with pytest.raises(FormatError, match="is a folder"):
        read_net(tmp_path)


def test_messages_stay_short():
    with pytest.raises(CaffeFormatError) as caught:
        parse_net("layer { name: " + "x" * 100_000 + " }")
    assert len(str(caught.value)) < 500


def test_depth_and_size_are_bounded(tmp_path):
    with pytest.raises(CaffeFormatError, match="no field 'layer'"):
        parse_net("layer {" * 100_000)
    path = tmp_path / "huge.prototxt"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(CaffeFormatError, match="exceed the limit of a prototxt"):
        read_net(path)


def test_solver(tmp_path):
    solver = parse_solver("net: 'a.prototxt' base_lr: 0.01 solver_type: NESTEROV stepvalue: [10, 20]")
    assert (solver.type, solver.HasField("solver_type"), list(solver.stepvalue)) == ("Nesterov", False, [10, 20])
    with pytest.raises(CaffeFormatError, match="solver_mode") as caught:
        parse_solver("solver_mode: TPU")
    assert "GPU, CPU" in str(caught.value)


def test_solver_file_has_caffes_snapshot_prefix(tmp_path):
    path = tmp_path / "quick.prototxt"
    path.write_text("base_lr: 1")
    assert read_solver(path).snapshot_prefix == str(tmp_path / "quick")
    path.write_text(f"snapshot_prefix: '{tmp_path.as_posix()}'")
    assert read_solver(path).snapshot_prefix == str(tmp_path / "quick")
    path.write_text("snapshot_prefix: 'a/b'")
    assert read_solver(path).snapshot_prefix == "a/b"


def test_messages_keep_caffes_numbers():
    assert pb.NetParameter.LAYER_FIELD_NUMBER == 100
    assert pb.LayerParameter.BLOBS_FIELD_NUMBER == 7
    assert pb.BlobProto.DATA_FIELD_NUMBER == 5
