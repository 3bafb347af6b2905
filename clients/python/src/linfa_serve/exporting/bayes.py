"""Naive Bayes, and mixtures of bell curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

from .chain import Chain
from .registry import exports, require


@exports(GaussianNB)
def _gaussian(estimator: Any, chain: Chain) -> None:
    tensors = {"priors": estimator.class_prior_, "means": estimator.theta_, "variances": estimator.var_}
    chain.add("gaussian_nb", tensors)


@exports(MultinomialNB)
def _multinomial(estimator: Any, chain: Chain) -> None:
    tensors = {"priors": np.exp(estimator.class_log_prior_), "log_shares": estimator.feature_log_prob_}
    chain.add("multinomial_nb", tensors)


@exports(ComplementNB)
def _complement(estimator: Any, chain: Chain) -> None:
    # A weighted sum for each class, and Bayes' rule: what a multinomial logistic regression computes.
    require(len(estimator.classes_) > 1, estimator, "one class")
    weights = estimator.feature_log_prob_
    tensors = {"coefficients": weights, "intercepts": np.zeros(len(weights))}
    chain.add("multinomial_logistic_regression", tensors)


@exports(BernoulliNB)
def _bernoulli(estimator: Any, chain: Chain) -> None:
    there = estimator.feature_log_prob_
    absent = np.log1p(-np.exp(there))
    tensors = {"log_odds": there - absent, "intercepts": estimator.class_log_prior_ + absent.sum(axis=1)}
    chain.add("bernoulli_nb", tensors, {} if estimator.binarize is None else {"threshold": estimator.binarize})


@exports(GaussianMixture)
def _mixture(estimator: Any, chain: Chain) -> None:
    clusters, features = estimator.means_.shape
    factors = estimator.precisions_cholesky_
    match estimator.covariance_type:
        case "tied":
            factors = np.broadcast_to(factors, (clusters, features, features))
        case "diag":
            factors = np.stack([np.diag(row) for row in factors])
        case "spherical":
            factors = np.stack([np.eye(features) * factor for factor in factors])
    tensors = {"weights": estimator.weights_, "means": estimator.means_, "precision_factors": factors}
    chain.add("gaussian_mixture", tensors)
