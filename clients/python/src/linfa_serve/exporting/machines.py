"""Support vector machines, and linear models that choose by decisions: `svm_classifier` and `svm_regressor`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import linear_model as lm
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR

from .chain import Array, Chain
from .registry import exports, require


@exports(NuSVC, SVC)
def _classifier(estimator: Any, chain: Chain) -> None:
    require(estimator.probability is not True, estimator, "probability=True, whose choice is not theirs,")
    classes = len(estimator.classes_)
    coefficients, intercepts = _pairs(estimator)
    choice = "decision" if classes == 2 else "votes"
    if classes == 2:
        # One machine, for the second class: the pair's, whose decision is for the first, turned around.
        coefficients, intercepts = -coefficients, -intercepts
    _add(chain, "svm_classifier", estimator, coefficients, intercepts, {"choice": choice})


@exports(NuSVR, SVR)
def _regressor(estimator: Any, chain: Chain) -> None:
    _add(chain, "svm_regressor", estimator, _dense(estimator._dual_coef_), estimator._intercept_, {})


@exports(lm.Perceptron, lm.RidgeClassifier, lm.RidgeClassifierCV, LinearSVC)
def _linear_classifier(estimator: Any, chain: Chain) -> None:
    _decisions(chain, estimator)


@exports(LinearSVR)
def _linear_regressor(estimator: Any, chain: Chain) -> None:
    tensors = {"coefficients": estimator.coef_.ravel(), "intercept": np.broadcast_to(estimator.intercept_, 1)}
    chain.add("linear_regression", tensors)


def _decisions(chain: Chain, estimator: Any) -> None:
    """A linear score for the second class, or one for each; the largest wins."""
    coefficients = np.atleast_2d(estimator.coef_)
    intercepts = np.broadcast_to(estimator.intercept_, len(coefficients))
    tensors = {"coefficients": coefficients, "intercepts": intercepts}
    chain.add("svm_classifier", tensors, {"kernel": "linear", "choice": "decision"})


def _pairs(estimator: Any) -> tuple[Array, Array]:
    """A machine for each pair of classes, over all support vectors: coefficients (pairs x vectors) and intercepts.

    libsvm keeps for each vector of class i its coefficients against every other class, in the rows of `dual_coef_`:
    row j - 1 against class j > i, row j against class j < i.
    """
    dual, counts = _dense(estimator._dual_coef_), estimator._n_support
    ends = np.concatenate([[0], np.cumsum(counts)])
    classes = len(counts)
    pairs = [(i, j) for i in range(classes) for j in range(i + 1, classes)]
    coefficients = np.zeros((len(pairs), dual.shape[1]))
    for row, (i, j) in enumerate(pairs):
        of_i, of_j = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        coefficients[row, of_i] = dual[j - 1, of_i]
        coefficients[row, of_j] = dual[i, of_j]
    return coefficients, np.asarray(estimator._intercept_)


def _add(
    chain: Chain, kind: str, estimator: Any, coefficients: Array, intercepts: Array, spec: dict[str, Any]
) -> None:
    vectors = _dense(estimator.support_vectors_)
    tensors = {"coefficients": coefficients, "intercepts": intercepts}
    gamma = float(estimator._gamma)
    kernels: dict[str, Any] = {
        "linear": "linear",
        "poly": {"polynomial": {"gamma": gamma, "constant": estimator.coef0, "degree": float(estimator.degree)}},
        "rbf": {"gaussian": {"gamma": gamma}},
        "sigmoid": {"sigmoid": {"gamma": gamma, "constant": estimator.coef0}},
    }
    known = isinstance(estimator.kernel, str) and estimator.kernel in kernels
    require(known, estimator, f"kernel={estimator.kernel!r}")
    if estimator.kernel == "linear":
        tensors["coefficients"] = coefficients @ vectors
    else:
        tensors["support_vectors"] = vectors
    chain.add(kind, tensors, {"kernel": kernels[estimator.kernel], **spec})


def _dense(matrix: Any) -> Array:
    """A matrix that may be sparse, as an array."""
    dense: Array = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
    return dense
