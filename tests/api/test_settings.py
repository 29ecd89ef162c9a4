"""Settings by name and by their four numbers, and first steps that suit a prior's codes."""

import json
from dataclasses import replace

import numpy as np
import pytest

import dgnam
from dgnam import zoo
from dgnam.am import CaffeTarget, L2Decay, Linear, NormPenalty, pixel_preset, released, released_from_image
from dgnam.api.priors import ResolvedPrior, open_prior, suited_steps
from dgnam.api.settings import choose_settings, own_settings, with_steps
from dgnam.api.targets import ResolvedTarget, open_target
from dgnam.errors import DgnamError
from dgnam.zoo import ModelEntry


@pytest.fixture
def narrow(monkeypatch):
    """The small fc6 generator as if its codes had the act_range of fc7, about 2.8 on average."""
    monkeypatch.setattr(ModelEntry, "act_range", lambda entry: np.linspace(1.76, 3.76, 384, dtype=np.float32))
    return open_prior("deepsim-fc6-mini", (56, 56))


@pytest.fixture
def target(tiny_nets):
    return ResolvedTarget(
        CaffeTarget(zoo.load_net(tiny_nets / "target.prototxt", tiny_nets / "target.h5", "target")), "tiny"
    )


@pytest.fixture
def preset():
    """A prior with the settings of a pixel preset."""

    def made(name):
        found = pixel_preset(name, (56, 56))
        return ResolvedPrior(found.prior, name, settings=found.settings)

    return made


def test_the_small_fc6_generator_has_the_published_steps():
    prior, target = open_prior("deepsim-fc6-mini", (56, 56)), open_target("caffenet-mini")
    assert own_settings(target, prior, None) == released()
    assert own_settings(target, prior, "image:cat.jpg") == released_from_image()
    assert own_settings(replace(target, settings=released(start_lr=2.0)), prior, None) == released(start_lr=2.0)


def test_smaller_codes_have_smaller_steps(narrow, target):
    assert own_settings(target, narrow, None) == released(start_lr=1.8)
    assert own_settings(replace(target, settings=released(start_lr=2.0)), narrow, None).schedule.start == 0.46
    assert own_settings(target, narrow, "image:cat.jpg").schedule == Linear(0.23, 1e-10)


def test_published_and_unknown_generators_have_the_published_steps(tiny_nets):
    upper = np.full(4, 2.7, np.float32)
    assert suited_steps("published", upper) == 1
    assert suited_steps("mini", None) == 1
    assert suited_steps("mini", upper) == pytest.approx(2.7 / 12)
    own = open_prior(tiny_nets / "generator.prototxt", (28, 28), weights=tiny_nets / "generator.h5")
    assert own.step_scale == 1


def test_steps_of_other_forms_stay():
    phases = pixel_preset("nguyen2016", (56, 56)).settings
    assert with_steps(phases, 0.5) == phases


def test_a_run_has_and_records_the_size(narrow, target, tmp_path):
    found = dgnam.visualize(
        target.target, "fc8:3", prior="deepsim-fc6-mini", n_iters=2, folder=tmp_path / "run", progress=False
    )
    assert list(found.settings) == [released(n_iters=2, start_lr=1.8)]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["inputs"]["settings"][0]["start_lr"] == 1.8


def test_numbers_go_before_settings(narrow, target):
    def schedule(**numbers):
        return choose_settings(target, narrow, None, **numbers)[0].schedule

    assert schedule() == Linear(1.8, 1e-10)
    assert schedule(start_lr=5) == Linear(5.0, 1e-10)
    assert schedule(end_lr=0.5) == Linear(1.8, 0.5)
    assert schedule(settings="paper") == schedule(settings="released") == Linear(8.0, 1e-10)


def test_lists_make_each_combination(narrow, target):
    found = choose_settings(target, narrow, None, "released", n_iters=[2, 3], start_lr=[4, 8], norm_penalty=0.01)
    assert [(s.n_iters, s.schedule.start) for s in found] == [(2, 4), (2, 8), (3, 4), (3, 8)]
    assert {s.regularizer for s in found} == {NormPenalty(0.01)}


def test_numbers_may_be_numpys(narrow, target):
    given = {"n_iters": np.arange(10, 30, 10), "start_lr": np.float32(4), "l2": np.array([1]), "end_lr": np.float64(0)}
    found = choose_settings(target, narrow, None, **given)
    assert found == [released(n, 4.0, 0.0, 1.0) for n in (10, 20)]
    assert json.dumps([one.as_dict() for one in found])


def test_a_schedule_of_one_size_keeps_to_one_size(target, preset):
    yosinski = preset("yosinski2015")
    (found,) = choose_settings(target, yosinski, None, start_lr=5.0)
    assert found.schedule == Linear(5.0, 5.0)
    assert found.regularizer == yosinski.settings.regularizer
    assert choose_settings(target, yosinski, None, start_lr=5.0, end_lr=1.0)[0].schedule == Linear(5.0, 1.0)


def test_a_presets_own_regularizers_and_phases_stay(target, preset):
    with pytest.raises(DgnamError, match="l2 would replace the prior's own regularizers"):
        choose_settings(target, preset("yosinski2015"), None, l2=0.9)
    with pytest.raises(DgnamError, match="start_lr and end_lr would replace the prior's phases"):
        choose_settings(target, preset("nguyen2016"), None, start_lr=5.0)
    assert choose_settings(target, preset("pixels"), None, l2=0.9)[0].regularizer == L2Decay(0.9)
    assert choose_settings(target, preset("nguyen2016"), None) == [preset("nguyen2016").settings]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"start_lr": -8}, "start_lr"),
        ({"start_lr": 0}, "start_lr"),
        ({"l2": 2}, "l2"),
        ({"n_iters": 0}, "n_iters 0"),
        ({"n_iters": 20.0}, "n_iters 20.0: give a whole number"),
        ({"l2": 0.9, "norm_penalty": 0.1}, "one of the two"),
        ({"n_iters": []}, "n_iters: the list is empty"),
        ({"n_iters": [5, 9, 5]}, "n_iters 5 is given twice"),
        ({"start_lr": np.array([1.0, 1.0])}, "start_lr 1.0 is given twice"),
        ({"settings": ["released", "released"]}, "settings released is given twice"),
    ],
)
def test_numbers_that_cannot_be_are_errors(target, narrow, numbers, message):
    with pytest.raises(DgnamError, match=message):
        choose_settings(target, narrow, None, **numbers)
