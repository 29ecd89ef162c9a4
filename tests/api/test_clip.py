"""What codes are clipped to."""

import numpy as np
import pytest

import dgnam
from dgnam.am import PIXEL_PRESETS, Bounds, act_range_bounds
from dgnam.api.clip import choose_clip
from dgnam.api.priors import open_prior
from dgnam.errors import ArgumentError, DgnamError
from dgnam.runs.chunks import to_bytes


@pytest.fixture
def prior(tiny_nets):
    return open_prior(tiny_nets / "generator.prototxt", (28, 28), weights=tiny_nets / "generator.h5")


@pytest.fixture
def files(tmp_path, upper):
    """An act_range as text and as HDF5."""
    (tmp_path / "r.txt").write_text(" ".join(map(str, upper)) + "\n")
    (tmp_path / "r.h5").write_bytes(to_bytes({"act_range": upper}))
    return tmp_path


def test_the_own_clip_is_the_act_range_where_there_is_one(prior):
    known = open_prior("deepsim-fc6-mini", (56, 56))
    bounds = choose_clip("own", known)
    assert np.array_equal(bounds.upper, known.act_range)
    assert np.all(np.asarray(bounds.lower) == 0)
    presets = [open_prior(name, (56, 56)) for name in PIXEL_PRESETS]
    assert [choose_clip("own", preset) is preset.clip for preset in presets] == [True] * len(presets)


def test_a_generator_that_runs_unclipped_says_so_when_the_run_begins(prior, tiny_nets, tmp_path, recwarn):
    unclipped = pytest.warns(UserWarning, match=r"no act_range of prior 'generator\.prototxt' is known, so its codes")
    how = {"weights": tiny_nets / "target.h5", "prior": prior, "n_iters": 1, "progress": False}
    run = (tiny_nets / "target.prototxt", "fc8:0")
    with unclipped:
        dgnam.visualize(*run, folder=tmp_path / "run", **how)
    with unclipped:
        dgnam.begin_search(tmp_path / "search", prior=prior, method="genetic")
    recwarn.clear()
    dgnam.visualize(*run, folder=tmp_path / "run", resume=True, **how)
    dgnam.open_search(tmp_path / "search", prior=prior)
    dgnam.visualize(*run, clip="none", **how)
    for known in ("deepsim-fc6-mini", "pixels"):
        dgnam.visualize(*run, **{**how, "prior": known})
    with pytest.raises(DgnamError, match="no layer"):
        dgnam.visualize(run[0], "fc9:0", **how)
    assert not recwarn


@pytest.mark.parametrize("name", ["r.txt", "r.h5"])
def test_bounds_are_made_of_a_file_too(files, upper, name):
    for path in (files / name, str(files / name)):
        bounds = act_range_bounds(path)
        assert np.array_equal(np.ravel(bounds.upper), upper)
        assert np.array_equal(np.ravel(bounds.lower), np.zeros(12))
    with pytest.raises(DgnamError, match="no such file"):
        act_range_bounds("nothing.txt")


def test_names(prior):
    assert choose_clip("none", prior) is None
    assert vars(choose_clip("unit", prior)) == {"lower": -1.0, "upper": 1.0}
    with pytest.raises(DgnamError, match="act_range"):
        choose_clip("act_range", prior)


@pytest.mark.parametrize("name", ["r.txt", "r.h5"])
def test_a_file_of_an_act_range(prior, files, upper, name):
    for path in (files / name, str(files / name)):
        bounds = choose_clip(path, prior)
        assert np.array_equal(np.ravel(bounds.upper), upper)


@pytest.mark.parametrize("name", ["r.txt", "r.h5"])
def test_codes_keep_to_the_file_and_the_record_has_its_checksum(tiny_nets, files, upper, name):
    how = {
        "weights": tiny_nets / "target.h5",
        "prior": tiny_nets / "generator.prototxt",
        "progress": False,
        "n_iters": 3,
    }
    how["prior_weights"] = tiny_nets / "generator.h5"
    found = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", clip=files / name, folder=files / "run", **how)
    assert (found.codes >= 0).all()
    assert (found.codes <= upper).all()
    (files / name).write_bytes((files / name).read_bytes().replace(b"8.0", b"9.0"))
    if name.endswith(".h5"):
        (files / name).write_bytes(to_bytes({"act_range": upper + 1}))
    with pytest.raises(DgnamError, match=r"cannot resume .*: clip\.upper changed"):
        dgnam.visualize(
            tiny_nets / "target.prototxt", "fc8:0", clip=files / name, folder=files / "run", resume=True, **how
        )


def test_an_act_range_of_another_size_is_refused(tiny_nets, tmp_path):
    (tmp_path / "r.txt").write_text("1 2 3\n")
    how = {"weights": tiny_nets / "target.h5", "prior": tiny_nets / "generator.prototxt", "folder": tmp_path / "run"}
    how["prior_weights"] = tiny_nets / "generator.h5"
    with pytest.raises(DgnamError, match="the bounds are of 3 neurons"):
        dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", clip=tmp_path / "r.txt", **how)
    assert not (tmp_path / "run").exists()


def test_bounds_and_what_is_none(prior):
    bounds = Bounds(-1.0, 1.0)
    assert choose_clip(bounds, prior) is bounds
    with pytest.raises(DgnamError, match="clip 'act_rang': give an act_range file, or one of act_range"):
        choose_clip("act_rang", prior)
    with pytest.raises(DgnamError, match="no such file"):
        choose_clip("nothing.txt", prior)
    for wrong in (None, 5, {}):
        with pytest.raises(ArgumentError, match="give Bounds, an act_range file, or one of own"):
            choose_clip(wrong, prior)
