"""A search by files: scores as any spreadsheet saves them, lost trials, re-measurement, status, figures and movies."""

import csv

import numpy as np
import pytest
from PIL import Image

from dgnam.api import lab_files
from dgnam.api.lab import begin_search, open_search
from dgnam.errors import DgnamError, FormatError


@pytest.fixture
def folder(tiny_nets, tmp_path):
    how = {"prior": tiny_nets / "generator.prototxt", "prior_weights": tiny_nets / "generator.h5"}
    begin_search(tmp_path / "neuron", method="genetic", population=4, **how)
    return tmp_path / "neuron"


def red(path):
    return float(np.asarray(Image.open(path))[..., 0].mean())


def fill(folder, name, measure=red, separator=";"):
    """Fill in the table of a folder of stimuli, as a German Excel would."""
    table = folder / "stimuli" / name / "scores.csv"
    with open(table, newline="") as file:
        rows = [row["image"] for row in csv.DictReader(file)]
    cells = [("image", "score"), *((image, f"{measure(table.parent / image):.3f}".replace(".", ",")) for image in rows)]
    table.write_bytes("".join(f"{separator.join(row)}\r\n" for row in cells).encode("utf-8-sig"))
    return table


def generation(folder, measure=red):
    lab_files.ask(folder)
    fill(folder, f"{open_search(folder).generation:05d}", measure)
    return lab_files.tell(folder)


def test_a_table_of_a_european_excel_is_read_to_the_decimals(folder):
    lab_files.ask(folder)
    table = folder / "stimuli/00000/scores.csv"
    table.write_text("image;score\n" + "".join(f"00000-{k:02d}.png;{k},5\n" for k in range(4)))
    assert lab_files.tell(folder)[0] == "generation 0: best 3.5, mean 2"
    assert open_search(folder).scores[0].tolist() == [0.5, 1.5, 2.5, 3.5]


def test_a_decimal_comma_among_commas_is_refused_and_the_generation_stays_open(folder):
    lab_files.ask(folder)
    table = folder / "stimuli/00000/scores.csv"
    table.write_text("image,score\n" + "".join(f"00000-{k:02d}.png,{k},5\n" for k in range(4)))
    with pytest.raises(
        FormatError, match=r"scores\.csv, line 2: '00000-00\.png,0,5' has the cell '5' under no heading"
    ):
        lab_files.tell(folder)
    assert open_search(folder).generation == 0


def test_after_each_generation_there_are_tables_and_figures(folder):
    for _ in range(2):
        generation(folder)
    for name in ("traces.png", "grid.png", "best.png", "mean.png"):
        with Image.open(folder / name) as shown:
            assert shown.width >= 32
    rows = list(csv.DictReader((folder / "generations.csv").open()))
    scores = open_search(folder).scores
    assert [float(row["mean"]) for row in rows] == pytest.approx([one.mean() for one in scores])
    assert [float(row["best"]) for row in rows] == pytest.approx([one.max() for one in scores])


def test_the_best_are_measured_again(folder):
    draw = np.random.RandomState(0)
    neuron = lambda path: draw.poisson(red(path))  # noqa: E731
    for _ in range(3):
        generation(folder, neuron)
    shown = lab_files.ask(folder, remeasure=2, repeats=20)
    made = folder / "stimuli/00003-remeasure-1"
    assert f"made: {made}/" in shown[0]
    assert shown[0].endswith("--remeasure")
    fill(folder, made.name, neuron)
    lines = lab_files.tell(folder, remeasure=True)
    truth = {name: red(made / f"{made.name}-{name}.png") for name in ("mean", "best-1", "best-2")}
    with open(folder / "remeasured.csv") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        assert row["measurements"] == "20"
        assert abs(float(row["mean"]) - truth[name]) < 3.5 * float(row["standard_error"])
    assert lines[1].startswith(f"best-1: {float(rows['best-1']['mean']):.4g} ± ")
    assert "in the search, regressed" in lines[1]
    assert any(line.startswith("measured again: best-1") for line in lab_files.status(folder))
    with pytest.raises(DgnamError, match="nothing is to be measured again after generation 2: dgnam evolve ask"):
        lab_files.tell(folder, remeasure=True)
    # The search itself goes on as if nothing had been.
    generation(folder, neuron)
    assert open_search(folder).generation == 4


def test_a_second_round_of_presentations_is_added(folder):
    generation(folder)
    for number in (1, 2):
        lab_files.ask(folder, remeasure=1, repeats=3)
        fill(folder, f"00001-remeasure-{number}")
        lab_files.tell(folder, remeasure=True)
    with open(folder / "remeasured.csv") as file:
        assert [row["measurements"] for row in csv.DictReader(file)] == ["6", "6"]


def test_lost_trials_are_counted(folder):
    lab_files.ask(folder)
    table = folder / "stimuli/00000/scores.csv"
    table.write_text("image,score\n00000-00.png,4\n00000-01.png,lost\n00000-02.png,6\n")
    with pytest.raises(FormatError, match=r"1 of 4 pictures have no score, the first of them 00000-03\.png"):
        lab_files.tell(folder)
    lines = lab_files.tell(folder, allow_lost=True)
    assert lines[0] == "generation 0: best 6, mean 5, 2 trials lost"
    assert "1 generations, 4 pictures scored, 2 trials lost" in lab_files.status(folder)
    assert np.isnan(open_search(folder).scores[0]).tolist() == [False, True, False, True]


def test_status_tells_what_is_next(folder):
    assert lab_files.status(folder)[1:] == ["no generation has been scored yet", f"next: dgnam evolve ask {folder}"]
    lab_files.ask(folder)
    table = folder / "stimuli/00000/scores.csv"
    assert lab_files.status(folder)[-1] == f"next: fill in {table}, then dgnam evolve tell {folder}"
    fill(folder, "00000")
    lab_files.tell(folder)
    scores = open_search(folder).scores[0]
    text = "\n".join(lab_files.status(folder))
    assert f"best {scores.max():.6g}, in generation 0, by a single score" in text
    lab_files.ask(folder, remeasure=1)
    assert lab_files.status(folder)[-1].endswith("--remeasure")


def test_status_of_other_runs(folder, tmp_path):
    with pytest.raises(DgnamError, match="holds no run"):
        lab_files.status(tmp_path)
    record = folder / "run.json"
    record.write_text(record.read_text().replace('"task": "search"', '"task": "tune"'))
    with pytest.raises(DgnamError, match="holds a run of 'tune', not an evolution"):
        lab_files.status(folder)


def test_a_movie_of_the_mean_code(folder):
    with pytest.raises(DgnamError, match="has no generation to show in a movie yet"):
        lab_files.movie(folder)
    for _ in range(3):
        generation(folder)
    with Image.open(lab_files.movie(folder)) as movie:
        assert movie.n_frames == 3
    with pytest.raises(DgnamError, match=r"movie '\.avi'"):
        lab_files.movie(folder, "avi")


def test_a_search_killed_between_measurements_loses_none(folder):
    """A chunk without its line, as a kill between the two leaves it."""
    generation(folder)
    lab_files.ask(folder, remeasure=1, repeats=2)
    fill(folder, "00001-remeasure-1")
    lab_files.tell(folder, remeasure=True)
    journal = folder / "chunks.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 2
    journal.write_text(lines[0])
    with pytest.raises(DgnamError, match="nothing is to be measured again"):
        lab_files.tell(folder, remeasure=True)
    assert journal.read_text() == "".join(lines)
