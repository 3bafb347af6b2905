"""Linear models of numbers and of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import linear_model as lm
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.isotonic import IsotonicRegression

from .chain import Array, Chain
from .registry import exports, require


@exports(
    lm.ARDRegression,
    lm.BayesianRidge,
    lm.ElasticNet,
    lm.ElasticNetCV,
    lm.HuberRegressor,
    lm.Lars,
    lm.LarsCV,
    lm.Lasso,
    lm.LassoCV,
    lm.LassoLars,
    lm.LassoLarsCV,
    lm.LassoLarsIC,
    lm.LinearRegression,
    lm.MultiTaskElasticNet,
    lm.MultiTaskElasticNetCV,
    lm.MultiTaskLasso,
    lm.MultiTaskLassoCV,
    lm.OrthogonalMatchingPursuit,
    lm.OrthogonalMatchingPursuitCV,
    lm.QuantileRegressor,
    lm.Ridge,
    lm.RidgeCV,
    lm.SGDRegressor,
    lm.TheilSenRegressor,
)
def _regression(estimator: Any, chain: Chain) -> None:
    coefficients = np.atleast_2d(estimator.coef_)
    _affine(chain, coefficients, np.broadcast_to(estimator.intercept_, len(coefficients)))


@exports(CCA, PLSCanonical, PLSRegression)
def _partial_least_squares(estimator: Any, chain: Chain) -> None:
    # What it answers where every feature is 0; its own intercept belongs to features without their means.
    zeros = np.zeros((1, estimator.n_features_in_))
    _affine(chain, estimator.coef_, np.ravel(estimator.predict(zeros)))


def _affine(chain: Chain, coefficients: Array, intercepts: Array) -> None:
    """Coefficients: targets x features; the features alone if there is one target."""
    held = coefficients[0] if len(coefficients) == 1 else coefficients
    chain.add("linear_regression", {"coefficients": held, "intercept": intercepts})


@exports(lm.GammaRegressor, lm.PoissonRegressor, lm.TweedieRegressor)
def _generalized(estimator: Any, chain: Chain) -> None:
    link = getattr(estimator, "link", "log")
    if link == "auto":
        link = "identity" if estimator.power <= 0 else "log"
    intercept = np.broadcast_to(estimator.intercept_, 1)
    chain.add("generalized_linear_model", {"coefficients": estimator.coef_, "intercept": intercept}, {"link": link})


@exports(IsotonicRegression)
def _isotonic(estimator: Any, chain: Chain) -> None:
    require(
        estimator.out_of_bounds == "clip",
        estimator,
        f"out_of_bounds={estimator.out_of_bounds!r}, where the server clips as out_of_bounds='clip' does,",
    )
    chain.add("isotonic_regression", {"knots": estimator.X_thresholds_, "values": estimator.y_thresholds_})


@exports(LinearDiscriminantAnalysis, lm.LogisticRegression, lm.LogisticRegressionCV)
def _classification(estimator: Any, chain: Chain) -> None:
    logistic(chain, estimator.coef_, estimator.intercept_)


@exports(lm.SGDClassifier)
def _sgd(estimator: Any, chain: Chain) -> None:
    require(estimator.loss == "log_loss", estimator, f"loss={estimator.loss!r}, which has no probabilities,")
    require(len(estimator.classes_) == 2, estimator, "more than two classes, each against the rest,")
    logistic(chain, estimator.coef_, estimator.intercept_)


def logistic(chain: Chain, coefficients: Array, intercepts: Array) -> None:
    """The sigmoid of one score if there are two classes, else the softmax of one per class.

    Coefficients: scores x features; intercepts: scores, or one number for all.
    """
    intercepts = np.broadcast_to(intercepts, len(coefficients))
    if len(coefficients) == 1:
        chain.add("logistic_regression", {"coefficients": coefficients[0], "intercept": intercepts})
    else:
        chain.add("multinomial_logistic_regression", {"coefficients": coefficients, "intercepts": intercepts})
