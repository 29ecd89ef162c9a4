"""Which folders get pages, and why others don't."""

import pytest

from dgnam.atlas.sources import find_sources, steps_in
from dgnam.errors import DgnamError


def slugs(found):
    return [source.slug for source in found.runs]


def test_runs_and_folders_of_runs(make_run, tmp_path):
    make_run("a-1")
    make_run("b-1")
    other = make_run("c-1", within="other")
    assert slugs(find_sources([tmp_path / "runs", other, tmp_path / "runs/a-1"], tmp_path / "atlas")) == [
        *("a-1", "b-1", "c-1")
    ]


def test_folders_without_a_run_have_a_reason(make_run, tmp_path):
    runs = make_run("a-1").parent
    elsewhere = make_run("z-1", within="elsewhere")
    (runs / "foreign").mkdir()
    (runs / "linked").symlink_to(elsewhere)
    (runs / "record").mkdir()
    (runs / "record/run.json").symlink_to(elsewhere / "run.json")
    (runs / ".hidden").mkdir()
    (runs / "file.txt").write_text("x")
    (runs / "atlas").mkdir()
    found = find_sources([runs], runs / "atlas")
    assert slugs(found) == ["a-1"]
    assert {one.name: one.reason.split(":")[0] for one in found.refused} == {
        "foreign": "holds no run",
        "linked": "is a link, which is not followed",
        "record": "its run.json is a link, and a run's folder holds none",
    }
    assert slugs(find_sources([runs / "linked"], tmp_path / "atlas")) == ["linked"]


def test_names_that_no_page_can_have(make_run, tmp_path):
    for within in ("runs", "other"):
        make_run("same", within=within)
    make_run("a <b>&\n")
    found = slugs(find_sources([tmp_path / "runs", tmp_path / "other"], tmp_path / "atlas"))
    assert found[1] == "same"
    assert [slug[:-8] for slug in (found[0], found[2])] == ["a-b-", "same-"]
    assert len(set(found)) == 3


def test_a_place_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DgnamError, match="there is no folder"):
        find_sources([tmp_path / "none"], tmp_path)
    with pytest.raises(DgnamError, match="is not a folder"):
        find_sources([tmp_path / "file"], tmp_path)


def test_steps_of_an_experiment(make_run, tmp_path):
    outer = make_run("fig1", task="reproduce", experiment="fig1")
    make_run("pixels", within="runs/fig1")
    (source,) = find_sources([outer], tmp_path / "atlas").runs
    assert [(step.slug, step.shown) for step in steps_in(source)] == [("pixels", outer / "pixels")]
