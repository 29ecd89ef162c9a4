"""Networks and options in place of an experiment's own: taken, or refused before anything is made."""

from dataclasses import replace
from inspect import signature

import pytest

from dgnam.api.priors import open_prior
from dgnam.api.targets import open_target
from dgnam.errors import DgnamError
from dgnam.experiments import EXPERIMENTS, fig1_output_units, reproduce
from dgnam.experiments.context import Context
from dgnam.experiments.execution import _inputs
from dgnam.experiments.experiment import OPTIONS
from dgnam.experiments.planned import Planned
from dgnam.experiments.replaced import check_networks, check_options, missing_pictures
from dgnam.experiments.sec3_1_prior_layers import structures

OF_THREE = [name for name, one in EXPERIMENTS.items() if one.replacement is None]
OF_CLASSES = [name for name, one in EXPERIMENTS.items() if one.replacement and one.replacement.same_classes]
OF_LAYERS = [name for name, one in EXPERIMENTS.items() if one.replacement and one.replacement.layers]


def made(name, **given):
    """An experiment that has not begun, with these options."""
    usual = {option: one.default for option, one in signature(reproduce).parameters.items()}
    arguments = {**usual, "experiment": name, **given}
    return Context(EXPERIMENTS[name], EXPERIMENTS[name].models[arguments["models"]], arguments)


def check(name, **given):
    context = made(name, **given)
    check_options(context.experiment, context.arguments)
    check_networks(context)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_own_networks_are_what_it_takes(name):
    experiment = EXPERIMENTS[name]
    models = experiment.models["mini"]
    check(name, prior=models.prior, **({} if experiment.replacement is None else {"target": models.target}))


@pytest.mark.parametrize("name", OF_THREE)
@pytest.mark.parametrize("option", ["target", "labels", "labels_layer"])
def test_one_of_networks_trained_for_it_takes_no_other(name, option):
    with pytest.raises(DgnamError, match=f"{name} takes no other target: .* leave {option} out"):
        check(name, **{option: "caffenet-mini"})


@pytest.mark.parametrize("name", sorted({*EXPERIMENTS} - {*OF_THREE}))
def test_clips_and_single_images_are_told_apart(name):
    clips = EXPERIMENTS[name].clips
    with pytest.raises(DgnamError, match="sees single images, and " if clips else "sees clips of 16 frames"):
        check(name, target="action-mini" if clips else "action-lstm-sport-mini")


@pytest.mark.parametrize("name", OF_CLASSES)
def test_other_classes_are_refused(name):
    own = EXPERIMENTS[name].models["mini"].target
    other = "action-lstm-motion-mini" if EXPERIMENTS[name].clips else "control-brg-mini"
    with pytest.raises(DgnamError, match=f"'{other}' does not have the classes of {own}, .*that have them: .*{own}"):
        check(name, target=other)


@pytest.mark.parametrize(("models", "target"), [("mini", "places-alexnet-128"), ("128", "places-alexnet-mini")])
def test_a_size_that_no_judge_takes_is_refused(models, target):
    with pytest.raises(DgnamError, match=f"'{target}' takes images of .*networks that they fit: [^,]*$"):
        check("sec3_2_places", models=models, target=target)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_other_names_of_its_own_target_s_classes_are_refused(name, tmp_path):
    own = made(name).target
    names = tmp_path / "classes.txt"
    names.write_text("".join(f"class{unit} thing {unit}\n" for unit in range(own.target.layer_shape(own.scores)[0])))
    with pytest.raises(DgnamError, match="does not have the classes of"):
        check(name, labels=names)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_layers_that_it_looks_into_are_there(name):
    wanted = EXPERIMENTS[name].replacement
    other = "scene-judge-mini" if "places" in name else "googlenet-mini"
    with pytest.raises(DgnamError, match=rf"'{other}' has no layer '({'|'.join(wanted.layers)})', which {name} looks"):
        check(name, target=other)


