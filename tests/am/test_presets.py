"""The published combinations: their constants, and what they do to a unit of a small trained net."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dgnam.am import (
    PIXEL_RECIPES,
    AdaGrad,
    Blur,
    CaffeTarget,
    ColourRange,
    Denoise,
    Jitter,
    Job,
    L2Penalty,
    MeanImageStart,
    NormBall,
    NormPower,
    Plain,
    Progress,
    Rules,
    Shrink,
    SmallContribution,
    SmallNorm,
    TotalVariation,
    Unit,
    gather,
    pixel_recipe,
    synthesize,
    without_prior,
)
from dgnam.errors import DgnamError
from dgnam.zoo import registry as zoo

FULL = (227, 227)
UNITS = (3, 20, 41)


@pytest.fixture(scope="module")
def target():
    return CaffeTarget(zoo.load("caffenet-mini"))


def made(target, name, steps=None):
    recipe = pixel_recipe(name, target.size)
    settings = recipe.settings if steps is None else replace(recipe.settings, n_iters=steps)
    jobs = [Job(Unit("fc8", unit), 0, settings) for unit in UNITS]
    codes = recipe.start_codes([0] * len(jobs))
    return gather(
        synthesize(target, recipe.prior, jobs, clip=recipe.clip, start_codes=codes, progress=False, batch_size=3)
    )


def test_names_are_those_of_the_papers():
    names = ["pixels", "simonyan2014", "yosinski2015", "yosinski2015-b", "yosinski2015-c", "yosinski2015-d"]
    assert [*names, "nguyen2016", "mahendran2016"] == list(PIXEL_RECIPES)
    sources = [pixel_recipe(name, FULL).source for name in PIXEL_RECIPES]
    assert all("arXiv" in source for source in sources[1:])


def test_pixels_are_the_control():
    recipe = pixel_recipe("pixels", FULL)
    assert recipe.settings == without_prior()
    assert recipe.clip.lower[:, 0, 0].tolist() == [-104, -117, -123]
    assert recipe.start_codes([5]).std() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("name", "steps", "rate", "ascent", "rules"),
    [
        ("yosinski2015-b", 500, 100, Progress(2.0), (Blur(0.5, 4), SmallNorm(50))),
        ("yosinski2015-c", 750, 100, Plain(), (Shrink(0.7), SmallNorm(20))),
        ("yosinski2015", 1000, 100, Plain(), (Shrink(0.9999), Blur(1.0, 4))),
        ("yosinski2015-d", 1000, 1e8, Progress(2.0), (Blur(0.5, 4), SmallContribution(90))),
    ],
)
def test_yosinskis_four_rows(name, steps, rate, ascent, rules):
    recipe = pixel_recipe(name, FULL)
    settings = recipe.settings
    assert (settings.n_iters, settings.ascent) == (steps, ascent)
    assert settings.step_size(0) == settings.step_size(steps - 1) == rate
    assert settings.regularisation == Rules((*rules, ColourRange()))
    assert recipe.start_codes([0]).std() == pytest.approx(10, rel=0.01)


def test_simonyans_start_is_the_mean_image_and_l2_joins_the_score():
    recipe = pixel_recipe("simonyan2014", FULL)
    assert not recipe.start_codes([0, 1]).any()
    assert isinstance(recipe.settings.regularisation, L2Penalty)
    assert recipe.settings.ascent == Plain()
    assert recipe.clip is None


def test_nguyens_phases_are_steps_sizes_weights_and_a_late_one_in_the_middle_alone():
    recipe = pixel_recipe("nguyen2016", FULL)
    settings = recipe.settings
    assert settings.n_iters == 190 + 150 + 150 + 30 + 10
    assert [settings.step_size(i) for i in (0, 190, 340, 490, 520)] == [11, 6, 1, 3, 6]
    parts = settings.regularisation.parts
    assert [(p.first, p.until) for p in parts] == [(0, 190), (190, 340), (340, 490), (490, 520), (520, 530), (490, 520)]
    assert parts[2].rule == Denoise(0.01, 2.0, 150)
    assert parts[5].rule.margin * 227 == 50
    assert np.allclose(recipe.start_codes([0]).mean((0, 2, 3)), [71, 58, 52], atol=0.2)


def test_a_recipe_may_start_from_the_mean_of_pictures(tmp_path):
    Image.new("RGB", (9, 9), (10, 20, 30)).save(tmp_path / "picture.png")
    recipe = replace(pixel_recipe("nguyen2016", (56, 56)), start=MeanImageStart.of(tmp_path / "picture.png"))
    assert recipe.start_codes([0, 1])[1, :, 5, 5].tolist() == [30 - 104, 20 - 117, 10 - 123]


def test_mahendrans_regularisers_jitter_and_momentum():
    recipe = pixel_recipe("mahendran2016", FULL)
    assert recipe.prior.image_size == (234, 234)
    assert (recipe.settings.transform, recipe.settings.ascent) == (Jitter(8), AdaGrad(0.9))
    norm, variation, ball = recipe.settings.regularisation.parts
    assert isinstance(norm, NormPower)
    assert isinstance(variation, TotalVariation)
    assert (norm.power, variation.power, ball) == (6, 2, NormBall(160))
    assert variation.weight / norm.weight == pytest.approx((6.5 / 80) ** 2 * 80**6)
    starts = recipe.start_codes([0])
    assert np.quantile(starts, 0.95) == pytest.approx(80 / 3**0.5, rel=0.01)


def test_scale_is_of_lengths_and_gain_of_rates():
    settings = pixel_recipe("yosinski2015", (56, 56), scale=0.5, gain=3.0).settings
    assert settings.regularisation.parts[1] == Blur(0.5, 4)
    assert settings.step_size(0) == 300
    assert pixel_recipe("yosinski2015", (224, 224)).settings == pixel_recipe("yosinski2015", FULL).settings
    assert pixel_recipe("mahendran2016", FULL, scale=0.5).prior.image_size == (230, 230)


@pytest.mark.parametrize("name", list(PIXEL_RECIPES))
def test_a_recipe_is_recorded_as_text_and_works_from_the_start(target, name):
    recipe = pixel_recipe(name, target.size)
    record = recipe.settings.as_dict()
    assert record["n_iters"] == recipe.settings.n_iters
    result = made(target, name, steps=3)
    assert result.images.shape == (3, 3, 56, 56)
    assert np.isfinite(result.images).all()


@pytest.mark.parametrize(
    ("name", "steps", "rise"), [("pixels", 60, 15), ("simonyan2014", None, 12), ("mahendran2016", 150, 5)]
)
def test_units_rise_well_above_the_start(target, name, steps, rise):
    result = made(target, name, steps)
    assert (result.last_activations > result.activations[:, 0] + rise).all()


def test_priors_make_smoother_images_than_none(target):
    def roughness(name, steps):
        images = made(target, name, steps).images
        return np.abs(np.diff(images, axis=3)).mean() / images.std()

    rough = roughness("pixels", 60)
    assert roughness("yosinski2015", 120) < 0.5 * rough
    assert roughness("mahendran2016", 120) < 0.5 * rough
    assert roughness("nguyen2016", 30) < 0.5 * rough


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("yosinsky2015", FULL), r"no pixel prior 'yosinsky2015'.*closest first: yosinski2015,"),
        (("pixels", FULL, 0.0), "scale 0.0"),
        (("pixels", FULL, 1.0, float("nan")), "gain nan"),
        (("pixels", (0, 56)), r"size \(0, 56\)"),
    ],
)
def test_what_is_no_recipe_is_an_error(options, message):
    with pytest.raises(DgnamError, match=message):
        pixel_recipe(*options)
