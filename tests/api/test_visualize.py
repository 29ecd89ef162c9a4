"""The one call: what it takes, what it gives back, and how that shows itself."""

import csv
import io
import json
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dgnam
from dgnam import zoo
from dgnam.am import (
    CaffeTarget,
    CodeFileStart,
    GeneratorPrior,
    Jitter,
    RandomStart,
    TorchTarget,
    Unit,
    act_range_bounds,
    batch_size,
    random_code,
    released,
    released_from_image,
)
from dgnam.am.images import picture
from dgnam.am.starts.code_file import read_codes
from dgnam.api.result import Arrays, Visualization
from dgnam.api.targets import open_target
from dgnam.caffe.modules import precision
from dgnam.errors import DgnamError

FEW = released(n_iters=4)


@pytest.fixture
def target(tiny_nets):
    return CaffeTarget(zoo.load_net(tiny_nets / "target.prototxt", tiny_nets / "target.h5", "target"))


@pytest.fixture
def prior(tiny_nets):
    return GeneratorPrior(zoo.load_net(tiny_nets / "generator.prototxt", tiny_nets / "generator.h5", "generator"))


@pytest.fixture
def files(tiny_nets):
    """What `visualize` is told of the tiny nets on disk."""
    return {
        "weights": tiny_nets / "target.h5",
        "labels": tiny_nets / "classes.txt",
        "prior": tiny_nets / "generator.prototxt",
        "prior_weights": tiny_nets / "generator.h5",
        "settings": FEW,
        "progress": False,
    }


def test_files_of_ones_own(tiny_nets, files):
    found = dgnam.visualize(tiny_nets / "target.prototxt", ["fc8:hen", Unit("conv5", 2, 3)], seeds=3, **files)
    assert found.images.shape == (6, 28, 28, 3)
    assert found.images.dtype == np.uint8
    assert found.codes.shape == (6, 12)
    assert found.traces.shape == (6, 4)
    assert list(found.captions) == ["hen"] * 3 + ["conv5:2@3,3"] * 3
    assert list(found.seeds) == [0, 1, 2] * 2
    assert np.array_equal(found.activations, found.traces[:, -1])
    assert np.array_equal(found.images[4], picture(found.raw[4]))


def test_objects_give_what_their_files_give(tiny_nets, files, target, prior):
    by_name = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:3", seeds=2, **files)
    by_value = dgnam.visualize(target, Unit("fc8", 3), prior=prior, seeds=[0, 1], settings=FEW, progress=False)
    assert np.array_equal(by_name.codes, by_value.codes)
    assert np.array_equal(by_name.images, by_value.images)


def test_the_clip_is_what_is_asked_for(target, prior, upper):
    free, unit, own = (
        dgnam.visualize(target, "fc8:1", prior=prior, settings=FEW, clip=clip, progress=False).codes
        for clip in ("none", "unit", act_range_bounds(upper))
    )
    assert np.abs(free).max() > 1
    assert np.abs(unit).max() <= 1
    assert (own >= 0).all()
    assert (own <= upper).all()


def test_labels_may_be_a_list(target, prior):
    names = [f"sort {k}, kind {k}" for k in range(10)]
    found = dgnam.visualize(target, "fc8:kind 7", prior=prior, labels=names, settings=FEW, progress=False)
    assert found.objectives[0] == Unit("fc8", 7)
    assert found.captions[0] == "sort 7"


def test_a_torch_module_of_another_size(prior):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 22 * 19, 5))
    target = TorchTarget(module, (70, 60))
    found = dgnam.visualize(target, "3:2", prior=prior, settings=FEW, progress=False)
    assert found.images.shape == (1, 70, 60, 3)


def test_several_networks(target, prior):
    found = dgnam.visualize(
        {"a": target, "b": target}, "a.fc8:3 + b.fc8:4", prior=prior, settings=FEW, progress=False, device="cpu"
    )
    alone = dgnam.visualize(target, "fc8:3 + 1*fc8:4", prior=prior, settings=FEW, progress=False)
    assert np.allclose(found.codes, alone.codes, atol=1e-5)


