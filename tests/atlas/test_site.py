"""The whole atlas: what is made, made again, and dropped."""

import json
import os
import shutil

import pytest

from dgnam.atlas import build
from dgnam.errors import DgnamError
from dgnam.runs.lock import exclusive


@pytest.fixture
def made(tmp_path):
    def made(**how):
        return build([tmp_path / "runs"], tmp_path / "atlas", **how)

    return made


def pages(tmp_path):
    return sorted(path.name for path in (tmp_path / "atlas/pages").iterdir())


def index(tmp_path):
    return (tmp_path / "atlas/index.html").read_text()


def test_the_newest_run_comes_first(make_run, made, tmp_path):
    for name, day in (("a", 1), ("b", 3), ("c", 2)):
        log = make_run(name) / "events.jsonl"
        log.write_text(
            log.read_text().replace(json.loads(log.read_text().splitlines()[0])["time"], f"2026-01-0{day}T00:00:00Z")
        )
    assert len(made().folders) == 3
    page = index(tmp_path)
    assert sorted("abc", key=lambda name: page.index(f"pages/{name}/index.html")) == ["b", "c", "a"]
    assert "3 runs, 9 pictures" in page
    assert list((tmp_path / "atlas").rglob("*.part")) == []


def test_only_changed_runs_are_made_again(make_run, made, tmp_path):
    changed, same = make_run("changed"), make_run("same")
    assert made().made == 2
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "atlas").rglob("*") if path.is_file()}
    assert made().made == 0
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    (changed / "new.csv").write_text("a\n1\n")
    assert made().made == 1
    assert "new.csv" in (tmp_path / "atlas/pages/changed/index.html").read_text()
    with exclusive(same):
        assert made().made == 1
        assert "running" in index(tmp_path)
    assert made().made == 1


def test_pages_of_runs_that_are_gone(make_run, made, tmp_path):
    make_run("a")
    shutil.copytree(make_run("b"), tmp_path / "kept")
    made()
    shutil.rmtree(tmp_path / "runs/b")
    shutil.copytree(tmp_path / "kept", tmp_path / "atlas/pages/kept")  # a run that somebody put there stays
    assert made().dropped == 1
    assert pages(tmp_path) == ["a", "kept"]


def test_one_bad_run_stops_nothing(make_run, made, tmp_path):
    make_run("good")
    (make_run("damaged") / "run.json").write_text('{"format": 2')
    (make_run("newer") / "run.json").write_text('{"format": 99}')
    (tmp_path / "runs/foreign").mkdir()
    built = made()
    assert [folder.name for folder in built.folders] == ["good"]
    assert sorted(one.name for one in built.refused) == ["damaged", "foreign", "newer"]
    page = index(tmp_path)
    assert all(text in page for text in ("not JSON", "is of format 99", "holds no run"))
    assert pages(tmp_path) == ["good"]


@pytest.mark.parametrize(
    "spec",
    [
        *({"target": [[]], "objective": {"a": 1}, "experiment": {}}, {"objective": ["\ud800", 3, None]}),
        {"units": {}, "layers": {"x": []}, "layer": 5},
    ],
)
def test_records_of_wrong_kinds_get_a_page(make_run, made, spec):
    folder = make_run("odd", **spec)
    record = json.loads((folder / "run.json").read_text())
    record["inputs"] |= {"objectives": {"x": [None]}, "layer": [3], "target": {"name": [], "files": [1]}}
    record["environment"] = {"versions": {"torch": [1]}, "threads": None}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "events.jsonl").write_text('{"event": "started", "time": [3], "total": "x"}\n[1]\n')
    built = made()
    assert (len(built.folders), built.refused) == (1, [])


def test_a_record_nested_too_deep_stops_nothing(make_run, made, tmp_path):
    make_run("good")
    folder = make_run("deep")
    record = json.loads((folder / "run.json").read_text())
    record["inputs"]["x"] = "DEEP"
    text = json.dumps(record).replace('"DEEP"', '{"x": ' * 900 + "1" + "}" * 900)
    (folder / "run.json").write_text(text)
    assert "good" in [path.name for path in made().folders]


def test_endless_texts_are_cut(make_run, made, tmp_path):
    make_run("long", objective="fc8:" + "x" * 1_000_000, layer="y" * 1_000_000)
    made()
    assert (tmp_path / "atlas/index.html").stat().st_size < 50_000
    assert (tmp_path / "atlas/pages/long/index.html").stat().st_size < 50_000


def test_experiments_link_their_steps(make_run, made, tmp_path):
    make_run("fig1-1", 0, task="reproduce", experiment="fig1")
    make_run("pixels", 2, within="runs/fig1-1")
    (tmp_path / "runs/fig1-1/broken").mkdir()
    (tmp_path / "runs/fig1-1/broken/run.json").write_text("{")
    built = made()
    page = (tmp_path / "atlas/pages/fig1-1/index.html").read_text()
    assert 'href="steps/pixels/index.html"' in page
    step = (tmp_path / "atlas/pages/fig1-1/steps/pixels/index.html").read_text()
    assert 'href="../../index.html"' in step
    assert 'src="../../../../../runs/fig1-1/pixels/images/fc8_0000.png"' in step
    assert [one.name for one in built.refused] == [one.name for one in made().refused] == ["fig1-1/broken"]
    assert "1 run, 2 pictures" in index(tmp_path)


def test_copies_stand_alone(make_run, made, tmp_path):
    make_run("a")
    made(copy=True)
    page = (tmp_path / "atlas/pages/a/index.html").read_text()
    assert 'src="files/images/fc8_0000.png"' in page
    assert "../runs" not in page
    assert (tmp_path / "atlas/pages/a/files/images/fc8_0000.png").is_file()
    made()
    assert not (tmp_path / "atlas/pages/a/files").exists()


def test_where_no_atlas_is_made(make_run, tmp_path):
    run = make_run("a")
    with pytest.raises(DgnamError, match="lies in the folder of a run"):
        build([run], run / "atlas")
    with pytest.raises(DgnamError, match="is not empty and holds no atlas"):
        build([run], tmp_path / "runs")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DgnamError, match="no atlas can be made there"):
        build([run], tmp_path / "file")
    (tmp_path / "atlas").mkdir()
    with exclusive(tmp_path / "atlas"), pytest.raises(DgnamError, match="another process"):
        build([run], tmp_path / "atlas")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"runs": 3}', '{"runs": {"a": {"state": "x", "card": {}, "refused": []}}}']
)
def test_a_damaged_manifest_makes_all_again(make_run, made, tmp_path, text):
    make_run("a")
    made()
    (tmp_path / "atlas/atlas.json").write_text(text)
    assert made().made == 1


def test_what_a_kill_left_is_removed(make_run, made, tmp_path):
    folder = make_run("a")
    made()
    for part in (tmp_path / "atlas/.index.html.1.part", tmp_path / "atlas/pages/a/.index.html.2.part"):
        part.write_text("half")
    os.utime(folder / "grid.png", ns=(1, 1))
    made()
    assert list((tmp_path / "atlas").rglob("*.part")) == []


def test_a_folder_without_runs(tmp_path, made):
    (tmp_path / "runs").mkdir()
    assert made().folders == []
    assert "There is no run to show" in index(tmp_path)
