"""Distances of features from a distribution of features, modeled as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Mean `(feature,)` and covariance `(feature, feature)` of some images' features.

    `shrinkage`, 0..1, is the weight of a multiple of the identity in the covariance that is inverted. With few images,
    the covariance could not be inverted without it (Ledoit and Wolf 2004, 'A well-conditioned estimator for
    large-dimensional covariance matrices').
    """

    mean: Values
    covariance: Values
    shrinkage: float

    @classmethod
    def of(cls, features: Values) -> Gaussian:
        """Fit a Gaussian to features `(image, feature)`.

        Raises:
            ValueError: if there are fewer than two images.
        """
        images, count = features.shape
        if images < 2:  # noqa: PLR2004 - no variance
            raise ValueError(f"a Gaussian needs the features of at least 2 images, not {images}")
        mean = features.mean(axis=0)
        apart = features - mean
        scatter = apart.T @ apart / images
        size = (scatter**2).sum()
        dispersion = size - np.trace(scatter) ** 2 / count  # from the nearest multiple of the identity
        error = ((apart**2).sum(axis=1) ** 2).sum() / images**2 - size / images
        shrinkage = min(1.0, max(0.0, error / dispersion)) if dispersion > 0 else 1.0
        return cls(mean, scatter * images / (images - 1), float(shrinkage))

    def distances(self, features: Values) -> Values:
        """Return the Mahalanobis distance of each row of features `(image, feature)`.

        Raises:
            ValueError: if all images of the distribution have the same features.
        """
        if not self.covariance.any():
            raise ValueError("a distance needs a Gaussian of at least 2 images with different features")
        even = np.trace(self.covariance) / len(self.mean) * np.eye(len(self.mean))
        shrunk = (1 - self.shrinkage) * self.covariance + self.shrinkage * even
        apart = features - self.mean
        try:
            solved = np.linalg.solve(shrunk, apart.T).T
        except np.linalg.LinAlgError:  # a feature is constant, and shrinkage is 0
            solved = apart @ np.linalg.pinv(shrunk, hermitian=True)
        found: Values = np.sqrt((apart * solved).sum(axis=1).clip(0))
        return found

    def frechet(self, other: Gaussian) -> float:
        """Return the Frechet distance of two Gaussians, squared as is usual (Heusel et al. 2017)."""
        roots = np.linalg.eigvals(self.covariance @ other.covariance).real.clip(0)
        spread = np.trace(self.covariance + other.covariance) - 2 * np.sqrt(roots).sum()
        return float(((self.mean - other.mean) ** 2).sum() + spread)
