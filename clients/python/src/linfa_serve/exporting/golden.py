"""Golden rows: inputs with scikit-learn's own answers, which the server has to repeat before the model serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ExportError
from .table import Floats, Table

TOLERANCE = 1e-9
"""How far the server may be off, relative to the largest number of the answer, or to 1."""
LARGEST_TOLERANCE = 1e-4
"""What the sidecar allows."""
PER_SOURCE = 12
"""Rows taken from each source whatever they show."""
DRAWN = 10_000
"""Rows drawn around those of X, to find what none of it shows."""
MARGIN = 1e-6
"""Two choices this close are a tie: rounding could decide for either."""


@dataclass(frozen=True)
class Answers:
    """What scikit-learn answers to some rows."""

    scores: Floats
    """rows x outputs; no columns where it gives a choice alone."""
    choices: npt.NDArray[np.int64] | None = None
    """rows: the index of the class or cluster."""
    margins: Floats | None = None
    """rows: how far the choice is from the second best; None where nothing tells."""


def rows(table: Table, answer: Callable[[Any], Answers], choices: list[str] | None) -> list[dict[str, Any]]:
    """Take rows of X and around it, and as many more as it takes to show every class or cluster.

    Errors:
        `ExportError` if no row shows a class: nobody could tell whether it is answered rightly.
    """
    found: list[dict[str, Any]] = []
    unseen = set(range(len(choices or ())))
    for source in (table, table.around(DRAWN)):
        answers = answer(source.asked)
        good = np.array([np.isfinite(scores).all() for scores in answers.scores])
        if answers.margins is not None:
            good &= answers.margins > MARGIN
        spread = np.arange(0, source.rows, -(-source.rows // PER_SOURCE))
        taken = [int(row) for row in spread if good[row]]
        if answers.choices is not None:
            unseen -= {int(answers.choices[row]) for row in taken}
            for choice in sorted(unseen):
                shows = np.flatnonzero(good & (answers.choices == choice))[:1]
                taken.extend(int(row) for row in shows)
                unseen -= {choice} if shows.size else set()
        found.extend(_row(source, answers, row) for row in taken)
    if choices and unseen:
        raise ExportError(
            f"the estimator never answers `{choices[min(unseen)]}`, on no row of X and none of {DRAWN} drawn ones; "
            "give an X that has rows of it, or fit without it"
        )
    return found


def _row(table: Table, answers: Answers, row: int) -> dict[str, Any]:
    made: dict[str, Any] = {"input": table.cells(row)}
    if answers.choices is not None:
        made["choice"] = int(answers.choices[row])
    scores = answers.scores[row]
    if scores.size:
        made["scores"] = scores.tolist()
    # Small numbers of an answer are what is left of large ones: each is as exact as the largest.
    largest = max(1.0, float(np.abs(scores).max(initial=0.0)))
    return made | {"tolerance": min(TOLERANCE * largest, LARGEST_TOLERANCE)}
