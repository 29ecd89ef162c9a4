"""Records: read back, compared, and refused where they are none."""

import json
import os

import pytest

from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Record, read_json

RECORD = Record("visualize", {"seeds": 2}, {"target": {"files": {"a": "1"}}, "seed": 0}, {"threads": 2})


def test_a_record_reads_back(tmp_path):
    RECORD.write(tmp_path)
    assert Record.read(tmp_path).to_json() == RECORD.to_json()


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
