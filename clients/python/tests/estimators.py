"""Estimators of every family that is exported, with the rows that they are fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn import linear_model as lm
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

Case = tuple[Any, Any, Any]
"""An estimator, X, and y."""

IRIS = datasets.load_iris(return_X_y=True)
CANCER = datasets.load_breast_cancer(return_X_y=True)
DIGITS = datasets.load_digits(return_X_y=True)
DIABETES = datasets.load_diabetes(return_X_y=True)
X, Y = DIABETES


def lacking(X: Any, y: Any) -> tuple[Any, Any]:
    """The rows with gaps: a fifth of the values at random, and of one feature more where `y` is large."""
    random = np.random.default_rng(3)
    gaps = random.random(X.shape) < 0.2
    gaps[:, 1] |= random.random(len(X)) < 0.9 * (y > np.median(y))
    return np.where(gaps, np.nan, X), y


SEVERAL = (X, np.column_stack([Y, 2 * Y - X[:, 0], X @ np.arange(10)]))
INKED = ((DIGITS[0] > 8).astype(np.float64), DIGITS[1])


def passengers(rows: int = 1000) -> tuple[pd.DataFrame, Any]:
    """A table with texts and with gaps in both kinds of columns, and who survived."""
    random = np.random.default_rng(1912)
    table = pd.DataFrame(
        {
            "age": np.where(random.random(rows) < 0.2, np.nan, random.uniform(1, 80, rows)),
            "sex": random.choice(["female", "male"], rows),
            "fare": random.exponential(30, rows),
            "port": random.choice(["C", "Q", "S"], rows),
            "deck": random.choice(["A", "B", "C", "D"], rows),
            "siblings": random.integers(0, 5, rows),
        }
    )
    table.loc[::40, "port"] = None
    odds = (table["sex"] == "female") * 2.5 + table["fare"] / 60 + random.normal(size=rows)
    return table, np.where(odds > 2, "yes", "no")


def columns() -> ColumnTransformer:
    """What makes numbers of such a table."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    known = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer(
        [
            ("numbers", numbers, ["age", "fare"]),
            ("texts", texts, ["port"]),
            ("sex", OneHotEncoder(drop="first"), ["sex"]),
            ("deck", known, ["deck"]),
        ],
        remainder="passthrough",
    )


def gaps_stay() -> ColumnTransformer:
    """What makes numbers of its texts alone."""
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return ColumnTransformer([("numbers", "passthrough", ["fare", "age"]), ("texts", texts, ["port", "sex"])])


