"""Distances of features, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.tally.outliers import Gaussian


def draw(images: int, features: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    values: np.ndarray = random.normal(size=(images, features)) @ random.normal(size=(features, features))
    return values + random.normal(size=features)


def shrinkage_of(values: np.ndarray) -> float:
    """Compute the shrinkage of Ledoit and Wolf 2004, section 3.2, image by image."""
    images, count = values.shape
    apart = values - values.mean(axis=0)
    scatter = sum(np.outer(row, row) for row in apart) / images
    middle = np.trace(scatter) / count * np.eye(count)
    dispersion = ((scatter - middle) ** 2).sum() / count
    error = sum(((np.outer(row, row) - scatter) ** 2).sum() / count for row in apart) / images**2
    return float(min(error, dispersion) / dispersion)


def root(matrix: np.ndarray) -> np.ndarray:
    """Return the symmetric root of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    found: np.ndarray = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return found


@pytest.mark.parametrize("images", [5, 12, 60])
def test_distances_are_mahalanobis_with_the_shrunk_covariance(images: int) -> None:
    values, others = draw(images, 8), draw(6, 8, seed=1)
    found = Gaussian.of(values)
    share, covariance = shrinkage_of(values), np.cov(values, rowvar=False)
    assert found.shrinkage == pytest.approx(share)
    assert 0 < share < 1
    inverse = np.linalg.inv((1 - share) * covariance + share * np.trace(covariance) / 8 * np.eye(8))
    wanted = [np.sqrt((row - values.mean(axis=0)) @ inverse @ (row - values.mean(axis=0))) for row in others]
    assert found.distances(others) == pytest.approx(np.array(wanted))


def test_frechet_distance_by_definition() -> None:
    one, other = draw(30, 5), draw(40, 5, seed=1)
    spread, others = (np.cov(values, rowvar=False) for values in (one, other))
    cross = root(root(spread) @ others @ root(spread))
    wanted = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum() + np.trace(spread + others - 2 * cross)
    assert Gaussian.of(one).frechet(Gaussian.of(other)) == pytest.approx(wanted)
    assert Gaussian.of(one).frechet(Gaussian.of(one)) == pytest.approx(0, abs=1e-9)


def test_constant_features_are_ignored() -> None:
    values = draw(200, 3)
    with_constant = np.hstack([values, np.full((200, 1), 4.0)])
    assert np.isfinite(Gaussian.of(with_constant).distances(with_constant)).all()


def test_features_without_variance_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 images, not 1"):
        Gaussian.of(np.ones((1, 3)))
    alike = Gaussian.of(np.ones((9, 3)))
    with pytest.raises(ValueError, match="2 images with different features"):
        alike.distances(np.ones((2, 3)))


def test_equal_images_are_as_far_as_their_mean_plus_the_others_variance() -> None:
    others = np.random.default_rng(1).random((30, 3))
    gaussian = Gaussian.of(others)
    wanted = ((others.mean(axis=0) - 1) ** 2).sum() + np.trace(gaussian.covariance)
    assert Gaussian.of(np.ones((9, 3))).frechet(gaussian) == pytest.approx(wanted)