def test_a_pixel_prior_brings_its_start_and_settings(target):
    found = dgnam.visualize(target, "fc8:3", prior="mahendran2016", progress=False)
    assert found.traces.shape == (1, 300)
    assert found.activations[0] > found.traces[0, 0]
    assert found.settings[0].transform is not None
    other = dgnam.visualize(target, "fc8:3", prior="mahendran2016", seeds=[1], settings=FEW, progress=False)
    assert other.traces.shape == (1, 4)


def test_a_folder_is_saved_and_resumed(tiny_nets, files, tmp_path):
    how = {"seeds": 3, "batch_size": 2, "folder": tmp_path / "run", **files}
    first = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", **how)
    (tmp_path / "run/chunks/00001.h5").unlink()
    again = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", resume=True, **how)
    assert np.array_equal(first.codes, again.codes)
    assert (tmp_path / "run/grid.png").is_file()
    with pytest.raises(DgnamError, match="not empty"):
        dgnam.visualize(tiny_nets / "target.prototxt", "fc8:0", **how)
    with pytest.raises(DgnamError, match=r"cannot resume .*: objectives\[0\].* changed"):
        dgnam.visualize(tiny_nets / "target.prototxt", "fc8:1", resume=True, **how)


def test_a_precision_is_recorded_and_resumed(tiny_nets, files, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)
    net, how = tiny_nets / "target.prototxt", {"seeds": 3, "batch_size": 2, "precision": "bfloat16", **files}
    first = dgnam.visualize(net, "fc8:0", folder=tmp_path / "run", **how).codes
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["spec"]["precision"] == record["inputs"]["precision"] == "bfloat16"
    (tmp_path / "run/chunks/00001.h5").unlink()
    again = dgnam.visualize(net, "fc8:0", folder=tmp_path / "run", resume=True, **how).codes
    assert np.array_equal(first, again)
    how["precision"] = "float32"
    with pytest.raises(DgnamError, match=r"cannot resume .*: precision changed"):
        dgnam.visualize(net, "fc8:0", folder=tmp_path / "run", resume=True, **how)
    full = dgnam.visualize(net, "fc8:0", folder=tmp_path / "full", **how).codes
    assert (full != first).any()
    assert "precision" not in json.loads((tmp_path / "full/run.json").read_text())["inputs"]


def test_a_chosen_batch_size_is_recorded_and_taken_again(tiny_nets, files, tmp_path, monkeypatch):
    net, how = tiny_nets / "target.prototxt", {"folder": tmp_path / "run", "seeds": 5, **files}
    monkeypatch.setattr(batch_size, "SMALL", 0)
    monkeypatch.setattr(batch_size, "FIRST", 1)
    monkeypatch.setattr(batch_size, "GAIN", 0)  # nothing is as much faster
    first = dgnam.visualize(net, "fc8:0", **how).codes
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert (record["spec"]["batch_size"], record["inputs"]["batch_size"]) == ("auto", 1)
    begun = json.loads((tmp_path / "run/events.jsonl").read_text().splitlines()[0])
    assert begun["batch"]["size"] == 1
    assert set(begun["batch"]["seconds"]) == {"1", "2"}
    monkeypatch.undo()  # now it would be 100
    (tmp_path / "run/chunks/00003.h5").unlink()
    assert np.array_equal(dgnam.visualize(net, "fc8:0", resume=True, **how).codes, first)
    assert json.loads((tmp_path / "run/run.json").read_text()) == record
    other = dgnam.visualize(net, "fc8:0", **{**how, "folder": tmp_path / "other"})
    assert json.loads((tmp_path / "other/run.json").read_text())["inputs"]["batch_size"] == 100
    assert np.array_equal(other.codes, first)
    for wrong, words in (("all", "batch_size 'all': give a whole number, or 'auto'"), (0, "batch_size 0 must be at")):
        with pytest.raises(DgnamError, match=words):
            dgnam.visualize(net, "fc8:0", batch_size=wrong, **files)


