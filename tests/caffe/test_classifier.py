"""pycaffe's Classifier, on a net whose scores are the means of its input's channels."""

import numpy as np
import pytest

from dgnam.caffe import Classifier, Net, io

DEFINITION = """
name: "means"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 4 dim: 6 } } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE global_pooling: true } }
"""
PICTURES = [np.random.default_rng(i).random((8 + i, 9, 3)).astype(np.float32) for i in range(3)]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "deploy.prototxt"
    path.write_text(DEFINITION)
    return str(path)


def test_it_is_a_net_that_resizes_to_its_input(model):
    classifier = Classifier(model, None)
    assert isinstance(classifier, Net)
    assert tuple(classifier.image_dims) == tuple(classifier.crop_dims) == (4, 6)
    scores = classifier.predict(PICTURES, oversample=False)
    assert scores.shape == (3, 3, 1, 1)
    wanted = [io.resize_image(picture, (4, 6)).mean((0, 1)) for picture in PICTURES]
    np.testing.assert_allclose(scores[:, :, 0, 0], wanted, rtol=1e-5)


def test_oversampling_is_the_mean_over_ten_crops(model):
    classifier = Classifier(model, None, image_dims=(8, 9))
    scores = classifier.predict(PICTURES)  # 30 crops in batches of 4
    assert scores.shape == (3, 3)
    for score, picture in zip(scores, PICTURES, strict=True):
        crops = io.oversample([io.resize_image(picture, (8, 9))], (4, 6))
        np.testing.assert_allclose(score, crops.mean((0, 1, 2)), rtol=1e-5)


def test_without_oversampling_the_center_counts(model):
    classifier = Classifier(model, None, image_dims=[8, 9])
    scores = classifier.predict(PICTURES[:1], oversample=False)
    center = io.resize_image(PICTURES[0], (8, 9))[2:6, 1:7]
    np.testing.assert_allclose(scores[0, :, 0, 0], center.mean((0, 1)), rtol=1e-5)


def test_pictures_are_preprocessed(model):
    mean = np.array([10.0, 20, 30])
    classifier = Classifier(model, None, mean=mean, input_scale=0.5, raw_scale=255, channel_swap=(2, 1, 0))
    scores = classifier.predict(PICTURES[:1], oversample=False)
    wanted = (io.resize_image(PICTURES[0], (4, 6)).mean((0, 1))[::-1] * 255 - mean) / 2
    np.testing.assert_allclose(scores[0, :, 0, 0], wanted, rtol=1e-5)


@pytest.mark.parametrize("oversample", [True, False])
def test_images_smaller_than_the_input_are_refused(model, oversample):
    with pytest.raises(ValueError, match="4x6"):
        Classifier(model, None, image_dims=(3, 9)).predict(PICTURES, oversample=oversample)
