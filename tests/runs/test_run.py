"""Run folders: chunks whole or absent, damage found, and the same bytes whatever happened on the way."""

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from dgnam.errors import ChunksFailedError, DgnamError, FormatError
from dgnam.runs import Record, Run
from dgnam.runs.chunks import to_bytes
from dgnam.runs.lock import exclusive

RECORD = Record("visualize", {"target": "t"}, {"seed": 0})


def arrays(seed):
    return {"codes": np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32), "jobs": np.arange(3)}


@pytest.fixture
def run(tmp_path):
    return Run.create_at(tmp_path / "run", RECORD)


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_what_is_saved_is_loaded(run):
    run.save("00000", arrays(0), {"about": "it"})
    found = Run.open(run.path).load("00000")
    assert np.array_equal(found["codes"], arrays(0)["codes"])
    assert found["jobs"].tolist() == [0, 1, 2]


def test_names_in_another_encoding_are_spelt_out(run):
    assert run.write_text("table.csv", "caf\udce9,日本\n").read_bytes() == "caf\\udce9,日本\n".encode()
    with h5py.File(io.BytesIO(to_bytes({}, {"title": "caf\udce9"}))) as file:
        assert file.attrs["title"] == "caf\\udce9"


def test_counts_may_be_numpys(run):
    with run.exclusive(total=np.int64(3), unit="images"):
        run.save("00000", arrays(0), count=np.int64(3))
    assert Run.open(run.path).counts() == [3]
    assert '"total": 3' in (run.path / "events.jsonl").read_text()


def test_the_same_chunks_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        run = Run.create_at(tmp_path / name, RECORD)
        with run.exclusive():
            for k in range(3):
                run.save(f"{k:05d}", arrays(k))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_chunk_does_not_tell_the_time():
    """HDF5 writes the second a dataset was made, where it may: two runs would differ."""
    with h5py.File(io.BytesIO(to_bytes(arrays(0)))) as file:
        assert [h5py.h5g.get_objinfo(file.id, name.encode()).mtime for name in file] == [0, 0]


def test_runs_never_overwrite_one_another(tmp_path):
    assert [Run.create(tmp_path, "fc8:lemon", RECORD).path.name for _ in range(2)] == ["fc8-lemon-1", "fc8-lemon-2"]
    with pytest.raises(DgnamError, match="is not empty"):
        Run.create_at(tmp_path / "fc8-lemon-1", RECORD)


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_chunk_alone_is_missing(run, damage):
    for k in range(3):
        run.save(f"{k:05d}", arrays(k))
    path = run.path / "chunks/00001.h5"
    path.unlink() if damage is None else path.write_bytes(damage)
    opened = Run.open(run.path)
    assert opened.missing(["00000", "00001", "00002", "00003"]) == ["00001", "00003"]
    with pytest.raises(FormatError, match=r"00001\.h5 is"):
        opened.load("00001")
    before = contents(run.path)["chunks.jsonl"]
    opened.save("00001", arrays(1))
    assert contents(run.path)["chunks.jsonl"] == before
    assert not opened.missing(["00001"])


def test_one_changed_byte_is_found(run):
    run.save("00000", arrays(0))
    path = run.path / "chunks/00000.h5"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not Run.open(run.path).has("00000")


@pytest.mark.parametrize(
    "rest", ["", '{"name": "00001", "fi', "[]\n", "null\n", '{"name": 3, "file": "x", "sha256": ""}\n']
)
def test_a_journal_that_was_cut_short_counts_what_is_whole(run, rest):
    run.save("00000", arrays(0))
    before = contents(run.path)
    with open(run.path / "chunks.jsonl", "a") as file:
        file.write(rest)
    opened = Run.open(run.path)
    assert opened.names() == ["00000"]
    with opened.exclusive():
        assert opened.names() == ["00000"]
    if not rest.endswith("\n"):
        assert contents(run.path) == before


