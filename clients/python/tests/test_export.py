"""scikit-learn's models, exported, judged by the sidecar, served, and compared with scikit-learn."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import LINFACTL, Up
from sklearn import datasets
from sklearn import linear_model as lm
from sklearn.base import is_classifier, is_clusterer, is_regressor
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from linfa_serve import Classification, Client, Clustering, Regression, Transformation, export

IRIS = datasets.load_iris(return_X_y=True)
CANCER = datasets.load_breast_cancer(return_X_y=True)
DIABETES = datasets.load_diabetes(return_X_y=True)
ROWS = 10_000

EXPORTED: dict[str, tuple[Any, Any]] = {
    "linear": (lm.LinearRegression(), DIABETES),
    "ridge": (lm.Ridge(), DIABETES),
    "lasso": (make_pipeline(StandardScaler(), lm.Lasso(alpha=0.1)), DIABETES),
    "elastic-net": (lm.ElasticNet(fit_intercept=False), DIABETES),
    "bayesian-ridge": (lm.BayesianRidge(), DIABETES),
    "huber": (make_pipeline(RobustScaler(), lm.HuberRegressor(max_iter=1000)), DIABETES),
    "logistic": (make_pipeline(StandardScaler(), lm.LogisticRegression()), CANCER),
    "multinomial": (make_pipeline(MinMaxScaler((-1, 2)), lm.LogisticRegression()), IRIS),
    "sgd-classifier": (make_pipeline(StandardScaler(), lm.SGDClassifier(loss="log_loss", random_state=1)), CANCER),
    "lda": (LinearDiscriminantAnalysis(), IRIS),
    "kmeans": (KMeans(4, n_init=1, random_state=1), IRIS),
    "mini-batch-kmeans": (make_pipeline(MaxAbsScaler(), MiniBatchKMeans(3, n_init=1, random_state=1)), IRIS),
    "decision-tree": (DecisionTreeClassifier(random_state=1), CANCER),
    "extra-tree": (ExtraTreeClassifier(random_state=1), IRIS),
    "standard-scaler": (StandardScaler(), IRIS),
    "min-max-scaler": (MinMaxScaler((-1, 2)), IRIS),
    "robust-scaler": (RobustScaler(), DIABETES),
    "max-abs-scaler": (MaxAbsScaler(), DIABETES),
}


def around(rows: Any) -> Any:
    """Rows as far around those of training as their ranges are wide, each bound to no grid."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    return low + (high - low) * np.random.default_rng(7).uniform(-1, 2, (ROWS, rows.shape[1]))


def verify(version: Path) -> None:
    judged = subprocess.run([LINFACTL, "verify", version], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("name", EXPORTED)
def test_what_is_exported_is_admitted_and_answers_as_scikit_learn_does(name: str, up: Up, client: Client) -> None:
    estimator, (X, y) = EXPORTED[name]
    estimator.fit(X, y)
    rows = around(X)

    verify(export(estimator, X, up.models, name, 1))
    up.serves(client, name, 1)
    answer = client.predict(name, rows)

    if is_classifier(estimator):
        assert isinstance(answer, Classification)
        expected = estimator.predict(rows)
        if answer.probabilities is None:
            assert (answer.labels == expected.astype(str)).all()
            return
        probabilities = estimator.predict_proba(rows)
        off = np.abs(answer.probabilities - probabilities).max()
        best = np.sort(probabilities, axis=1)
        clear = best[:, -1] - best[:, -2] > 1e-12
        assert (answer.labels == expected.astype(str))[clear].all()
        assert clear.mean() > 0.99
    elif is_regressor(estimator):
        assert isinstance(answer, Regression)
        expected = estimator.predict(rows)
        off = np.abs(answer.values.reshape(expected.shape) - expected).max() / np.abs(expected).max()
    elif is_clusterer(estimator):
        assert isinstance(answer, Clustering)
        off = np.abs(answer.distances - estimator.transform(rows)).max()
        assert (answer.clusters == estimator.predict(rows)).mean() > 0.9999
    else:
        assert isinstance(answer, Transformation)
        expected = estimator.transform(rows)
        off = np.abs(answer.values - expected).max() / np.abs(expected).max()
    print(f"{name}: largest difference {off:.1e} over {ROWS} rows")
    assert off < 1e-9
