"""Linear models of numbers and of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import linear_model as lm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

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
    require(len(coefficients) == 1, estimator, f"{len(coefficients)} targets")
    intercept = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), 1)
    chain.add("linear_regression", {"coefficients": coefficients[0], "intercept": intercept})


@exports(LinearDiscriminantAnalysis, lm.LogisticRegression, lm.LogisticRegressionCV)
def _classification(estimator: Any, chain: Chain) -> None:
    _logistic(chain, estimator.coef_, estimator.intercept_)


@exports(lm.SGDClassifier)
def _sgd(estimator: Any, chain: Chain) -> None:
    require(estimator.loss == "log_loss", estimator, f"loss={estimator.loss!r}, which has no probabilities,")
    require(len(estimator.classes_) == 2, estimator, "more than two classes, each against the rest,")
    _logistic(chain, estimator.coef_, estimator.intercept_)


def _logistic(chain: Chain, coefficients: Array, intercepts: Array) -> None:
    """The sigmoid of one score if there are two classes, else the softmax of one per class."""
    if len(coefficients) == 1:
        chain.add("logistic_regression", {"coefficients": coefficients[0], "intercept": intercepts})
    else:
        chain.add("multinomial_logistic_regression", {"coefficients": coefficients, "intercepts": intercepts})
