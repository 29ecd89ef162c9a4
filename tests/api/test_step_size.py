"""The first step's size where nobody chose one: the published one, or one that suits a small prior's codes."""

import json
from dataclasses import replace

import numpy as np
import pytest

import dgnam
from dgnam.am import CaffeTarget, Linear, pixel_recipe, released, released_from_image
from dgnam.api import models as cast
from dgnam.api import open_prior, open_target
from dgnam.api.request import Request, usual_settings, with_steps
from dgnam.zoo import registry as zoo


@pytest.fixture
def narrow(monkeypatch):
    """The small fc6 generator as if its codes had the act_range of fc7, about 2.8 on average."""
    monkeypatch.setattr(zoo.ModelEntry, "act_range", lambda entry: np.linspace(1.76, 3.76, 384, dtype=np.float32))
    return open_prior("deepsim-fc6-mini", (56, 56))


@pytest.fixture
def target(nets):
    return cast.TargetInfo(CaffeTarget(zoo.load_net(nets / "target.prototxt", nets / "target.h5", "target")), "tiny")


def test_the_small_fc6_generator_has_the_published_steps():
    prior, target = open_prior("deepsim-fc6-mini", (56, 56)), open_target("caffenet-mini")
    assert usual_settings(target, prior, None) == released()
    assert usual_settings(target, prior, "image:cat.jpg") == released_from_image()
    assert usual_settings(replace(target, settings=released(start_lr=2.0)), prior, None) == released(start_lr=2.0)


def test_smaller_codes_have_smaller_steps(narrow, target):
    assert usual_settings(target, narrow, None) == released(start_lr=1.8)
    assert usual_settings(replace(target, settings=released(start_lr=2.0)), narrow, None).schedule.start == 0.46
    assert usual_settings(target, narrow, "image:cat.jpg").schedule == Linear(0.23, 1e-10)


def test_published_and_unknown_generators_have_the_published_steps(nets):
    upper = np.full(4, 2.7, np.float32)
    assert cast.suited_steps("published", upper) == 1
    assert cast.suited_steps("mini", None) == 1
    assert cast.suited_steps("mini", upper) == pytest.approx(2.7 / 12)
    own = open_prior(nets / "generator.prototxt", (28, 28), nets / "generator.h5")
    assert own.step_scale == 1


def test_steps_of_other_forms_stay():
    phases = pixel_recipe("nguyen2016", (56, 56)).settings
    assert with_steps(phases, 0.5) == phases


def test_a_run_has_and_records_the_size(narrow, target, tmp_path):
    found = dgnam.visualize(target.target, "fc8:3", prior="deepsim-fc6-mini", folder=tmp_path / "run", progress=False)
    assert found.settings == [released(start_lr=1.8)]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["record"]["settings"][0]["start_lr"] == 1.8


def test_options_of_a_command_go_before_it(narrow, nets):
    def first_step(**options):
        files = {"weights": str(nets / "target.h5"), "prior": "deepsim-fc6-mini"}
        return Request(str(nets / "target.prototxt"), "fc8:3", **files, **options).plan().jobs[0].settings.schedule

    assert first_step() == Linear(1.8, 1e-10)
    assert first_step(lr=(5.0,)) == Linear(5.0, 1e-10)
    assert first_step(end_lr=0.5) == Linear(1.8, 0.5)
    assert first_step(settings="paper") == first_step(settings="released") == Linear(8.0, 1e-10)