@pytest.mark.parametrize("name", [name for name, one in EXPERIMENTS.items() if one.models["mini"].judges])
def test_a_judge_is_no_target(name):
    if EXPERIMENTS[name].replacement is not None:
        with pytest.raises(DgnamError, match="and can't judge its own pictures"):
            check(name, target=EXPERIMENTS[name].models["mini"].judges[0])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_pixels_are_no_prior_in_a_generator_s_place(name):
    with pytest.raises(DgnamError, match=f"prior 'pixels' is no generator, and {name} shows images of codes"):
        check(name, prior="pixels")


def test_a_prior_of_another_layer_is_not_shown_as_fc6():
    check("sec3_1_prior_layers", prior="deepsim-fc6-mini")
    with pytest.raises(DgnamError, match="inverts conv3, and sec3_1_prior_layers sets fc6 against other layers"):
        check("sec3_1_prior_layers", prior="deepsim-conv3-v2-mini")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_option_that_would_be_passed_over_is_refused(name, option):
    value = {"units": [3], "backend": "dgnam"}[option]
    if option in EXPERIMENTS[name].options:
        check(name, **{option: value})
    else:
        with pytest.raises(DgnamError, match=f"{name} takes no {option}: .*; leave {option} out"):
            check(name, **{option: value})


def test_reconstructions_need_a_known_encoder_of_the_target_s_size():
    mine = replace(open_prior("deepsim-fc6-v2-mini", (56, 56)), name="mine", inverts=None)
    check("fig1", prior=mine)
    with pytest.raises(DgnamError, match=r"reconstructs pictures .* encoder of prior 'mine' is not known"):
        check("sec3_1_memorization", prior=mine)
    with pytest.raises(DgnamError, match="and caffenet, which prior 'mine' inverts, sees 227x227 pixels, not 56x56 as"):
        check("sec3_1_memorization", prior=replace(mine, inverts=("caffenet", "fc6")))


@pytest.mark.parametrize(("target", "knows"), [(None, True), ("resnet-mini", True), ("places-alexnet-mini", False)])
def test_pictures_are_set_against_real_ones_of_their_classes(target, knows, monkeypatch):
    seen = []
    monkeypatch.setattr(fig1_output_units, "plausibility", lambda context, steps: seen.append(context) or {})
    context = made("fig1", target=target)
    EXPERIMENTS["fig1"].run(Planned(EXPERIMENTS["fig1"], context.models, context.arguments))
    assert (context.knows_classes, bool(seen)) == (knows, knows)


class Decided(Planned):
    """Keeps the controls of the last claim."""

    def decide(self, claim, parts, controls=None, *, note=""):
        self.controls = {**controls.floor, **controls.ceiling}


def controls_of(name, **given):
    """The controls of an experiment that is counted."""
    context = made(name, **given)
    counted = Decided(EXPERIMENTS[name], context.models, context.arguments)
    EXPERIMENTS[name].run(counted)
    return counted.controls


@pytest.mark.filterwarnings("ignore:Could not determine RMS error")
def test_of_another_target_its_own_clips_are_no_control():
    sport = replace(open_target("action-lstm-sport-mini", clips=True), name="mine")
    assert any(", sport, " in control for control in controls_of("sec3_6_videos"))
    assert not any(", sport, " in control for control in controls_of("sec3_6_videos", target=sport))


@pytest.mark.parametrize(("prior", "measured"), [(None, True), ("deepsim-fc6-mini", False)])
def test_of_another_prior_modified_reconstructions_are_no_control(prior, measured):
    controls = controls_of("sec3_5_modified_data", prior=prior)
    assert any("reconstructions" in control for control in controls) == measured


def test_of_another_prior_structures_are_no_control(monkeypatch):
    monkeypatch.setattr(Context, "judges", {"judge-mini": None})
    assert any("reconstructions, fc6" in control for control in structures(made("sec3_1_prior_layers")).ceiling)
    other = structures(made("sec3_1_prior_layers", prior="deepsim-fc6-mini")).ceiling
    assert any("reconstructions, conv3" in control for control in other)
    assert not any("reconstructions, fc6" in control for control in other)


