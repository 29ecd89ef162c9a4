"""The judge's ranks."""

import numpy as np
import pytest

from dgnam import zoo
from dgnam.am import CaffeTarget
from dgnam.api.judges import open_judge
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import DgnamError
from dgnam.measure import Judge, TargetJudge, Verdict, class_activation_maps

NET = """
name: "sums"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 2 dim: 2 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


@pytest.fixture
def judge():
    weight = np.zeros((3, 12), np.float32)
    weight[0, :4] = weight[1, 4:8] = weight[2, 8:] = 1  # class k sees channel k
    return Judge(CaffeModule(parse_net(NET, "test"), {"fc": [weight, np.zeros(3, np.float32)]}), "fc")


def test_ranks_count_the_classes_before(judge):
    images = np.zeros((3, 3, 2, 2), np.float32)
    images[:, 0], images[:, 1], images[:, 2] = 3, 2, 1
    verdict = judge.rank(images, [0, 1, 2], batch_size=2)
    assert verdict.ranks.tolist() == [1, 2, 3]
    assert verdict.top(1) == pytest.approx(1 / 3)
    assert verdict.top(2) == pytest.approx(2 / 3)


def test_ties_count_against_the_wanted_class(judge):
    assert judge.rank(np.zeros((1, 3, 2, 2), np.float32), [1]).ranks.tolist() == [3]
    assert Verdict(np.array([3]), np.zeros(1)).top(1) == 0


def test_images_that_are_not_numbers_come_last(judge):
    images = np.zeros((2, 3, 2, 2), np.float32)
    images[:, 1] = 9
    images[0, 0, 0, 0] = np.nan
    assert judge.rank(images, [1, 1]).ranks.tolist() == [3, 1]


def test_a_judge_sees_pictures_of_eight_bits(judge):
    images = np.zeros((1, 3, 2, 2), np.float32)
    images[:, 0], images[:, 2] = 1e4, 140.4
    blue, _, red = judge.scored(images)[0].tolist()
    assert blue == pytest.approx(4 * (255 - 104))
    assert red == pytest.approx(4 * (255 - 123))
    images[:, 2] = 41.4
    assert judge.scored(images)[0, 2] == pytest.approx(4 * 41)


def test_a_target_judges_images_of_any_size_among_some_units(judge):
    asked = TargetJudge(CaffeTarget(judge.module), "fc", [2, 0])
    images = np.zeros((3, 3, 4, 6), np.float32)
    images[:, 0], images[:, 1], images[:, 2] = 20, 30, 10  # unit 1 has most, and isn't asked for
    images[2, 1, 3, 5] = np.nan
    assert asked.rank(images, [0, 1, 1]).ranks.tolist() == [2, 1, 2]
    images[:2, 0] = 9e4  # as a picture of eight bits: 151
    images[:2, 2] = 132.4
    assert asked.rank(images, [0, 1, 1]).log_probability[0] == pytest.approx(4 * (132 - 151))
    with pytest.raises(DgnamError, match="give one class to each of one or more"):
        asked.rank(images, [0])


def test_a_class_to_each_image(judge):
    for count in (0, 2):
        with pytest.raises(DgnamError, match="give one class to each of one or more"):
            judge.rank(np.zeros((count, 3, 2, 2), np.float32), [0] * (count // 2))


def test_images_of_another_size_are_refused(judge):
    with pytest.raises(DgnamError, match=r"takes images of \(2, 2\), and got \(3, 2\)"):
        judge.rank(np.zeros((1, 3, 3, 2), np.float32), [1])


def test_a_net_that_sees_clips_is_no_judge():
    with pytest.raises(DgnamError, match=r"'action-lstm-sport-mini' sees clips .* and a judge sees one image"):
        Judge(zoo.load("action-lstm-sport-mini"), "fc8")


def test_the_log_probability_is_of_the_softmax():
    scores = np.array([[1000.0, 1000, 0], [0, 0, 0]], np.float32)
    found = Verdict.of_scores(scores, [1, 2])
    assert found.log_probability == pytest.approx([np.log(1 / 2), np.log(1 / 3)])
    assert found.ranks.tolist() == [2, 3]


def test_verdicts_by_unit_and_seed():
    found = Verdict(np.array([1, 2, 1, 7]), np.zeros(4)).reshape(2, 2)
    assert found.points().tolist() == [[100, 0], [100, 0]]
    assert found.points(5).tolist() == [[100, 100], [100, 0]]


def test_the_class_activation_map_s_mean_is_the_score():
    judge = open_judge("judge-mini")
    images = np.random.default_rng(0).normal(0, 50, (2, 3, *judge.size)).astype(np.float32)
    maps = class_activation_maps(judge.maps(images), judge.class_weights, [3, 187])
    bias = judge.module.get_parameter("fc/1").detach().numpy()
    scores = judge.scored(images).numpy()
    assert maps.mean((1, 2)) + bias[[3, 187]] == pytest.approx(scores[[0, 1], [3, 187]], abs=1e-4)
    assert np.allclose(judge.features(images), judge.maps(images).mean((2, 3)), atol=1e-6)


def test_a_judge_without_global_pooling_has_no_maps(judge):
    with pytest.raises(DgnamError, match="no global pooling before fc"):
        judge.maps(np.zeros((1, 3, 2, 2), np.float32))
