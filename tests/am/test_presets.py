"""The published combinations: their constants, and what they do to a unit of a small trained net."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dgnam import zoo
from dgnam.am import (
    PIXEL_PRESETS,
    AdaGradStep,
    AdamStep,
    Blur,
    CaffeTarget,
    ClipSmallContribution,
    ClipSmallNorm,
    ColorRange,
    CompositeRegularizer,
    Denoise,
    FixedIncreaseStep,
    FourierPrior,
    GradientStep,
    Jitter,
    Job,
    L2Decay,
    L2Penalty,
    MeanImageStart,
    NoiseStart,
    NormBall,
    NormPower,
    Phases,
    RandomAffine,
    TotalVariation,
    Unit,
    gather,
    pixel_preset,
    synthesize,
    without_prior,
)
from dgnam.am.presets import default_gain
from dgnam.errors import DgnamError

FULL = (227, 227)
UNITS = (3, 20, 41)


@pytest.fixture(scope="module")
def target():
    return CaffeTarget(zoo.load("caffenet-mini"))


def made(target, name, steps=None):
    preset = pixel_preset(name, target.size)
    settings = preset.settings if steps is None else replace(preset.settings, n_iters=steps)
    jobs = [Job(Unit("fc8", unit), 0, settings) for unit in UNITS]
    codes = preset.start_codes([0] * len(jobs))
    return gather(
        synthesize(target, preset.prior, jobs, clip=preset.clip, start_codes=codes, progress=False, batch_size=3)
    )


def test_names_are_those_of_the_papers():
    names = ["pixels", "simonyan2014", "yosinski2015", "yosinski2015-b", "yosinski2015-c", "yosinski2015-d"]
    assert [*names, "nguyen2016", "mahendran2016", "olah2017"] == list(PIXEL_PRESETS)
    sources = [pixel_preset(name, FULL).source for name in PIXEL_PRESETS]
    assert all("arXiv" in source or "doi" in source for source in sources[1:])


def test_pixels_are_the_control():
    preset = pixel_preset("pixels", FULL)
    assert preset.settings == without_prior()
    assert preset.clip.lower[:, 0, 0].tolist() == [-104, -117, -123]
    assert preset.start_codes([5]).std() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("name", "steps", "rate", "update_rule", "parts"),
    [
        ("yosinski2015-b", 500, 100, FixedIncreaseStep(2.0), (Blur(0.5, 4), ClipSmallNorm(50))),
        ("yosinski2015-c", 750, 100, GradientStep(), (L2Decay(0.7), ClipSmallNorm(20))),
        ("yosinski2015", 1000, 100, GradientStep(), (L2Decay(0.9999), Blur(1.0, 4))),
        ("yosinski2015-d", 1000, 1e8, FixedIncreaseStep(2.0), (Blur(0.5, 4), ClipSmallContribution(90))),
    ],
)
def test_yosinskis_four_rows(name, steps, rate, update_rule, parts):
    preset = pixel_preset(name, FULL)
    settings = preset.settings
    assert (settings.n_iters, settings.update_rule) == (steps, update_rule)
    assert settings.step_size(0) == settings.step_size(steps - 1) == rate
    assert settings.regularizer == CompositeRegularizer((*parts, ColorRange()))
    assert preset.start_codes([0]).std() == pytest.approx(10, rel=0.01)


def test_simonyans_start_is_0_and_l2_a_penalty():
    preset = pixel_preset("simonyan2014", FULL)
    assert not preset.start_codes([0, 1]).any()
    assert isinstance(preset.settings.regularizer, L2Penalty)
    assert preset.settings.update_rule == GradientStep()
    assert preset.clip is None


def test_nguyens_phases_and_late_center():
    preset = pixel_preset("nguyen2016", FULL)
    settings = preset.settings
    assert settings.n_iters == 190 + 150 + 150 + 30 + 10
    assert [settings.step_size(i) for i in (0, 190, 340, 490, 520)] == [11, 6, 1, 3, 6]
    parts = settings.regularizer.parts
    assert [(p.first, p.until) for p in parts] == [(0, 190), (190, 340), (340, 490), (490, 520), (520, 530), (490, 520)]
    assert parts[2].regularizer == Denoise(0.01, 2.0, 150)
    assert parts[5].regularizer.margin * 227 == 50
    assert np.allclose(preset.start_codes([0]).mean((0, 2, 3)), [71, 58, 52], atol=0.2)


def test_start_of_a_preset_may_be_replaced(tmp_path):
    Image.new("RGB", (9, 9), (10, 20, 30)).save(tmp_path / "picture.png")
    preset = replace(pixel_preset("nguyen2016", (56, 56)), start=MeanImageStart.of(tmp_path / "picture.png"))
    assert preset.start_codes([0, 1])[1, :, 5, 5].tolist() == [30 - 104, 20 - 117, 10 - 123]


def test_mahendrans_regularizers_jitter_and_momentum():
    preset = pixel_preset("mahendran2016", FULL)
    assert preset.prior.image_size == (234, 234)
    assert (preset.settings.transform, preset.settings.update_rule) == (Jitter(8), AdaGradStep(0.9))
    norm, variation, ball = preset.settings.regularizer.parts
    assert isinstance(norm, NormPower)
    assert isinstance(variation, TotalVariation)
    assert (norm.power, variation.power, ball) == (6, 2, NormBall(160))
    assert variation.weight / norm.weight == pytest.approx((6.5 / 80) ** 2 * 80**6)
    starts = preset.start_codes([0])
    assert np.quantile(starts, 0.95) == pytest.approx(80 / 3**0.5, rel=0.01)


def test_olah_has_lucids_defaults():
    preset = pixel_preset("olah2017", (224, 224))
    assert isinstance(preset.prior, FourierPrior)
    assert (preset.clip, preset.start) == (None, NoiseStart(0.01))
    settings = preset.settings
    assert (settings.n_iters, settings.step_size(0), settings.step_size(511)) == (512, 0.05, 0.05)
    assert settings.update_rule == AdamStep(0.9, 0.999)
    assert settings.transform == RandomAffine(8, 0.1, 10, 4)
    assert pixel_preset("olah2017", (56, 56), scale=0.25).settings.transform == RandomAffine(2, 0.1, 10, 1)


def test_jobs_of_a_fourier_batch_equal_single_runs(target):
    preset = pixel_preset("olah2017", target.size, scale=0.25)
    jobs = [Job(Unit("fc8", unit), unit, replace(preset.settings, n_iters=6)) for unit in UNITS]

    def run(jobs):
        codes = preset.start_codes([job.seed for job in jobs])
        return gather(synthesize(target, preset.prior, jobs, clip=None, start_codes=codes, progress=False))

    together = run(jobs)
    assert together.codes.tobytes() == run(jobs).codes.tobytes()
    for row, job in enumerate(jobs):
        alone = run([job])
        assert np.abs(together.images[row] - alone.images[0]).max() < 2.0
        assert np.allclose(together.activations[row], alone.activations[0], rtol=1e-2, atol=1e-2)


def test_scale_affects_lengths_and_gain_rates():
    settings = pixel_preset("yosinski2015", (56, 56), scale=0.5, gain=3.0).settings
    assert settings.regularizer.parts[1] == Blur(0.5, 4)
    assert settings.step_size(0) == 300
    assert pixel_preset("yosinski2015", (224, 224)).settings == pixel_preset("yosinski2015", FULL).settings
    assert pixel_preset("mahendran2016", FULL, scale=0.5).prior.image_size == (230, 230)
    assert pixel_preset("mahendran2016", (40, 90)).prior.image_size == (47, 97)


@pytest.mark.parametrize("name", list(PIXEL_PRESETS))
def test_each_preset_is_recorded_and_runs(target, name):
    preset = pixel_preset(name, target.size)
    record = preset.settings.as_dict()
    assert record["n_iters"] == preset.settings.n_iters
    result = made(target, name, steps=3)
    assert result.images.shape == (3, 3, 56, 56)
    assert np.isfinite(result.images).all()


@pytest.mark.parametrize(
    ("name", "steps", "rise"),
    [("pixels", 60, 15), ("simonyan2014", None, 12), ("mahendran2016", 150, 5), ("olah2017", 60, 8)],
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
def test_unknown_names_and_numbers_raise(options, message):
    with pytest.raises(DgnamError, match=message):
        pixel_preset(*options)


def test_simonyans_numbers_at_any_gain():
    for gain in (1.0, 4.0):
        settings = pixel_preset("simonyan2014", FULL, gain=gain).settings
        assert (settings.n_iters, settings.step_size(0), settings.step_size(199)) == (200, 100 * gain, 100 * gain)
        assert settings.regularizer.weight == 5e-5 / gain
    assert pixel_preset("simonyan2014", FULL).settings == pixel_preset("simonyan2014", FULL, 1.0, 1.0).settings


def test_nguyens_steps_and_weights():
    settings = pixel_preset("nguyen2016", FULL).settings
    rows = [(190, 11.0, 11.0), (150, 6.0, 6.0), (150, 1.0, 1.0), (30, 3.0, 3.0), (10, 6.0, 3.0)]
    assert settings.schedule == Phases.of(rows)
    denoise = [part.regularizer for part in settings.regularizer.parts[:5]]
    weights = [(0.001, 0.05, 190), (0.01, 0.08, 150), (0.01, 2.0, 150), (0.1, 2.0, 30), (0.01, 2.0, 10)]
    assert denoise == [Denoise(*row) for row in weights]
    assert pixel_preset("nguyen2016", FULL).start == NoiseStart(8, gray=175)


def test_mahendrans_weights_and_rate():
    preset = pixel_preset("mahendran2016", FULL)
    weight = 10_000 / (355**2 * 30)  # of the objective, of which all is divided
    norm, variation, _ = preset.settings.regularizer.parts
    assert norm.weight == pytest.approx(80**-6 / weight)
    assert variation.weight == pytest.approx((6.5 / 80) ** 2 / weight)
    rate = 234 * 234 * 0.05 * 6400 / 6 * weight
    assert preset.settings.step_size(0) == preset.settings.step_size(299) == pytest.approx(rate)
    assert (preset.settings.n_iters, preset.start) == (300, NoiseStart(80 / 3**0.5 / 0.9, uniform=True))
    half = pixel_preset("mahendran2016", (100, 50), scale=0.5)
    assert half.settings.transform == Jitter(4)
    small = 10_000 / (355 / 227) ** 2 / 5000 / 30
    assert half.settings.regularizer.parts[1].weight == pytest.approx((3.25 / 80) ** 2 / small)
    assert half.settings.step_size(0) == pytest.approx(103 * 53 * 0.05 * 6400 / 6 * small)
    assert pixel_preset("mahendran2016", FULL, scale=0.01).settings.transform == Jitter(1)


def test_other_presets_at_a_scale():
    settings = pixel_preset("yosinski2015-b", (64, 64), scale=0.5, gain=3.0).settings
    assert settings.regularizer.parts[:2] == (Blur(0.25, 4), ClipSmallNorm(50))
    assert settings.step_size(0) == 300
    assert pixel_preset("yosinski2015-c", (64, 64), gain=3.0).settings.step_size(0) == 300
    fourth = pixel_preset("yosinski2015-d", (64, 64), scale=0.5, gain=3.0).settings
    assert (fourth.regularizer.parts[0], fourth.step_size(0)) == (Blur(0.25, 4), 1e8)
    assert pixel_preset("olah2017", FULL).settings.regularizer == L2Decay(1.0)


def test_the_gain_of_a_size():
    assert [default_gain(size) for size in ((227, 227), (300, 300), (56, 56), (112, 56))] == [1, 1, 67, 24]
    assert pixel_preset("yosinski2015", (56, 56)).settings.step_size(0) == 6700


def test_sizes_and_numbers_end_where_the_messages_say():
    assert pixel_preset("pixels", (2, 2)).prior.image_size == (2, 2)
    for size in ((1, 2), (2, 1), (4,), (4, 4, 4)):
        with pytest.raises(DgnamError, match="each at least 2 pixels"):
            pixel_preset("pixels", size)
    for scale, gain in ((-1.0, 1.0), (1.0, 0.0), (float("inf"), 1.0)):
        with pytest.raises(DgnamError, match="give a finite number above 0"):
            pixel_preset("pixels", FULL, scale, gain)
