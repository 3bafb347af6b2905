"""Trees and forests: as many trees as there are, averaged (`averaging_forest`) or added up (`boosted_forest`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
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
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from sklearn.utils import get_tags

from .chain import Array, Chain
from .registry import exports, named, require
from .walks import Walk, below, walk

TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)


@exports(*TREES)
def _tree(estimator: Any, chain: Chain) -> None:
    _average(chain, estimator, [estimator])


@exports(ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)
def _forest(estimator: Any, chain: Chain) -> None:
    _average(chain, estimator, estimator.estimators_)


@exports(BaggingClassifier, BaggingRegressor)
def _bagging(estimator: Any, chain: Chain) -> None:
    for each in estimator.estimators_:
        require(type(each) in TREES, estimator, f"{named(each)} in it")
        classes = getattr(estimator, "classes_", None)
        knows_all = classes is None or len(each.classes_) == len(classes)
        require(knows_all, estimator, "a tree that has seen no row of some class")
    _average(chain, estimator, estimator.estimators_, estimator.estimators_features_)


def _average(chain: Chain, estimator: Any, trees: list[Any], features: Iterable[Array] | None = None) -> None:
    """The mean of what the leaves of all trees hold: probabilities, or a number per target."""
    is_classifier = hasattr(estimator, "classes_")
    several = is_classifier and getattr(estimator, "n_outputs_", 1) > 1
    require(not several, estimator, "several targets of classes")
    walks, leaves = [], []
    for tree, names in zip(trees, features if features is not None else [None] * len(trees), strict=True):
        walks.append(_walk(tree.tree_, names))
        held = tree.tree_.value[:, 0, :] if is_classifier else tree.tree_.value[:, :, 0]
        # Fractions of rows, which are rounded.
        leaves.append((held / held.sum(axis=1, keepdims=True) if is_classifier else held)[walks[-1].leaves])
    # Leaves that hold the same are one.
    held, numbers = np.unique(np.concatenate(leaves), axis=0, return_inverse=True)
    chain.add("averaging_forest", {**_listed(chain, estimator, walks, numbers.ravel()), "leaves": held})


def _walk(tree: Any, features: Array | None = None) -> Walk:
    return walk(
        tree.children_left,
        tree.children_right,
        tree.feature if features is None else np.where(tree.feature < 0, 0, features[tree.feature]),
        below(tree.threshold),
        tree.missing_go_to_left,
    )


@exports(GradientBoostingClassifier, GradientBoostingRegressor)
def _gradient(estimator: Any, chain: Chain) -> None:
    start = estimator.init_
    is_constant = isinstance(start, str) or type(start) in {DummyClassifier, DummyRegressor}
    require(is_constant, estimator, f"init={named(start)}")
    initial = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32)).ravel()
    # With this loss the score counts twice; doubling is exact.
    scale = 2.0 if estimator.loss == "exponential" else 1.0
    trees = [tree.tree_ for tree in estimator.estimators_.ravel()]
    walks = [_walk(tree) for tree in trees]
    leaves = [
        scale * estimator.learning_rate * tree.value[walk.leaves, 0, 0]
        for tree, walk in zip(trees, walks, strict=True)
    ]
    _add_up(chain, estimator, walks, leaves, scale * initial, "identity")


@exports(HistGradientBoostingClassifier, HistGradientBoostingRegressor)
def _histogram(estimator: Any, chain: Chain) -> None:
    is_plain = estimator.is_categorical_ is None
    require(is_plain, estimator, "categorical features, whose splits no step asks (put a OneHotEncoder before it),")
    trees = [tree.nodes for stage in estimator._predictors for tree in stage]
    walks = [
        walk(
            np.where(tree["is_leaf"], -1, tree["left"].astype(np.int64)),
            tree["right"].astype(np.int64),
            tree["feature_idx"],
            np.nextafter(tree["num_threshold"], np.inf),
            tree["missing_go_to_left"],
        )
        for tree in trees
    ]
    leaves = [tree["value"][walk.leaves] for tree, walk in zip(trees, walks, strict=True)]
    initial = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    link = "exponential" if getattr(estimator, "loss", "") in {"poisson", "gamma"} else "identity"
    _add_up(chain, estimator, walks, leaves, initial, link)


def _add_up(chain: Chain, estimator: Any, walks: list[Walk], leaves: list[Array], initial: Array, link: str) -> None:
    """A start for each sum, and what the leaves of its trees add."""
    if hasattr(estimator, "classes_"):
        link = "logistic" if len(initial) == 1 else "softmax"
    numbers = np.arange(sum(map(len, leaves)))
    tensors = {**_listed(chain, estimator, walks, numbers), "leaves": np.concatenate(leaves), "initial": initial}
    chain.add("boosted_forest", tensors, {"link": link})


def _listed(chain: Chain, estimator: Any, walks: list[Walk], numbers: Array) -> dict[str, Array]:
    """All trees as lists, whose leaves have these numbers in order; with the ways of gaps, if training have any."""
    nodes = np.concatenate([walk.nodes for walk in walks])
    is_leaf = np.concatenate([walk.is_leaf for walk in walks])
    nodes[is_leaf] = 2 * numbers + 1
    listed = {"nodes": nodes.astype(np.uint32)}
    thresholds = np.concatenate([walk.thresholds for walk in walks])
    # Where nothing splits there are none, and an empty tensor is refused.
    if thresholds.size:
        listed["thresholds"] = thresholds
    if get_tags(estimator).input_tags.allow_nan and chain.take_gaps() and thresholds.size:
        listed["missing_left"] = np.concatenate([walk.missing_left for walk in walks])
    return listed
