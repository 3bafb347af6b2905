"""A tree of scikit-learn as the list that the runtime reads: a split, its whole left side, its whole right side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chain import Array


@dataclass(frozen=True)
class Walk:
    """A tree, node by node from the root down and from left to right."""

    nodes: Array
    """nodes: twice the feature of a split; whatever, of a leaf."""
    is_leaf: Array
    """nodes: whether it is one."""
    thresholds: Array
    """splits: a row goes left if its feature is below."""
    missing_left: Array
    """splits: 1 if a row goes left that lacks the feature, else 0."""
    leaves: Array
    """leaves: the position of each in the tree that was walked."""


def walk(left: Array, right: Array, features: Array, thresholds: Array, missing_left: Array) -> Walk:
    """Walk a tree, without recursion.

    Args:
        left: nodes: the position of the left child; below 0 in a leaf.
        right: nodes: that of the right one.
        features: nodes: the feature that a split asks for.
        thresholds: nodes: what it is compared with; infinite where every row goes left that has the feature.
        missing_left: nodes: whether a row goes left that lacks it.

    """
    # No number is below all others. So every row that has the feature goes right, and the two sides change places.
    asks_gap = (left >= 0) & np.isposinf(thresholds)
    left, right = np.where(asks_gap, right, left), np.where(asks_gap, left, right)
    thresholds = np.where(asks_gap, np.finfo(np.float64).min, thresholds)
    missing_left = missing_left.astype(bool) ^ asks_gap
    children = list(zip(left.tolist(), right.tolist(), strict=True))
    order, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if children[node][0] >= 0:
            waiting.extend(reversed(children[node]))
    walked = np.array(order)
    is_leaf = left[walked] < 0
    splits = walked[~is_leaf]
    return Walk(
        nodes=2 * features[walked].astype(np.int64),
        is_leaf=is_leaf,
        thresholds=thresholds[splits],
        missing_left=missing_left[splits].astype(np.uint32),
        leaves=walked[is_leaf],
    )


def below(thresholds: Array) -> Array:
    """Thresholds for `x < u` of 64-bit numbers, where scikit-learn asks `float32(x) <= t`.

    A number is rounded to the nearest 32-bit float, and to the one with an even last bit if two are as near. So
    what is at most t once it is rounded is what lies below the middle between the largest 32-bit float up to t and
    the next one; and that middle itself, if it is rounded down.
    """
    last = thresholds.astype(np.float32)
    last = np.where(last.astype(np.float64) > thresholds, np.nextafter(last, np.float32(-np.inf)), last)
    following = np.nextafter(last, np.float32(np.inf))
    middle = (last.astype(np.float64) + following.astype(np.float64)) / 2.0
    is_rounded_down = middle.astype(np.float32) == last
    return np.where(is_rounded_down, np.nextafter(middle, np.inf), middle)
