"""What is found in a run's folder."""

from dgnam.atlas.content import Content
from dgnam.atlas.run_files import RunFiles


def test_tables_figures_and_numbers(make_run, tmp_path):
    folder = make_run("a")
    (folder / "generations.csv").write_text("generation,best\n0,1.5\n1,2.5\n")
    (folder / "empty.csv").write_text("\n")
    (folder / "result.json").write_text('{"best_trial": 2}')
    for name in ("zebra.png", "overview.png", "traces.png"):
        (folder / name).write_bytes((folder / "grid.png").read_bytes())
    found = Content.read(RunFiles(folder, tmp_path / "page"))
    assert (found.pictures.name, found.count) == ("summary.csv", 3)
    assert [table.name for table in found.tables] == ["generations.csv"]
    assert found.figures == ["overview.png", "grid.png", "traces.png", "zebra.png"]
    assert found.numbers == {"result.json": {"best_trial": 2}}
    assert found.problems == []


def test_a_linked_table_is_passed_over(make_run, tmp_path):
    folder, other = make_run("a"), make_run("b")
    (folder / "summary.csv").unlink()
    (folder / "summary.csv").symlink_to(other / "summary.csv")
    found = Content.read(RunFiles(folder, tmp_path / "page"))
    assert found.pictures is None
    assert len(found.loose) == 3


def test_the_thumbnail_is_of_pictures_or_a_figure(make_run, tmp_path):
    folder = make_run("a", 0)
    files = RunFiles(folder, tmp_path / "page")
    figure = Content.read(files).thumbnail()
    assert figure[:2] == b"\xff\xd8"
    (folder / "grid.png").unlink()
    assert Content.read(files).thumbnail() is None