def test_a_start_may_be_given(target, prior):
    class Twice(RandomStart):
        def codes(self, seeds, shape):
            return 2 * super().codes(seeds, shape)

    tiny = released(n_iters=1, start_lr=1e-30, l2=1)
    found = dgnam.visualize(target, "fc8:0", prior=prior, start=Twice(), settings=tiny, clip="none", progress=False)
    assert np.allclose(found.codes, 2 * random_code(0, (1, 12)))


def test_seeds_that_give_the_same_image_are_told(target, prior, tmp_path):
    options = {"prior": prior, "seeds": 3, "clip": "none", "progress": False}
    np.save(tmp_path / "two.npy", RandomStart().codes([0, 1], prior.code_shape))
    codes = CodeFileStart(tmp_path / "two.npy")
    jittered = replace(FEW, transform=Jitter(2))
    with pytest.warns(UserWarning, match="seeds 0 and 2 begin at the same code.* jitter make others"):
        found = dgnam.visualize(target, "fc8:0", start=codes, settings=FEW, **options)
    assert (found.raw[0] == found.raw[2]).all()
    assert (found.raw[0] != found.raw[1]).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        dgnam.visualize(target, "fc8:0", settings=FEW, **options)
        dgnam.visualize(target, "fc8:0", start=codes, settings=jittered, **options)
        dgnam.visualize(target, "fc8:0", start=codes, settings=FEW, **{**options, "seeds": 2})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": None}, "say what to maximize"),
        ({"objective": "fc8:0", "seeds": 0}, "seeds 0"),
        ({"objective": "fc8:0", "seeds": 10**12}, "images are too many for one run: at most 10,000,000"),
        ({"objective": "fc8:0", "seeds": [1, 1]}, "seed 1 is given twice"),
        ({"objective": ["fc8:0", "fc8:0"]}, "objective fc8:0 is given twice"),
        ({"objective": "fc8:0", "prior": "deepsim-fc6-min"}, "deepsim-fc6-mini"),
        ({"objective": "fc8:0", "prior": "caffenet-mini"}, "is a classifier"),
        ({"objective": "fc8:0", "weights": "x.h5"}, "leave weights out"),
        (
            {"objective": "fc8:one", "labels": ["one"]},
            r"labels: has 1 class \(one\), and no layer of .* has 1 units; .*fc8 \(10\)",
        ),
        ({"objective": "fc8:0", "movies": [".gif"]}, "need a folder"),
        ({"objective": "fc8:0", "resume": True}, "needs the folder"),
        ({"objective": "fc8:0", "clip": "act-range"}, "act_range"),
    ],
)
def test_what_cannot_be_done_is_a_clear_error(target, prior, arguments, message):
    options = {"prior": prior, "settings": FEW, "progress": False, **arguments}
    with pytest.raises(DgnamError, match=message):
        dgnam.visualize(target, **options)


@pytest.mark.parametrize("factor", [float("nan"), 1e38])
def test_activations_that_are_not_finite_leave_a_whole_run(prior, tmp_path, factor):
    class Broken(nn.Module):
        def forward(self, images):
            return images.abs().mean((2, 3)) * factor * 1e10

    target = TorchTarget(nn.Sequential(Broken()), (32, 32))
    how = {"prior": prior, "settings": FEW, "progress": False, "folder": tmp_path / "run"}
    found = dgnam.visualize(target, "0:1", seeds=2, **how)
    assert not np.isfinite(found.activations).any()
    rows = list(csv.DictReader((tmp_path / "run/summary.csv").open()))
    assert [row["activation"] for row in rows] == ["", ""]
    assert (tmp_path / "run/grid.png").is_file()


def test_a_run_does_not_go_on_with_another_module(prior, tmp_path):
    def other(seed, **how):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1))
        return TorchTarget(module, (32, 32), **how)

    how = {"objective": "2:1", "prior": prior, "settings": FEW, "progress": False, "folder": tmp_path / "run"}
    dgnam.visualize(other(0), **how)
    dgnam.visualize(other(0), resume=True, **how)
    with pytest.raises(DgnamError, match=r"target\.weights changed"):
        dgnam.visualize(other(1), resume=True, **how)
    with pytest.raises(DgnamError, match=r"target\.std"):
        dgnam.visualize(other(0, std=1), resume=True, **how)


