"""How a fitted estimator answers: its task, the names of its answers, and its own predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_clusterer, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..errors import ExportError
from .golden import Answers
from .registry import named
from .table import Floats, Table


@dataclass(frozen=True)
class Task:
    """What the model answers."""

    output: dict[str, Any]
    """As the manifest has it."""
    choices: list[str] | None
    """The names of classes or clusters, where an answer is one of them."""
    answer: Callable[[Any], Answers]
    """scikit-learn's own answers to rows."""


def fitted(estimator: Any) -> None:
    """Prove that the estimator can answer.

    Errors:
        `ExportError` if it is none, or was not fitted.
    """
    if isinstance(estimator, type):
        raise ExportError(f"expected a fitted estimator, got the class {estimator.__name__}")
    if not hasattr(estimator, "fit"):
        raise ExportError(f"expected a fitted estimator of scikit-learn, got a {type(estimator).__name__}")
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise ExportError(f"{named(estimator)} is not fitted; call fit first") from None


def task(estimator: Any, targets: list[str] | None, table: Table) -> Task:
    """Tell what the estimator answers, and how to ask it.

    Errors:
        `ExportError` if it answers in a way that the server does not know.
    """
    if is_classifier(estimator):
        return _classification(estimator)
    if is_regressor(estimator):
        width = np.asarray(estimator.predict(table.asked)).size // table.rows
        return _regression(estimator, targets, width)
    if is_clusterer(estimator) and hasattr(estimator, "predict") and hasattr(estimator, "transform"):
        return _clustering(estimator)
    if hasattr(estimator, "predict_proba"):
        return _mixture(estimator)
    if hasattr(estimator, "transform"):
        return _transformation(estimator)
    raise ExportError(f"{named(estimator)} cannot answer new rows: it has neither predict nor transform")


def _classification(estimator: Any) -> Task:
    if isinstance(estimator.classes_, list):
        raise ExportError(f"{named(estimator)} with several targets cannot be exported; fit one for each")
    classes = [str(name) for name in estimator.classes_]

    def answer(rows: Any) -> Answers:
        choices = np.searchsorted(estimator.classes_, estimator.predict(rows))
        if hasattr(estimator, "predict_proba"):
            scores = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
            return Answers(scores, choices, _margins(scores))
        margins = None
        if hasattr(estimator, "decision_function"):
            decision = np.asarray(estimator.decision_function(rows), dtype=np.float64)
            margins = np.abs(decision) if decision.ndim == 1 else _margins(decision)
        return Answers(np.empty((len(choices), 0)), choices, margins)

    return Task({"task": "classification", "classes": classes}, classes, answer)


def _regression(estimator: Any, targets: list[str] | None, width: int) -> Task:
    if targets is None:
        targets = ["target"] if width == 1 else [f"target_{index}" for index in range(width)]
    if len(targets) != width:
        raise ExportError(f"{named(estimator)} has {width} targets, {len(targets)} names were given")

    def answer(rows: Any) -> Answers:
        values = np.asarray(estimator.predict(rows), dtype=np.float64)
        return Answers(values.reshape(len(values), -1))

    return Task({"task": "regression", "targets": targets}, None, answer)


def _clustering(estimator: Any) -> Task:
    final = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    clusters = len(final.cluster_centers_)

    def answer(rows: Any) -> Answers:
        distances = np.asarray(estimator.transform(rows), dtype=np.float64)
        return Answers(distances, np.asarray(estimator.predict(rows)), _margins(-distances))

    return Task({"task": "clustering", "clusters": clusters}, [str(index) for index in range(clusters)], answer)


def _mixture(estimator: Any) -> Task:
    final = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    clusters = len(final.weights_)

    def answer(rows: Any) -> Answers:
        probabilities = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
        return Answers(probabilities, np.asarray(estimator.predict(rows)), _margins(probabilities))

    return Task({"task": "clustering", "clusters": clusters}, [str(index) for index in range(clusters)], answer)


def _transformation(estimator: Any) -> Task:
    names = [str(name) for name in estimator.get_feature_names_out()]

    def answer(rows: Any) -> Answers:
        values = estimator.transform(rows)
        return Answers(np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64))

    return Task({"task": "transformation", "names": names}, None, answer)


def _margins(scores: Floats) -> Floats:
    """How far the largest score of each row is from the second largest."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.inf)
    best = np.partition(scores, -2, axis=1)[:, -2:]
    margins: Floats = best[:, 1] - best[:, 0]
    return margins
