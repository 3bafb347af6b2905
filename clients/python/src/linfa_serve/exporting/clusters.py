"""Clusterings by centres, by the step `kmeans`."""

from __future__ import annotations

from typing import Any

from sklearn.cluster import KMeans, MiniBatchKMeans

from .chain import Chain
from .registry import exports


@exports(KMeans, MiniBatchKMeans)
def _kmeans(estimator: Any, chain: Chain) -> None:
    chain.add("kmeans", {"centroids": estimator.cluster_centers_})
