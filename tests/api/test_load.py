"""Results from a run's folder alone."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import dgnam
from dgnam.api.load import load
from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Run


@pytest.fixture
def made(tiny_nets, tmp_path):
    """A finished run of two objectives, three seeds and batches of two."""
    how = {
        "weights": tiny_nets / "target.h5",
        "prior": tiny_nets / "generator.prototxt",
        "prior_weights": tiny_nets / "generator.h5",
    }
    how |= {"labels": tiny_nets / "classes.txt", "n_iters": [3, 5], "seeds": 3, "batch_size": 2, "progress": False}
    return dgnam.visualize(tiny_nets / "target.prototxt", "fc8:hen,5", folder=tmp_path / "run", **how)


def test_what_was_made_is_loaded(made, monkeypatch):
    found = load(made.folder)
    for name in ("images", "raw", "codes", "activations", "traces"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    assert list(found.captions) == list(made.captions)
    assert list(found.seeds) == list(made.seeds)
    assert list(found.objectives) == [str(one) for one in made.objectives]
    assert list(found.settings) == [one.as_dict() for one in made.settings]
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows: rows))
    assert found.to_frame() == made.to_frame()
    assert found.title == made.title
    assert np.array_equal(found.grid(), made.grid())
    assert len(found) == 12
    assert "12 images of 28x28" in repr(found)


def test_no_network_is_opened(made, monkeypatch):
    monkeypatch.setattr("dgnam.zoo.load_net", None)
    monkeypatch.setattr("dgnam.zoo.load", None)
    assert load(str(made.folder)).images.shape == (12, 28, 28, 3)


def test_saved_again_it_has_the_names_of_the_run(made, tmp_path):
    load(made.folder).save(tmp_path / "again")
    run = {path.stem for path in (made.folder / "images").iterdir()}
    assert run < {path.stem for path in (tmp_path / "again").iterdir()}


def test_folders_that_hold_no_finished_run(made, tmp_path):
    with pytest.raises(DgnamError, match="holds no run"):
        load(tmp_path)
    (made.folder / "summary.csv").unlink()
    with pytest.raises(DgnamError, match="is not finished: dgnam resume"):
        load(made.folder)
    record = json.loads((made.folder / "run.json").read_text())
    (made.folder / "run.json").write_text(json.dumps({**record, "task": "tune"}))
    with pytest.raises(DgnamError, match="holds a run of 'tune'"):
        load(made.folder)


def _edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "summary.csv").write_text(""),
        lambda folder: (folder / "summary.csv").write_bytes(b"\xff\xfe,\0\n"),
        lambda folder: _edit(folder / "summary.csv", "caption", "label"),
        lambda folder: (folder / "summary.csv").write_text("objective,caption,seed,image\no,x,y,z\n"),
        lambda folder: (folder / "summary.csv").write_text("objective,caption,seed,image\no\n"),
        lambda folder: (folder / "summary.csv").write_text("objective,caption,seed,image\n" + "o,x,1,a.png\n" * 5),
        lambda folder: (folder / "chunks/00001.h5").write_bytes(b"x"),
        lambda folder: (folder / "chunks/00001.h5").unlink(),
        lambda folder: (folder / "chunks.jsonl").write_text(""),
        lambda folder: Run.open(folder).save("00001", {"jobs": np.arange(2)}),
        lambda folder: _edit(folder / "run.json", '"prior": {', '"other": {'),
    ],
)
def test_a_damaged_folder_is_a_format_error(made, damage):
    damage(made.folder)
    with pytest.raises(FormatError):
        assert load(made.folder).images is None