def test_a_journal_leads_nowhere_else(run, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    line = {"name": "00000", "file": "chunks/../../secret", "sha256": "0"}
    (run.path / "chunks.jsonl").write_text(json.dumps(line) + "\n")
    assert Run.open(run.path).names() == []


def test_two_processes_do_not_share_a_run(run):
    with exclusive(run.path), pytest.raises(DgnamError, match="another process is at work"), run.exclusive():
        pass


def test_what_a_killed_process_left_half_written_goes(run):
    (run.path / "chunks").mkdir()
    (run.path / "chunks/.00000.h5.ab12.part").write_bytes(b"half")
    with run.exclusive():
        pass
    assert list((run.path / "chunks").iterdir()) == []


@pytest.mark.parametrize("name", [".notes", "own.part", "chunks/.hidden", "chunks/x.part"])
def test_other_files_in_a_run_stay(run, name):
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).write_text("mine")
    with run.exclusive():
        pass
    assert (run.path / name).read_text() == "mine"


def test_a_full_disk_is_an_error_and_leaves_the_old_chunk(run, monkeypatch):
    run.save("00000", arrays(0))
    before = contents(run.path)

    def full(handle):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DgnamError, match=r"00000\.h5: can't be written \(No space left on device\)"):
        run.save("00000", arrays(1))
    monkeypatch.undo()
    assert contents(run.path) == before


