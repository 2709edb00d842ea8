"""How far features are from a distribution of features, taken for a Gaussian one."""

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

    `shrinkage`, 0..1, is how much of a multiple of the identity stands for the covariance where it is inverted: with
    few images it could not be otherwise (Ledoit and Wolf 2004, 'A well-conditioned estimator for large-dimensional
    covariance matrices').
    """

    mean: Values
    covariance: Values
    shrinkage: float

    @classmethod
    def of(cls, features: Values) -> Gaussian:
        """Fit features `(image, feature)`.

        Raises:
            ValueError: there are less than two images.
        """
        images, count = features.shape
        if images < 2:  # noqa: PLR2004 - no spread
            raise ValueError("features of two images are needed at least")
        mean = features.mean(axis=0)
        apart = features - mean
        scatter = apart.T @ apart / images
        size = (scatter**2).sum()
        dispersion = size - np.trace(scatter) ** 2 / count  # from the nearest multiple of the identity
        error = ((apart**2).sum(axis=1) ** 2).sum() / images**2 - size / images
        shrinkage = min(1.0, max(0.0, error / dispersion)) if dispersion > 0 else 1.0
        return cls(mean, scatter * images / (images - 1), float(shrinkage))

    def distances(self, features: Values) -> Values:
        """Mahalanobis distance of each row of features `(image, feature)`.

        Raises:
            ValueError: the images of the distribution are all the same.
        """
        if not self.covariance.any():
            raise ValueError("features of two different images are needed at least")
        even = np.trace(self.covariance) / len(self.mean) * np.eye(len(self.mean))
        shrunk = (1 - self.shrinkage) * self.covariance + self.shrinkage * even
        apart = features - self.mean
        try:
            solved = np.linalg.solve(shrunk, apart.T).T
        except np.linalg.LinAlgError:  # a feature that never varies, and no shrinkage
            solved = apart @ np.linalg.pinv(shrunk, hermitian=True)
        found: Values = np.sqrt((apart * solved).sum(axis=1).clip(0))
        return found

    def frechet(self, other: Gaussian) -> float:
        """Frechet distance, squared as is usual, of two Gaussian distributions (Heusel et al. 2017)."""
        roots = np.linalg.eigvals(self.covariance @ other.covariance).real.clip(0)
        spread = np.trace(self.covariance + other.covariance) - 2 * np.sqrt(roots).sum()
        return float(((self.mean - other.mean) ** 2).sum() + spread)
