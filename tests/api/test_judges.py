"""Judges by name, and scores by name, import string or callable."""

import sys

import numpy as np
import pytest
import torch

from dgnam.am import Unit
from dgnam.api.judges import open_judge, open_outside_target, open_score
from dgnam.api.targets import joint, open_target
from dgnam.errors import DgnamError, MissingPackageError
from dgnam.measure import OutsideJudge
from dgnam.measure.outside_judge import check_installed


@pytest.fixture(scope="module")
def target():
    return open_target("caffenet-mini")


@pytest.fixture
def own(tiny_nets):
    return open_target(tiny_nets / "target.prototxt", weights=tiny_nets / "target.h5", labels=tiny_nets / "classes.txt")


def test_a_judge_is_a_classifier():
    assert open_judge("judge-mini").size == (56, 56)
    with pytest.raises(DgnamError, match="'deepsim-fc6-mini' is a generator; the classifiers"):
        open_judge("deepsim-fc6-mini")
    with pytest.raises(DgnamError, match=r"no model 'juge-mini'.*judge-mini"):
        open_judge("juge-mini")


def test_the_outside_judge_as_a_target_has_its_scores(outside):
    images = np.random.default_rng(0).normal(0, 40, (2, 3, 224, 224)).astype(np.float32).clip(-90, 120)
    target = open_outside_target()
    (known,) = target.classes
    assert [known.labels[place].name for place in (1, 25)] == ["goldfish", "European fire salamander"]
    found = target.target(torch.from_numpy(images), [target.scores])[target.scores]
    judge = OutsideJudge([label.key for label in known.labels], target.target.module)
    assert np.allclose(found.detach().numpy(), judge.scored(np.rint(images)).numpy(), atol=0.2)
    small = joint({"net": target}, (56, 56))
    assert (small.target.size, small.scores) == ((56, 56), "net._fc")
    assert small.target(torch.zeros(1, 3, 56, 56), ["net._fc"])["net._fc"].shape == (1, 1000)


@pytest.fixture
def outside():
    try:
        check_installed()
    except MissingPackageError as error:
        pytest.skip(str(error))


def test_scores_by_name(target):
    images = np.random.default_rng(0).normal(0, 40, (2, 3, 56, 56)).astype(np.float32)
    objectives = [Unit("fc8", 3), Unit("fc8", 187)]
    probability, rank = (open_score(name, "judge-mini", target)(images, objectives) for name in ("probability", "rank"))
    assert ((probability > 0) & (probability < 1)).all()
    assert np.array_equal(1 / rank, np.rint(1 / rank))
    ranks = open_judge("judge-mini").rank(images, [3, 187]).ranks
    assert np.array_equal(1 / rank, ranks)


def test_a_callable_and_its_import_string(own, tmp_path, monkeypatch):
    (tmp_path / "score_of_test.py").write_text("def bright(images, objectives):\n    return images.mean((1, 2, 3))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    images = np.ones((2, 3, 28, 28), np.float32)
    assert open_score("score_of_test:bright", "judge-mini", own)(images, []).tolist() == [1, 1]
    assert open_score(len, "judge-mini", own) is len


@pytest.mark.parametrize(
    ("score", "judge", "message"),
    [
        ("ranks", "judge-mini", "score 'ranks': give one of rank"),
        ("rank", "judge-mini", "knows other classes than"),
        ("rank", "nobody", "no model 'nobody'"),
        ("nowhere_of_test:f", "judge-mini", "No module named 'nowhere_of_test'"),
    ],
)
def test_what_cannot_score(own, score, judge, message):
    with pytest.raises(DgnamError, match=message):
        open_score(score, judge, own)