def test_names_that_are_too_long_for_files_are_cut(prior, tmp_path):
    inner = nn.ModuleDict({"λ" * 120: nn.Conv2d(3, 2, 3)})

    class Long(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, images):
            return inner["λ" * 120](images)

    how = {"prior": prior, "settings": FEW, "seeds": 2, "progress": False, "folder": tmp_path / "run"}
    dgnam.visualize(TorchTarget(Long(), (32, 32)), [f"inner.{'λ' * 120}:{k}@3" for k in (0, 1)], **how)
    assert len(list((tmp_path / "run/images").glob("*.png"))) == 4


def test_settings_may_be_names_and_seeds_of_numpy(target, prior):
    how = {"prior": prior, "progress": False}
    by_name = dgnam.visualize(target, "fc8:3", settings="from-image", seeds=np.int64(1), **how)
    by_value = dgnam.visualize(
        target, (Unit("fc8", k) for k in [3]), settings=released_from_image(), seeds=np.arange(1), **how
    )
    assert np.array_equal(by_name.codes, by_value.codes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": "ab"}, "seeds 'ab'"),
        ({"seeds": [0.5]}, "seeds"),
        ({"seeds": 1.5}, "seeds 1.5: give a whole number"),
        ({"objective": ["fc8:3", 3]}, "objective 3: give text"),
        ({"settings": "papre"}, "settings 'papre': give one of paper"),
        ({"settings": 3}, "settings 3: give text, a Settings"),
        ({"clip": 3}, "clip 3: give text, a path or a Bounds"),
        ({"clip": None}, "clip None: give text"),
        ({"n_iters": 2.5}, "n_iters 2.5: give a whole number"),
        ({"l2": "a"}, "l2 'a': give a number"),
        ({"start": 3}, "start 3: give text, a Start"),
        ({"objective": [3]}, "objective 3: give text"),
        ({"objective": 3}, "objective 3: give text"),
    ],
)
def test_arguments_of_the_wrong_kind(target, prior, arguments, message):
    how = {"objective": "fc8:3", "prior": prior, "settings": FEW, "progress": False}
    with pytest.raises(DgnamError, match=message):
        dgnam.visualize(target, **(how | arguments))


def test_a_torch_module_alone_lacks_its_preprocessing():
    with pytest.raises(DgnamError, match=r"give TorchTarget\(module, size="):
        dgnam.visualize(nn.Linear(3, 3), "0:1")


@contextmanager
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("surroundings", [torch.no_grad, torch.inference_mode, float64_by_default])
@pytest.mark.parametrize("pixels", [False, True])
def test_what_torch_is_set_to_changes_nothing(tiny_nets, files, surroundings, pixels):
    module = nn.Sequential(nn.Conv2d(3, 2, 5, 3), nn.Flatten(), nn.Linear(128, 3))
    how = {"n_iters": 3, "clip": "none", "progress": False}
    how |= {"prior": "olah2017"} if pixels else {name: files[name] for name in ("prior", "prior_weights")}

    def made():
        caffe = open_target(tiny_nets / "target.prototxt", weights=files["weights"])
        nets = {"a": TorchTarget(module, (28, 28)), "b": caffe}
        return dgnam.visualize(nets, "a.2:1 - 0.3*b.fc8:3 + 0.1*b.conv5:2@all", **how)

    usual = made()
    with surroundings():
        found = made()
    for name in ("images", "raw", "codes", "activations", "traces"):
        own, other = getattr(usual, name), getattr(found, name)
        assert own.dtype == other.dtype
        assert np.array_equal(own, other)


@pytest.fixture
def shown(target, prior):
    return dgnam.visualize(target, "fc8:0-4", prior=prior, settings=FEW, progress=False)


def test_the_grid_shows_all_pictures(shown):
    grid = shown.grid(columns=5, scale=2)
    assert grid.shape[1] > 5 * 56
    assert shown.grid(columns=1, scale=1).shape[0] > 5 * 28
    assert repr(shown).startswith("<Visualization: CaffeTarget, prior GeneratorPrior; 5 images of 28x28")


