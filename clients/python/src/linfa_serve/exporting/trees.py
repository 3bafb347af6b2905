"""Decision trees, by the step `decision_tree`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from .chain import Array, Chain
from .registry import exports, require


@exports(DecisionTreeClassifier, ExtraTreeClassifier)
def _tree(estimator: Any, chain: Chain) -> None:
    require(estimator.n_outputs_ == 1, estimator, "several targets")
    tree = estimator.tree_
    is_leaf = tree.children_left < 0
    chain.add(
        "decision_tree",
        {
            "features": np.where(is_leaf, 0, tree.feature).astype(np.uint32),
            "thresholds": np.where(is_leaf, 0.0, below(tree.threshold)),
            "left": np.where(is_leaf, 0, tree.children_left).astype(np.uint32),
            "right": np.where(is_leaf, 0, tree.children_right).astype(np.uint32),
            "classes": np.argmax(tree.value[:, 0, :], axis=1).astype(np.uint32),
        },
    )


def below(thresholds: Array) -> Array:
    """Thresholds for `x < t` of 64-bit numbers, where scikit-learn asks `float32(x) <= t`.

    A number is rounded to the nearest 32-bit float, and to the one with an even last bit if two are as near. So what
    is at most `t` once it is rounded is what lies below the middle between the largest 32-bit float up to `t` and the
    next one; and that middle itself, if it is rounded down.
    """
    last = thresholds.astype(np.float32)
    last = np.where(last.astype(np.float64) > thresholds, np.nextafter(last, np.float32(-np.inf)), last)
    following = np.nextafter(last, np.float32(np.inf))
    middle = (last.astype(np.float64) + following.astype(np.float64)) / 2.0
    is_rounded_down = middle.astype(np.float32) == last
    return np.where(is_rounded_down, np.nextafter(middle, np.inf), middle)