LINEAR: dict[str, Case] = {
    "linear": (lm.LinearRegression(), *DIABETES),
    "linear-several": (lm.LinearRegression(), *SEVERAL),
    "ridge": (lm.Ridge(), *DIABETES),
    "lasso": (make_pipeline(StandardScaler(), lm.Lasso(alpha=0.1)), *DIABETES),
    "elastic-net": (lm.ElasticNet(fit_intercept=False), *DIABETES),
    "multi-task-lasso": (lm.MultiTaskLasso(alpha=0.1), *SEVERAL),
    "lars": (lm.Lars(), *DIABETES),
    "bayesian-ridge": (lm.BayesianRidge(), *DIABETES),
    "huber": (make_pipeline(RobustScaler(), lm.HuberRegressor(max_iter=1000)), *DIABETES),
    "pls": (PLSRegression(2), *SEVERAL),
    "pls-canonical": (PLSCanonical(2), *SEVERAL),
    "cca": (CCA(2), *SEVERAL),
    "poisson": (lm.PoissonRegressor(), *DIABETES),
    "gamma": (lm.GammaRegressor(), *DIABETES),
    "tweedie": (lm.TweedieRegressor(power=0), *DIABETES),
    "isotonic": (IsotonicRegression(out_of_bounds="clip"), X[:, [2]], Y),
    "logistic": (make_pipeline(StandardScaler(), lm.LogisticRegression()), *CANCER),
    "multinomial": (make_pipeline(MinMaxScaler((-1, 2)), lm.LogisticRegression()), *IRIS),
    "sgd-classifier": (make_pipeline(StandardScaler(), lm.SGDClassifier(loss="log_loss", random_state=1)), *CANCER),
    "lda": (LinearDiscriminantAnalysis(), *IRIS),
}
TREES: dict[str, Case] = {
    "decision-tree": (DecisionTreeClassifier(random_state=1), *CANCER),
    "tree-regressor": (DecisionTreeRegressor(max_depth=6, random_state=1), *SEVERAL),
    "extra-tree": (ExtraTreeClassifier(random_state=1), *IRIS),
    "random-forest": (RandomForestClassifier(30, random_state=1), *DIGITS),
    "forest-regressor": (RandomForestRegressor(30, random_state=1), *DIABETES),
    "extra-trees": (ExtraTreesClassifier(30, random_state=1), *CANCER),
    "extra-trees-regressor": (ExtraTreesRegressor(30, random_state=1), *DIABETES),
    "bagging": (BaggingClassifier(n_estimators=10, max_features=0.5, random_state=1), *CANCER),
    "bagging-regressor": (BaggingRegressor(random_state=1), *DIABETES),
    "gradient-boosting": (GradientBoostingClassifier(n_estimators=20, random_state=1), *IRIS),
    "boosting-two": (GradientBoostingClassifier(n_estimators=20, loss="exponential", random_state=1), *CANCER),
    "boosting-regressor": (GradientBoostingRegressor(n_estimators=20, random_state=1), *DIABETES),
    "hist-boosting": (HistGradientBoostingClassifier(max_iter=20), *IRIS),
    "hist-boosting-two": (HistGradientBoostingClassifier(max_iter=20), *CANCER),
    "hist-regressor": (HistGradientBoostingRegressor(max_iter=20), *DIABETES),
    "hist-poisson": (HistGradientBoostingRegressor(max_iter=20, loss="poisson"), *DIABETES),
}
GAPS: dict[str, Case] = {
    "gaps-hist": (HistGradientBoostingClassifier(max_iter=20), *lacking(*IRIS)),
    "gaps-hist-two": (HistGradientBoostingClassifier(max_iter=20), *lacking(*CANCER)),
    "gaps-hist-regressor": (HistGradientBoostingRegressor(max_iter=20), *lacking(*DIABETES)),
    "gaps-hist-gamma": (HistGradientBoostingRegressor(max_iter=20, loss="gamma"), *lacking(*DIABETES)),
    "gaps-tree": (DecisionTreeClassifier(random_state=1), *lacking(*CANCER)),
    "gaps-forest": (RandomForestClassifier(30, random_state=1), *lacking(*IRIS)),
    "gaps-extra-trees": (ExtraTreesRegressor(30, random_state=1), *lacking(*DIABETES)),
    "gaps-bagging": (BaggingClassifier(n_estimators=10, max_features=0.5, random_state=1), *lacking(*CANCER)),
}
MACHINES: dict[str, Case] = {
    "svc": (make_pipeline(StandardScaler(), SVC()), *CANCER),
    "svc-several": (SVC(gamma=0.001), DIGITS[0][:300], DIGITS[1][:300]),
    "svc-linear": (SVC(kernel="linear"), *IRIS),
    "svc-poly": (SVC(kernel="poly", coef0=0.5), *IRIS),
    "nu-svc": (NuSVC(), *IRIS),
    "svr": (SVR(), *DIABETES),
    "nu-svr": (NuSVR(kernel="linear"), *DIABETES),
    "linear-svc": (LinearSVC(), *IRIS),
    "linear-svr": (LinearSVR(), *DIABETES),
    "ridge-classifier": (lm.RidgeClassifier(), *IRIS),
    "perceptron": (lm.Perceptron(), *IRIS),
}
BAYES: dict[str, Case] = {
    "gaussian-nb": (GaussianNB(), *IRIS),
    "multinomial-nb": (MultinomialNB(), *DIGITS),
    "complement-nb": (ComplementNB(), *DIGITS),
    "bernoulli-nb": (BernoulliNB(binarize=8.0), *DIGITS),
    "bernoulli-nb-plain": (BernoulliNB(binarize=None), *INKED),
    **{
        f"mixture-{kind}": (GaussianMixture(3, covariance_type=kind, random_state=1), *IRIS)
        for kind in ("full", "tied", "diag", "spherical")
    },
}
OTHERS: dict[str, Case] = {
    "kmeans": (KMeans(4, n_init=1, random_state=1), *IRIS),
    "mini-batch-kmeans": (make_pipeline(MaxAbsScaler(), MiniBatchKMeans(3, n_init=1, random_state=1)), *IRIS),
    "standard-scaler": (StandardScaler(), *IRIS),
    "min-max-scaler": (MinMaxScaler((-1, 2)), *IRIS),
    "robust-scaler": (RobustScaler(), *DIABETES),
    "max-abs-scaler": (MaxAbsScaler(), *DIABETES),
    "normalizer": (Normalizer("l1"), *IRIS),
    "pca": (PCA(3), *CANCER),
    "pca-whitened": (PCA(2, whiten=True), *IRIS),
    "fast-ica": (FastICA(2, random_state=1), *IRIS),
    "svd": (TruncatedSVD(2), *IRIS),
    "factor-analysis": (FactorAnalysis(2), *IRIS),
    "gaussian-projection": (GaussianRandomProjection(3, random_state=1), *DIGITS),
    "sparse-projection": (SparseRandomProjection(3, random_state=1), *DIGITS),
}
TABLES: dict[str, Case] = {
    "table-logistic": (make_pipeline(columns(), lm.LogisticRegression(max_iter=1000)), *passengers()),
    "table-forest": (make_pipeline(columns(), RandomForestClassifier(30, random_state=1)), *passengers()),
    "table-gaps": (make_pipeline(gaps_stay(), HistGradientBoostingClassifier(max_iter=20)), *passengers()),
    "table-columns": (ColumnTransformer([("sex", OneHotEncoder(), ["sex", "deck"])]), *passengers()),
    "union": (make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", PCA(2))]), lm.Ridge()), *DIABETES),
}
ALL = LINEAR | TREES | GAPS | MACHINES | BAYES | OTHERS | TABLES
