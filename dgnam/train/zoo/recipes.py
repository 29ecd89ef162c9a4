"""How each model of the small zoo is made: a recipe for each, beside its definitions in `prototxt/`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ...errors import DgnamError, closest
from ..generator import GeneratorRecipe
from ..losses import RelativeLosses
from ..projected_recipe import Comparison, ProjectedRecipe

IMAGENET = "Tiny-ImageNet-200, a 64 px subset of ImageNet (ILSVRC 2012); ImageNet's terms: non-commercial research"
PLACES = "MiniPlaces, 100 scenes of Places2, 100,000 pictures resized to 64 px, for education and research"
PLACES_128 = "MiniPlaces, 100 scenes of Places2, 100,000 pictures of 128 px, for education and research"
SPORTS = "stills of 22 sports gathered from the web, 64 px, which may not be passed on; before that, " + IMAGENET
_TRAIN = "tinyimagenet64-train"
_HELD_OUT = "tinyimagenet64-val"
OUTSIDE = "imagenet200"
"""The label set of those pictures, whose classes the outside judge knows too."""


@dataclass(frozen=True)
class ZooClassifier:
    """How a classifier of the zoo is made.

    data: what it was trained on, for its card.
    code: its code layer and the layer behind it, where it encodes.
    pretraining: the solver of an earlier training, from the model's folder on, whose weights this one starts from, but
        for the layer of its scores.
    start: the model of the zoo whose weights the training starts from, but for the layer of its scores.
    keeps_scores: whether that layer is taken from `start` too.
    solver: from the model's folder on.
    memorises: whether it learns its training pictures by heart, so that it is measured on them too.
    folded: whether batch normalisation is folded into the layers before it; else it stays, as in the paper's ResNet.
    modified: whether the second half of the classes is of modified pictures, so that each half is measured.
    adversarial_radius: how far, in gray levels, training pictures are changed for the worse; None leaves them.
    """

    note: str
    data: str = IMAGENET
    code: tuple[str, str] | None = None
    pretraining: str | None = None
    start: str | None = None
    keeps_scores: bool = False
    solver: str = "solver.prototxt"
    memorises: bool = False
    folded: bool = True
    modified: bool = False
    adversarial_radius: float | None = None


@dataclass(frozen=True)
class ZooIntermediate:
    """An intermediate model: a classifier of the zoo at an iteration of its training.

    of, at: the model, and the iteration of its training; 0 for the weights that it starts with.
    """

    note: str
    of: str
    at: int


@dataclass(frozen=True)
class ZooGenerator:
    """How a generator is made, and which classifier judges its reconstructions.

    judge: None for a generator of full size, which isn't measured and stays where it was trained.
    training: what the trainer takes.
    held_out: the pictures that it is measured on.
    outside: the label set of those pictures, whose classes the outside judge looks for; None leaves it out.
    """

    note: str
    encoder: str
    judge: str | None
    training: GeneratorRecipe | ProjectedRecipe
    data: str = IMAGENET
    held_out: str = _HELD_OUT
    outside: str | None = None


ZooRecipe: TypeAlias = ZooClassifier | ZooIntermediate | ZooGenerator


def _control(what: str) -> ZooClassifier:
    note = f"a control of Sec. 3.5: 100 classes of regular pictures and the same of {what}"
    return ZooClassifier(note, modified=True)


def _clips(what: str) -> ZooClassifier:
    note = (
        f"a target of Sec. 3.2 at 64 px that sees clips of 16 frames, by action-mini's convolutions and an LSTM: {what}"
    )
    return ZooClassifier(note, data=SPORTS, start="action-mini")


_HEADS = ("conv1", "res2b", "res3c", "res4b")
_ROBUST = Comparison("resnet-robust-mini", (*_HEADS, "fc200"), _HEADS, weight=3.0)
"""A net that resists adversarial examples, as a comparator."""


def _projected(code: str, note: str = "a prior") -> ZooGenerator:
    """A generator at 64 px, trained against the features of a net that resists adversarial examples."""
    return _generator(
        "caffenet-v2-mini", note, ProjectedRecipe(_TRAIN, code, (_ROBUST,), image=1.0, code=0.15, adversarial=0.15)
    )


def _large(code: str, encoder: str) -> ZooGenerator:
    """A generator at 128 px: the same comparator sees the picture at half its size, and a part of it as it is."""
    detail = replace(_ROBUST, layers=_HEADS[:2], heads=_HEADS[:2], weight=1.0)
    comparisons = (replace(_ROBUST, shrink=2), detail)
    recipe = ProjectedRecipe(
        "miniplaces128-train", code, comparisons, batch_size=16, image=1.0, code=0.15, adversarial=0.15
    )
    what = f"a prior at 128 px: it inverts {encoder}'s {code}"
    return ZooGenerator(what, encoder, "scene-judge-128", recipe, PLACES_128, "miniplaces128-val")


def _generator(encoder: str, note: str, training: GeneratorRecipe | ProjectedRecipe) -> ZooGenerator:
    what = f"{note} at 64 px: it inverts {encoder}'s {training.code_layer}"
    return ZooGenerator(what, encoder, "judge-mini", training, outside=OUTSIDE)


def _intermediate(iteration: int) -> ZooIntermediate:
    return ZooIntermediate(
        f"caffenet-mini after {iteration:,} iterations of its training, to see how its neurons change (Sec. 3.6)",
        "caffenet-mini",
        iteration,
    )


RECIPES: dict[str, ZooRecipe] = {
    "caffenet-mini": ZooClassifier("the encoder E, comparator C and default target at 64 px", code=("fc6", "fc7")),
    "caffenet-mini-untrained": ZooIntermediate(
        "caffenet-mini before its training, with random weights (Sec. 3.6)", "caffenet-mini", 0
    ),
    "caffenet-mini-50": _intermediate(50),
    "caffenet-mini-200": _intermediate(200),
    "caffenet-mini-1000": _intermediate(1000),
    "caffenet-mini-4000": _intermediate(4000),
    "caffenet-mini-overfit": ZooClassifier(
        "caffenet-mini trained past its best, on a tenth of its pictures until it knows them by heart (Sec. 3.6)",
        start="caffenet-mini",
        keeps_scores=True,
        solver="overfit_solver.prototxt",
        memorises=True,
    ),
    "caffenet-v2-mini": ZooClassifier(
        "an encoder and target at 64 px, wider than caffenet-mini and trained on augmented pictures",
        code=("fc6", "fc7"),
    ),
    "resnet-robust-mini": ZooClassifier(
        "a comparator of generators' training: resnet-mini, trained on with adversarial examples, so that it sees what "
        "people see",
        start="resnet-mini",
        keeps_scores=True,
        folded=False,
        adversarial_radius=200.0,
    ),
    "judge-mini": ZooClassifier("an independent judge of pictures: another architecture and seed, never a target"),
    "deepsim-fc6-mini": _generator(
        "caffenet-mini", "a prior", GeneratorRecipe(_TRAIN, "fc6", ("pool5",), losses=RelativeLosses())
    ),
    "deepsim-fc6-v2-mini": _projected("fc6", "the default prior"),
    "deepsim-fc7-v2-mini": _projected("fc7"),
    "deepsim-pool5-v2-mini": _projected("pool5"),
    "deepsim-conv3-v2-mini": _projected("conv3"),
    "deepsim-fc6": ZooGenerator(
        "the paper's default prior, which inverts CaffeNet's fc6, trained anew on ImageNet",
        "caffenet",
        None,
        GeneratorRecipe("ilsvrc12/train.txt", "fc6", ("pool5",), resize=(256, 256), crop_size=227),
        data="ImageNet (ILSVRC 2012)",
    ),
    "caffenet-b-mini": ZooClassifier(
        "E's architecture from another seed and recipe, as the weights of the paper's reference 7"
    ),
    "places-alexnet-mini": ZooClassifier(
        "a target of Sec. 3.2 at 64 px: scenes, on which alone it is trained, as the paper's network", data=PLACES
    ),
    "scene-judge-mini": ZooClassifier(
        "an independent judge of pictures of scenes: another architecture and seed than the target's, never a target",
        data=PLACES,
    ),
    "places-alexnet-128": ZooClassifier(
        "an encoder and target at 128 px: scenes, on which alone it is trained, as the network of Sec. 3.2",
        data=PLACES_128,
        code=("fc6", "fc7"),
    ),
    "scene-judge-128": ZooClassifier(
        "an independent judge of scenes at 128 px: another architecture and seed than the target's, never a target",
        data=PLACES_128,
    ),
    "deepsim-fc6-128": _large("fc6", "places-alexnet-128"),
    "control-shuffled-mini": _control("pictures whose quarters are in random order"),
    "control-brg-mini": _control("pictures whose channels are in the order blue, red, green"),
    "control-blur-mini": _control("pictures under a Gaussian blur of radius 3 at 256 px"),
    "googlenet-mini": ZooClassifier("a target of Sec. 3.3 at 64 px: inception modules"),
    "resnet-mini": ZooClassifier("a target of Sec. 3.3 at 64 px: residual blocks", folded=False),
    "action-mini": ZooClassifier(
        "a target of Sec. 3.2 at 64 px: sports in stills, by a heavily modified AlexNet",
        data=SPORTS,
        pretraining="pretrain_solver.prototxt",
    ),
    "action-judge-mini": ZooClassifier(
        "an independent judge of pictures of sports: another architecture and seed than the target's, never a target",
        data=SPORTS,
        start="judge-mini",
    ),
    "action-lstm-sport-mini": _clips("the sport: each frame shows it, and time carries nothing"),
    "action-lstm-motion-mini": _clips("which way the camera pans: only time carries it"),
}


def recipe_of(name: str) -> ZooRecipe:
    """The recipe of this name; an unknown one is an error that lists the closest."""
    if name not in RECIPES:
        raise DgnamError(f"there is no recipe for '{name}'; there are: {closest(name, RECIPES)}")
    return RECIPES[name]


def classifier_recipe(recipe: ZooClassifier | ZooIntermediate) -> ZooClassifier:
    """The recipe itself, or that of the model which an intermediate one is of."""
    if isinstance(recipe, ZooClassifier):
        return recipe
    whole = recipe_of(recipe.of)
    if not isinstance(whole, ZooClassifier):
        raise DgnamError(f"an intermediate model is of a classifier's training, and '{recipe.of}' is none")
    return whole


def trained_as(name: str) -> str:
    """The model whose training makes model `name`: another one for an intermediate model."""
    recipe = recipe_of(name)
    return recipe.of if isinstance(recipe, ZooIntermediate) else name


def intermediate_iterations(name: str) -> tuple[int, ...]:
    """The iterations of the training of model `name` whose weights intermediate models need."""
    return tuple(recipe.at for recipe in RECIPES.values() if isinstance(recipe, ZooIntermediate) and recipe.of == name)
