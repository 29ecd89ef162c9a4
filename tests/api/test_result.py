"""What `visualize` gives back: by index, as a table and as figures."""

import os
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

import dgnam
from dgnam.api.result import movie_scale
from dgnam.errors import DgnamError, MissingPackageError


@pytest.fixture(scope="module")
def found(tiny_nets):
    how = {"weights": tiny_nets / "target.h5", "prior": tiny_nets / "generator.prototxt", "clip": "unit"}
    how |= {"prior_weights": tiny_nets / "generator.h5", "labels": tiny_nets / "classes.txt", "progress": False}
    return dgnam.visualize(tiny_nets / "target.prototxt", "fc8:hen,5", n_iters=[2, 4], seeds=2, **how)


def test_movies_of_the_smallest_pictures_can_be_written():
    assert [movie_scale(width) for width in (1, 3, 56, 300)] == [64, 64, 3, 1]


def test_labels_that_are_names_of_folders_in_another_encoding(tiny_nets, tmp_path):
    for name in (b"caf\xe9", *(b"class %d" % number for number in range(9))):
        (tmp_path / "classes" / os.fsdecode(name)).mkdir(parents=True)
    how = {"weights": tiny_nets / "target.h5", "prior": tiny_nets / "generator.prototxt", "clip": "none"}
    how |= {"prior_weights": tiny_nets / "generator.h5", "labels": tmp_path / "classes", "progress": False}
    found = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0-1", n_iters=2, folder=tmp_path / "run", **how)
    assert found.captions[0] == "caf\udce9"
    assert dgnam.load(tmp_path / "run").captions[0] == "caf\\udce9"
    with h5py.File(found.save(tmp_path / "all") / "arrays.h5") as file:
        assert file["captions"].asstr()[0] == "caf\\udce9"


def test_each_picture_has_all_that_belongs_to_it(found):
    assert len(found) == len(list(found)) == 8
    for place, one in enumerate(found):
        assert (one.caption, one.seed) == (found.captions[place], place % 2)
        assert one.settings.n_iters == (2, 2, 4, 4)[place % 4]
        for name in ("image", "raw", "code", "activation", "trace"):
            several = {"activation": "activations", "raw": "raw"}.get(name, f"{name}s")
            assert np.array_equal(getattr(one, name), getattr(found, several)[place], equal_nan=True)
    assert str(found[0].objective) == "fc8:3"
    assert (found[-1].image == found.images[7]).all()
    assert [one.seed for one in found[1:4]] == [1, 0, 1]
    with pytest.raises(IndexError):
        found[8]


def test_one_tells_what_it_is_and_saves_itself(found, tmp_path):
    assert repr(found[0]) == f"<Visualized: hen (fc8:3), seed 0, activation {found.activations[0]:.4g}, 28x28>"
    assert found[0]._repr_png_()[:4] == b"\x89PNG"
    with pytest.raises(DgnamError, match=r"hen\.jpg: give a name that ends in \.png"):
        found[0].save(tmp_path / "hen.jpg")
    with Image.open(found[0].save(tmp_path / "hen.png")) as saved:
        assert (np.asarray(saved) == found.images[0]).all()


def test_a_table_has_a_row_for_each(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows: rows))
    rows = found.to_frame()
    assert [(row["caption"], row["objective"], row["seed"], row["n_iters"], row["steps"]) for row in rows[:3]] == [
        *(("hen", "fc8:3", 0, 2, 2), ("hen", "fc8:3", 1, 2, 2), ("hen", "fc8:3", 0, 4, 4))
    ]
    assert [row["activation"] for row in rows] == found.activations.tolist()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="a DataFrame needs the package pandas: pip install pandas"):
        found.to_frame()


def test_the_traces_are_drawn(found):
    assert found.draw_traces(size=(3, 2), dpi=100).shape == (200, 300, 3)