def test_a_notebook_shows_the_grid(shown):
    with Image.open(io.BytesIO(shown._repr_png_())) as image:
        assert np.array_equal(np.asarray(image), shown.grid())


def test_show_displays_in_a_notebook_and_opens_a_viewer_elsewhere(shown, monkeypatch):
    displayed, opened = [], []
    monkeypatch.setattr(Image.Image, "show", lambda self, title=None: opened.append(title))
    monkeypatch.setitem(sys.modules, "IPython", None)
    shown.show()
    assert opened == [shown.title]
    ipython = SimpleNamespace(get_ipython=lambda: object(), display=SimpleNamespace(display=displayed.append))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    shown.show()
    assert len(displayed) == 1
    assert len(opened) == 1


def test_save_writes_the_grid_or_everything(shown, tmp_path):
    shown.save(tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as image:
        assert np.array_equal(np.asarray(image), shown.grid())
    assert shown.save(tmp_path / "lr-0.5") == tmp_path / "lr-0.5"
    shown.save(tmp_path / "all")
    assert len(list((tmp_path / "all").glob("fc8_*.png"))) == 5
    with h5py.File(tmp_path / "all/arrays.h5") as file:
        assert np.array_equal(file["codes"], shown.codes)
        assert list(file["captions"].asstr()) == list(shown.captions)
        assert list(file["seeds"]) == list(shown.seeds)
        assert dict(file.attrs) == {"title": shown.title}
    assert np.array_equal(read_codes(tmp_path / "all/arrays.h5"), shown.codes)
    with pytest.raises(DgnamError, match="is not empty"):
        shown.save(tmp_path / "all")
    with pytest.raises(DgnamError, match=r"ends in \.png"):
        shown.save(tmp_path / "grid.bmp")


def test_many_long_captions_are_saved(tmp_path):
    count = 300  # an attribute of HDF5 holds 64 kB
    captions = [f"class {k}, {'with a name in many words ' * 10}" for k in range(count)]
    zeros = np.zeros((count, 1), np.float32)
    arrays = Arrays(np.zeros((count, 2, 2, 3), np.uint8), zeros, zeros, zeros[:, 0], zeros)
    options = {"title": "é", "objectives": [None] * count, "settings": [None] * count, "size": (2, 2)}
    Visualization(lambda: arrays, captions=captions, seeds=[2**32 - 1] * count, **options).save(tmp_path / "all")
    with h5py.File(tmp_path / "all/arrays.h5") as file:
        assert list(file["captions"].asstr()) == captions
        assert file["seeds"][-1] == 2**32 - 1
        assert file.attrs["title"] == "é"


def test_dgnam_has_visualize_and_nothing_else_by_accident():
    assert "visualize" in dir(dgnam)
    with pytest.raises(AttributeError, match="no attribute 'visualise'"):
        dgnam.visualise  # noqa: B018


def test_captions_name_the_classes_of_sums(target, prior):
    names = [f"kind {k}" for k in range(10)]
    wanted = Unit("fc8", 7) - 0.5 * Unit("fc8", 2) + Unit("conv5", 1, 3)
    found = dgnam.visualize(target, wanted, prior=prior, labels=names, settings=FEW, progress=False)
    assert found.captions[0] == "kind 7 - 0.5 * kind 2 + conv5:1@3,3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def target():\n    return 1 / 0\n", "calling it fails, with ZeroDivisionError"),
        ("def target(size):\n    return size\n", "calling it fails, with TypeError"),
        ("def target():\n    return 3\n", "is not a Target but returned a int"),
        ("target = 3\n", "has no callable 'target'"),
    ],
)
def test_a_target_in_python_that_is_none(tmp_path, monkeypatch, text, message):
    (tmp_path / "target_of_test.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.delitem(sys.modules, "target_of_test", raising=False)
    with pytest.raises(DgnamError, match=message):
        open_target("target_of_test:target")
