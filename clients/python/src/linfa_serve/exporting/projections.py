"""Transformers that turn, scale and drop directions, by the steps `linear_projection` and `norm_scaler`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.preprocessing import Normalizer
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from .chain import Array, Chain, Step, ends, pads
from .registry import exports

FAR = 2.0**40
"""How far from the mean a projection is asked."""


@exports(FactorAnalysis, FastICA, GaussianRandomProjection, IncrementalPCA, PCA, SparseRandomProjection, TruncatedSVD)
def _projection(estimator: Any, chain: Chain) -> None:
    mean = getattr(estimator, "mean_", None)
    mean = np.zeros(chain.width) if mean is None else mean
    # It is W (x - mean), whatever it is called, so that the rows mean + unit vector are answered by the columns of W.
    components = np.asarray(estimator.transform(mean + np.eye(chain.width)), dtype=np.float64).T
    chain.add("linear_projection", {"mean": mean, "components": components}, width=len(components))


@exports(Normalizer)
def _normalizer(estimator: Any, chain: Chain) -> None:
    chain.add("norm_scaler", {}, {"norm": estimator.norm})


@pads("linear_projection")
def _pad(step: Step, before: int, after: int) -> Step:
    mean, components = step.tensors["mean"], step.tensors["components"]
    width = before + len(mean) + after
    padded: Array = np.zeros((before + len(components) + after, width))
    padded[:before, :before] = np.eye(before)
    padded[before : before + len(components), before : before + len(mean)] = components
    padded[before + len(components) :, before + len(mean) :] = np.eye(after)
    return replace(step, tensors={"mean": ends(mean, before, after, 0.0), "components": padded})