def test_a_limit_on_files_is_an_error_and_no_crash(tmp_path):
    code = (
        "import numpy as np, resource, signal, sys\n"
        "from dgnam.errors import DgnamError\n"
        "from dgnam.runs import Record, Run\n"
        "run = Run.create_at(sys.argv[1], Record('t', {}, {}))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    run.save('00000', {'x': np.random.default_rng(0).normal(size=100_000)})\n"
        "except DgnamError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "00000.h5: can't be written (File too large)" in done.stdout
    assert not Run.open(tmp_path / "run").names()
    assert not list((tmp_path / "run").rglob("*.h5"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 50_000


def test_a_chunk_without_its_line_is_taken_up(run):
    run.save("00000", arrays(0))
    before = contents(run.path)
    (run.path / "chunks.jsonl").write_text("")
    opened = Run.open(run.path)
    assert opened.has_file("00000")
    assert not opened.has("00000")
    opened.recover("00000")
    assert contents(run.path) == before
    opened.recover("00001")
    assert opened.names() == ["00000"]


def test_a_killed_folder_of_stimuli_goes(run):
    (run.path / "stimuli/.00001.x.part").mkdir(parents=True)
    (run.path / "stimuli/.00001.x.part/00001-00.png").write_bytes(b"half")
    with run.exclusive():
        pass
    assert list((run.path / "stimuli").iterdir()) == []


@pytest.mark.parametrize("name", ["events.jsonl", "chunks.jsonl", "summary.csv", "chunks", "chunks/00000.h5"])
def test_a_link_in_a_run_is_refused_and_what_it_leads_to_stays(run, tmp_path, name):
    """A folder from elsewhere writes and removes nothing outside itself."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "notes.txt").write_text("one\ntorn")
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).symlink_to(outside if name == "chunks" else outside / "notes.txt")
    with pytest.raises(FormatError, match=f"{name}: is a link"), run.exclusive():
        run.save("00000", arrays(0))
    assert contents(outside) == {"notes.txt": b"one\ntorn"}


def test_a_longer_spec_is_recorded_once_the_run_is_held(run):
    longer = Run.open(run.path)
    longer.extend({"target": "t", "generations": 9})
    assert "generations" not in Record.read(run.path).spec
    with longer.exclusive():
        assert Record.read(run.path).spec["generations"] == 9


def test_a_record_that_cannot_be_written_leaves_no_folder(tmp_path):
    with pytest.raises(TypeError):
        Run.create(tmp_path, "run", Record("visualize", {"target": object()}, {}))
    assert list(tmp_path.iterdir()) == []


def test_chunks_of_a_thousand_share_a_folder(run):
    names = ["00000", "00999", "01000", "123456", "002/01000", "0001/01000", "checkpoint-001000"]
    for name in names:
        run.save(name, arrays(0))
    files = ["00000", "00999", "0001/01000", "0123/123456", "002/0001/01000", "0001/01000", "checkpoint-001000"]
    assert [chunk["file"] for chunk in journal(run)] == [f"chunks/{file}.h5" for file in files]
    opened = Run.open(run.path)
    assert opened.names() == names
    assert opened.missing(names) == []


def journal(run):
    return [json.loads(line) for line in (run.path / "chunks.jsonl").read_text().splitlines()]


def test_the_chunks_of_an_earlier_version_are_found(run):
    """It had all in one folder."""
    run.save("01500", arrays(0))
    (run.path / "chunks/0001/01500.h5").rename(run.path / "chunks/01500.h5")
    (run.path / "chunks.jsonl").write_text((run.path / "chunks.jsonl").read_text().replace("0001/", ""))
    assert Run.open(run.path).missing(["01500"]) == []


def test_how_much_a_chunk_holds_is_in_its_line(run):
    run.save("00000", arrays(0), count=100)
    run.save("00001", arrays(1))
    assert [line.get("count") for line in journal(run)] == [100, None]
    run.save_bytes("00002", b"state", ".pt")
    assert Run.open(run.path).counts() == [100, 1, 1]
    run.discard("00002")
    text = (run.path / "chunks.jsonl").read_text()
    for count in ("-1", "true", '"3"', "1.5", "null"):
        (run.path / "chunks.jsonl").write_text(text.replace('"count": 100', f'"count": {count}'))
        assert Run.open(run.path).names() == ["00001"]


def test_the_chunks_of_one_search_are_found_alone(run):
    for name in ("000/00000", "001/00000", "00000", "001/01000"):
        run.save(name, arrays(0))
    assert run.names("001") == ["001/00000", "001/01000"]
    run.discard("001/00000", "00000")
    assert run.names("001") == ["001/01000"]
    assert Run.open(run.path).names() == ["000/00000", "001/01000"]


def test_chunks_are_discarded_in_one_writing(run, monkeypatch):
    names = [f"{number:05d}" for number in range(5)]
    for name in names:
        run.save(name, arrays(0))
    written, write = [], Run.write_text
    monkeypatch.setattr(Run, "write_text", lambda self, *given: written.append(given[0]) or write(self, *given))
    run.discard(*names[1:])
    assert written == ["chunks.jsonl"]
    run.discard()
    assert Run.open(run.path).names() == ["00000"]
    assert written == ["chunks.jsonl"]


def test_a_line_of_the_log_that_was_cut_short_goes(run):
    with run.exclusive():
        pass
    log = run.path / "events.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"event": "sta')
    with run.exclusive():
        pass
    lines = log.read_bytes().splitlines()
    assert log.read_bytes().startswith(whole)
    assert all(json.loads(line)["event"] for line in lines)


def test_an_error_names_the_directory_where_its_path_is_relative_to_another(tmp_path, monkeypatch):
    begun, elsewhere = tmp_path / "begun", tmp_path / "elsewhere"
    for folder in (begun, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(begun)
    run = Run.create_at(begun / "run", Record("visualize", {"start": "image:pictures/cat.jpg"}, {}))
    with run.exclusive():
        pass
    monkeypatch.chdir(elsewhere)
    with pytest.raises(DgnamError, match=rf"pictures/cat\.jpg is missing \(in {begun}"), run.in_directory():
        raise DgnamError("pictures/cat.jpg is missing")
    with pytest.raises(DgnamError, match=r"^no such layer$"), run.in_directory():
        raise DgnamError("no such layer")


def logged(run):
    return [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]


def test_the_log_tells_how_a_run_was_left(run):
    with run.exclusive(9, "images", "ray", note="n"):
        run.pause("a time limit")
    with run.exclusive(executor="local"):
        run.save("00000", arrays(0))
    with pytest.raises(ChunksFailedError), run.exclusive():
        raise ChunksFailedError("one failed", {"00001": "nan"})
    with pytest.raises(ValueError, match="bad"), run.exclusive():
        raise ValueError("bad")
    events = logged(run)
    assert [event["event"] for event in events] == ["started", "stopped", "started", "ended"] + [
        "resumed",
        "stopped",
    ] * 2
    first, paused, second, _, _, failed, _, wrong = events
    assert [first[name] for name in ("total", "unit", "executor", "note")] == [9, "images", "ray", "n"]
    assert first["directory"] == os.getcwd()
    assert (second["total"], second["unit"], "executor" in second) == (None, "chunks", False)
    assert (paused["reason"], failed["reason"], wrong["reason"]) == ("a time limit", "ChunksFailedError", "ValueError")
    assert (failed["failed"], "failed" in wrong) == ({"00001": "nan"}, False)
    assert all(0 <= event["seconds"] < 10 for event in events[1::2])


def test_the_seconds_of_a_process_are_those_it_took(run, monkeypatch):
    now = iter([100.0, 102.12345, 200.0, 201.0054])
    monkeypatch.setattr("dgnam.runs.run.time.time", lambda: next(now))
    with run.exclusive():
        pass
    with pytest.raises(KeyboardInterrupt), run.exclusive():
        raise KeyboardInterrupt
    assert [event.get("seconds") for event in logged(run)] == [None, 2.123, None, 1.005]


def test_sorted_chunks_have_the_journal_of_one_after_the_other(run, tmp_path):
    other = Run.create_at(tmp_path / "other", RECORD)
    for name in ("00002", "001/00000", "00000"):
        run.save(name, arrays(0))
    for name in ("00000", "00002", "001/00000"):
        other.save(name, arrays(0))
    before = os.stat(other.path / "chunks.jsonl").st_ino
    run.sort()
    other.sort()
    assert run.names() == other.names() == ["00000", "00002", "001/00000"]
    assert run.names("") == ["00000", "00002"]
    assert contents(run.path) == contents(other.path)
    assert os.stat(other.path / "chunks.jsonl").st_ino == before  # what is in order is not written again
    run.discard("00002")
    assert Run.open(run.path).names() == ["00000", "001/00000"]


def test_bytes_are_loaded_as_they_were_saved(run):
    run.save_bytes("state", b"abc", ".pt", 3)
    assert run.load_bytes("state") == b"abc"
    with pytest.raises(DgnamError, match=r"has no chunk '00009'"):
        run.load("00009")
    path = run.write_json("notes.json", {"b": 1, "a": 2})
    assert path == run.path / "notes.json"
    assert json.loads(path.read_text()) == {"a": 2, "b": 1}
    assert run.write_text("more/x.txt", "é").read_bytes() == "é".encode()


def test_a_chunk_that_cannot_be_read_is_named(run, monkeypatch):
    run.save_bytes("state", b"abc", ".pt")

    def failing(path):
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(FormatError, match=r"state\.pt: can't be read \(Input/output error\)"):
        run.load_bytes("state")


def test_a_chunk_saved_again_as_it_was_gets_no_second_line(run):
    run.save("00000", arrays(0))
    run.save("00000", arrays(0))
    assert len(journal(run)) == 1
    run.save("00000", arrays(1))
    assert len(journal(run)) == 2
    assert Run.open(run.path).missing(["00000"]) == []


def test_a_record_is_written_again_only_where_it_differs(run):
    before = os.stat(run.path / "run.json").st_ino
    with run.exclusive():
        pass
    assert os.stat(run.path / "run.json").st_ino == before
    (run.path / "run.json").unlink()
    with run.exclusive():
        assert Record.read(run.path).to_json() == RECORD.to_json()


@pytest.mark.parametrize(
    ("file", "sound"),
    [
        *(("chunks/x.h5", True), ("chunks/a/x.h5", True), ("/chunks/x.h5", False), ("own/x.h5", False)),
        *(("", False), ("chunks/../x", False), ("chunks/a\0b", False), (3, False)),
    ],
)
def test_files_of_a_journal_lie_where_chunks_lie(run, file, sound):
    line = {"name": "00000", "file": file, "sha256": "0", "count": 0}
    (run.path / "chunks.jsonl").write_text(json.dumps(line) + "\n")
    assert Run.open(run.path).names() == (["00000"] if sound else [])


def test_has_file_knows_entered_chunks_and_files_without_lines(run):
    run.save_bytes("state", b"abc", ".pt")
    (run.path / "chunks/00001.h5").write_bytes(b"x")
    assert [run.has_file(name) for name in ("state", "00001", "00002")] == [True, True, False]


def test_a_line_that_makes_no_sense_is_passed_over_wherever_it_stands(run):
    run.save("00000", arrays(0))
    run.save("00001", arrays(1))
    first, second = (run.path / "chunks.jsonl").read_text().splitlines(keepends=True)
    for text in (f"torn\n{first}{second}", f"{first}[1]\n{second}", f"{first}{second}{{}}\n"):
        (run.path / "chunks.jsonl").write_text(text)
        assert Run.open(run.path).names() == ["00000", "00001"]