def test_hidden_units_are_not_asked_for_and_the_published_loop_is_figure_1_s():
    without = {name for name, one in EXPERIMENTS.items() if "units" not in one.options}
    assert without == {"sec3_4_imagenet_hidden", "sec3_4_places_hidden"}
    assert [name for name, one in EXPERIMENTS.items() if "backend" in one.options] == ["fig1"]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("sec3_4_imagenet_hidden", 8 * 6, marks=pytest.mark.exhaustive),
        ("sec3_4_places_hidden", 20),
    ],
)
def test_hidden_units_are_counted_as_they_are_used(name, count):
    context = made(name)
    numbers = EXPERIMENTS[name].run(Planned(EXPERIMENTS[name], context.models, context.arguments))
    assert numbers["units"] == count
    assert "units" not in _inputs(context)


def test_a_network_whose_pictures_nobody_knows_is_said_so():
    unknown = replace(open_target("caffenet-mini"), name="mine", record={})
    with pytest.raises(DgnamError, match=r"beyond_path needs the pictures .* and those of 'mine' are not known here"):
        missing_pictures(made("beyond_path", target=unknown))
    assert missing_pictures(made("sec3_4_places_hidden", target=unknown)) == []  # it is shown the experiment's


def test_pictures_of_another_network_that_are_missing_block(tmp_path):
    outcome = reproduce("beyond_path", target="places-alexnet-mini", data=tmp_path, output=tmp_path, progress=False)
    assert outcome.blocked.startswith("beyond_path is blocked: 'miniplaces")


@pytest.mark.parametrize("units", [[150], [0, 100]])
def test_regular_units_are_asked_for_their_twins_follow(units):
    with pytest.raises(DgnamError, match=f"units {units[-1]}: sec3_5_modified_data takes 0 to 99"):
        _ = made("sec3_5_modified_data", units=units).units


def test_a_unit_is_asked_for_once():
    with pytest.raises(DgnamError, match="a unit is given twice"):
        _ = made("fig1", units=[3, 3]).units


def test_the_figure_s_units_are_those_of_a_target_that_has_them():
    experiment = EXPERIMENTS["fig1"]
    usual = made("fig1", scale="full", target="places-alexnet-mini").arguments
    assert Context(experiment, experiment.models["paper"], usual).units == list(range(100))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("sec3_6_art", "places-alexnet-mini"),
        pytest.param("fig1", "action-mini", marks=pytest.mark.exhaustive),
        pytest.param("beyond_invariance", "resnet-mini", marks=pytest.mark.exhaustive),
        pytest.param("sec3_2_places", "places-alexnet-mini", marks=pytest.mark.exhaustive),
    ],
)
def test_it_runs_with_another_that_it_takes(name, target, tmp_path):
    outcome = reproduce(name, target=target, scale="smoke", output=tmp_path, progress=False)
    assert outcome.figure.is_file()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("sec3_2_actions", {"target": "caffenet-mini"}),
        ("fig1", {"target": "action-lstm-sport-mini"}),
        ("sec3_6_training", {"target": "places-alexnet-mini"}),
        ("sec3_3_architectures", {"target": "resnet-mini"}),
        ("sec3_5_modified_data", {"target": "caffenet-mini"}),
        ("sec3_5_modified_data", {"units": [150]}),
        ("sec3_5_canonical", {"target": "places-alexnet-mini"}),
        ("fig1", {"prior": "pixels"}),
        ("sec3_2_places", {"backend": "dgnam"}),
    ],
)
def test_what_is_refused_leaves_no_run(name, given, tmp_path):
    with pytest.raises(DgnamError):
        reproduce(name, **given, scale="smoke", output=tmp_path / "runs", progress=False)
    assert not (tmp_path / "runs").exists()
