"""Frozen features are what the last layer is given, and a layer on them learns from the images that count."""

from __future__ import annotations

import numpy as np
import pytest

from course.augment import image_to_numpy
from course.data import make_shapes
from course.models.resnet import resnet18
from course.training import load_provided_checkpoint
from course.units.fixmatch.frozen import fit_linear, frozen_features


def test_the_last_layer_makes_the_networks_logits_of_the_features() -> None:
    checkpoint, images = load_provided_checkpoint("shapes"), make_shapes(10, 10, seed=3).train
    features = frozen_features(checkpoint, images, width=16)
    last = checkpoint.variables["params"]["layers_11"]
    network = resnet18(10, checkpoint.manifest["normalization"], 16)
    x = np.stack([image for image, _ in images.with_transform(image_to_numpy)])
    logits = network.apply(checkpoint.variables, x)
    assert features.shape == (len(images), 128)
    np.testing.assert_allclose(features @ last["kernel"] + last["bias"], logits, atol=1e-3)


@pytest.fixture(scope="module")
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in four dimensions, well apart."""
    rng = np.random.default_rng(0)
    classes = np.arange(90) % 3
    return rng.normal(size=(90, 4)) + 6 * np.eye(4)[classes], classes


def test_a_layer_learns_from_the_images_that_count_alone(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, classes = clouds
    counts = np.arange(90) < 12
    layer = fit_linear(features, classes, counts)
    probabilities = layer(features)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == classes).mean() > 0.95
    other = fit_linear(features, np.where(counts, classes, 0), counts)
    np.testing.assert_array_equal(probabilities, other(features))
    wrong = fit_linear(features, np.where(counts, (classes + 1) % 3, classes), counts)
    assert (wrong(features).argmax(axis=1) == classes).mean() < 0.05
