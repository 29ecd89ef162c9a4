"""Records: read back, compared, and refused where they are none."""

import json
import os

import numpy as np
import pytest

from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Record, read_json, record
from dgnam.runs.record import digest, import_strings, objects_in, resume_command, write_json

RECORD = Record("visualize", {"seeds": 2}, {"target": {"files": {"a": "1"}}, "seed": 0}, {"threads": 2})


def test_a_record_reads_back(tmp_path):
    RECORD.write(tmp_path)
    assert Record.read(tmp_path).to_json() == RECORD.to_json()


def test_numpys_numbers_are_recorded_as_numbers(tmp_path):
    made = Record("visualize", {"k": np.int64(3)}, {"scale": np.float32(0.5), "counts": [np.int32(1)]})
    made.write(tmp_path)
    assert Record.read(tmp_path) == Record("visualize", {"k": 3}, {"scale": 0.5, "counts": [1]})
    with pytest.raises(TypeError, match="a set is nothing that JSON can hold"):
        Record("visualize", {}, {"a": {1}}).to_json()


def test_the_first_difference_is_named(tmp_path):
    now = Record("visualize", {}, {"target": {"files": {"a": "2"}}, "seed": 0}, {"threads": 2})
    with pytest.raises(DgnamError, match=r'^cannot resume run: target\.files\.a changed \(was "1", now "2"\)$'):
        RECORD.check_same(now, "run")
    with pytest.raises(DgnamError, match=r'task changed \(was "visualize", now "evolve"\)'):
        RECORD.check_same(Record("evolve", {}, RECORD.inputs), "run")


def test_another_environment_is_a_warning():
    now = Record("visualize", {"seeds": 9}, RECORD.inputs, {"threads": 4})
    assert RECORD.check_same(now, "run") == [
        "threads changed (was 2, now 4): bytes may differ from those of an uninterrupted run"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "but a JSON list"),
        ('{"format": 9}', "of format 9, and this version reads 2"),
        ('{"format": 2, "task": 3}', "is not the record of a run"),
        ('{"format": 2, "task": "t", "spec": [], "inputs": {}, "environment": {}}', "is not the record of a run"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_record_is_named(tmp_path, content, reason):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(FormatError, match=rf"run\.json: .*{reason}"):
        Record.read(tmp_path)


def test_a_folder_without_a_record_holds_no_run(tmp_path):
    with pytest.raises(DgnamError, match=r"holds no run: there is no run\.json in it"):
        Record.read(tmp_path)


def test_a_record_of_any_length_is_not_read(tmp_path):
    path = tmp_path / "run.json"
    with open(path, "wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(FormatError, match="too long for a record"):
        read_json(path)


def test_what_is_written_is_plain_json(tmp_path):
    RECORD.write(tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["spec"] == {"seeds": 2}


def test_a_difference_in_a_long_list_is_named_by_its_place():
    many = [f"fc8:{unit}" for unit in range(200)]
    was, now = (Record("visualize", {}, {"objectives": [*many, last]}) for last in ("fc8:200", "fc8:201"))
    with pytest.raises(DgnamError, match=r'objectives\[200\] changed \(was "fc8:200", now "fc8:201"\)$'):
        was.check_same(now, "run")


def test_a_path_that_is_no_utf8_is_recorded(tmp_path):
    path = os.fsdecode(b"caf\xe9.jpg")
    Record("act_range", {"images": path}, {}).write(tmp_path)
    assert Record.read(tmp_path).spec["images"] == path


def test_long_values_are_shown_by_their_beginning():
    for long, shown in (("a" * 118, f'"{"a" * 118}"'), ("a" * 119, f'"{"a" * 118}…')):
        with pytest.raises(DgnamError) as caught:
            Record("visualize", {}, {"note": long}).check_same(Record("visualize", {}, {"note": 1}), "run")
        assert str(caught.value) == f"cannot resume run: note changed (was {shown}, now 1)"


def test_files_are_compared_by_name_wherever_they_lie():
    one, two = "a" * 64, "b" * 64
    was = Record("visualize", {}, {"files": {"/here/net.h5": one, "/here/m": two}, "deep": [{"files": {"/x": one}}]})
    now = Record("visualize", {}, {"files": {"net.h5": one, "m": two}, "deep": [{"files": {"y/x": one}}]})
    assert was.check_same(now, "run") == []
    assert digest(was) == digest(now)
    other = Record("visualize", {}, {**now.inputs, "files": {"net.h5": two, "m": two}})
    assert digest(was) != digest(other) != digest(Record("evolve", {}, now.inputs))
    with pytest.raises(DgnamError, match=r"cannot continue run: .* changed"):
        was.check_same(other, "run", "continue")
    # Two files of one name in two folders are told apart, and so are texts that are no checksums.
    same = Record("visualize", {}, {"files": {"a/net.h5": one, "b/net.h5": two}})
    with pytest.raises(DgnamError, match="changed"):
        same.check_same(Record("visualize", {}, {"files": {"a/net.h5": two, "b/net.h5": two}}), "run")
    texts = (Record("visualize", {}, {"files": {f"{place}/x": "no checksum"}}) for place in "ab")
    with pytest.raises(DgnamError, match="changed"):
        next(texts).check_same(next(texts), "run")


def test_a_difference_in_a_long_text_is_named_by_its_first_line():
    texts = ("name: x\nlayer 1\nlayer 2\n", "name: x\nlayer 1\nlayer 3\n")
    was, now = (Record("visualize", {}, {"net": text}) for text in texts)
    with pytest.raises(DgnamError, match=r'^cannot resume run: net changed \(was "layer 2", now "layer 3"\)$'):
        was.check_same(now, "run")


def test_objects_of_python_are_found_in_a_spec():
    mark = {"object": "Net"}
    spec = {"target": mark, "seeds": 3, "prior": "p", "score": [1, {"deep": [mark]}], "start": {"x": 1}, "l2": [2]}
    assert objects_in(spec) == ["target", "score"]


def test_the_import_strings_of_a_spec():
    def found(name, value):
        return list(import_strings(name, value))

    assert found("target", "mine:net") == ["mine:net"]
    assert found("encoder", {"a": "mine:net", "b": "caffenet"}) == ["mine:net"]
    assert found("target", {"object": "m:n"}) == found("target", "c:/net.prototxt") == found("target", "net") == []
    assert found("score", "m:f.prototxt") == ["m:f.prototxt"]
    assert found("start", "image:cat.jpg") == []


def test_the_command_to_resume_replaces_where_the_run_did(tmp_path):
    Record("train", {"model": "m", "replace": True}, {}).write(tmp_path)
    assert resume_command(tmp_path) == f"dgnam resume {tmp_path} --replace"


def test_a_record_too_long_to_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_LONGEST", 22)
    write_json(tmp_path / "a.json", {"a": "12345678"})
    assert read_json(tmp_path / "a.json") == {"a": "12345678"}
    assert (tmp_path / "a.json").read_text() == '{\n  "a": "12345678"\n}\n'
    with pytest.raises(DgnamError, match="would have 25 bytes, and a record has 22 at most"):
        write_json(tmp_path / "b.json", {"a": "12345678901"})
    assert not (tmp_path / "b.json").exists()
