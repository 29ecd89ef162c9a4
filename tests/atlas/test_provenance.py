"""What a page says of a record: model, layers, settings, checksums."""

import pytest

from dgnam.atlas import provenance as p
from dgnam.runs import Record

SHA = "ab" * 32


def record(spec=None, inputs=None, environment=None):
    return Record("visualize", spec or {}, inputs or {}, environment or {})


@pytest.mark.parametrize(
    ("spec", "inputs", "expected"),
    [
        ({"target": "caffenet-mini"}, {}, "caffenet-mini"),
        ({"target": {"object": "Net"}}, {"target": {"name": "Net"}}, "Net"),
        ({"encoder": "caffenet"}, {"target": None}, "caffenet"),
        ({"target": 3}, {"target": [1]}, ""),
    ],
)
def test_model(spec, inputs, expected):
    assert p.model_of(record(spec, inputs)) == expected


@pytest.mark.parametrize(
    ("spec", "inputs", "expected"),
    [
        ({"objective": "fc8:0-5"}, {}, "fc8"),
        ({"objective": ["conv5:3@6,6", "fc8:3 + 0.5*fc7:7"]}, {}, "conv5, fc8, fc7"),
        ({"objective": "loss3/classifier:1"}, {}, "loss3/classifier"),
        ({}, {"layer": "fc6"}, "fc6"),
        ({}, {"spaces": ["pixels", "conv1"]}, "pixels, conv1"),
        ({"objective": "4:2"}, {"objectives": ["4:2", "0:3@1,2"]}, "4, 0"),
        ({}, {"objectives": ["-1*rnn[0]:3+0.001*relu#2:5@all-1e-05*a b/c+d:diversity"]}, "rnn[0], relu#2, a b/c+d"),
        ({}, {"objectives": ["my_nets:target.fc:3", f"fc6:a-b.npy sha256:{SHA}"]}, "my_nets:target.fc, fc6"),
        ({"objective": "0-7"}, {"tuning": ["fc8:0"], "held_out": ["fc8:9"]}, "fc8"),
        ({"objective": {"object": "Sum"}}, {"objectives": [1, None]}, ""),
        ({}, {"spaces": [f"l{k}" for k in range(9)]}, "l0, l1, l2, l3, l4, l5, …"),
    ],
)
def test_layers(spec, inputs, expected):
    assert p.layers_of(record(spec, inputs)) == expected


def test_settings_and_inputs():
    found = record({"b": None, "a": 1, "c": [1, 2]}, {"target": {"name": "net", "files": {"w": SHA}}, "seeds": [0]})
    assert p.settings_of(found) == [("a", "1"), ("c", "[1, 2]")]
    assert p.inputs_of(found) == [("seeds", "[0]"), ("target", '{"name": "net"}')]
    assert p.checksums_of(found) == [("target › w", SHA)]


def test_checksums_of_arrays():
    assert p.checksums_of(record({}, {"clip": {"upper": f"sha256:{SHA}"}})) == [("clip › upper", SHA)]


def test_versions():
    found = p.versions_of(record({}, {}, {"threads": 2, "versions": {"torch": "2.13", "Pillow": "13"}}))
    assert found == [("Pillow", "13"), ("torch", "2.13"), ("threads", "2")]
    assert p.versions_of(record({}, {}, {"versions": "none"})) == []


def test_numbers_of_a_file():
    lines = p.lines_of({"a": {"b": 0.123456789, "c": [1, 2]}, "rows": [{"x": None}]})
    assert lines == [("a › b", "0.123457"), ("a › c", "[1, 2]"), ("rows › 0 › x", "null")]
    assert len(p.lines_of({str(k): k for k in range(1000)})) == 201


def test_deep_and_long_values_end():
    deep = value = {}
    for _ in range(100):
        value["x"] = {}
        value = value["x"]
    assert len(p.lines_of(deep)) == 1
    assert len(p.as_text("x" * 10_000)) == 600
