"""The model while it is being exported: its features, and the steps so far. No scikit-learn here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ExportError

Array = npt.NDArray[Any]


@dataclass
class Feature:
    """What the steps make of one feature: a number, unless it is encoded as a category."""

    has_gaps: bool = False
    """Whether some row of training lacks it."""
    missing: bool = False
    """Whether a row may lack it, since a step fills it in or knows what to do without it."""
    categories: list[str] | None = None
    """The texts that it may be, in the order in which steps count them."""
    unknown: str = "refuse"
    """What becomes of any other text: `refuse` or `ignore`."""
    missing_as: str | None = None
    """The text that stands for a missing one."""
    used: bool = False
    """Whether a step computes with it."""


@dataclass(frozen=True)
class Step:
    """One step as the artifact holds it."""

    kind: str
    width: int
    """How many columns there are after it."""
    tensors: Mapping[str, Array]
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Hyper-parameters that change the answer."""


OF_FEATURES = {"imputer", "one_hot_encoder", "ordinal_encoder"}
"""The steps that make numbers of features. They come before those that compute, which take numbers alone."""

Pad = Callable[[Step, int, int], Step]
"""Makes of a step one that leaves as many columns before and after it as they are."""

_PADS: dict[str, Pad] = {}


def pads(kind: str) -> Callable[[Pad], Pad]:
    """Say how a kind of step is kept from some columns, so that it can stand in a ColumnTransformer."""

    def register(pad: Pad) -> Pad:
        _PADS[kind] = pad
        return pad

    return register


class Chain:
    """Steps over some columns.

    Args:
        columns: for each column the feature that it is; None once it has become something else.

    """

    def __init__(self, columns: Iterable[Feature | None]) -> None:
        self.columns = list(columns)
        self.given = len(self.columns)
        self.steps: list[Step] = []

    @property
    def width(self) -> int:
        """How many columns there are now."""
        return len(self.columns)

    def add(
        self,
        kind: str,
        tensors: Mapping[str, Array],
        spec: Mapping[str, Any] | None = None,
        *,
        width: int | None = None,
    ) -> None:
        """Add a step that makes numbers of numbers: `width` columns, or as many as before."""
        self.use()
        self.columns = [None] * (self.width if width is None else width)
        self.steps.append(Step(kind, self.width, tensors, spec or {}))

    def use(self) -> None:
        """Say that all columns are computed with."""
        for column in self.columns:
            if column is not None:
                column.used = True

    def take_gaps(self) -> bool:
        """Say that the next step can do without the features that some row of training lacks; tell if any does."""
        lacking = [column for column in self.columns if column is not None and column.has_gaps and not column.used]
        for column in lacking:
            column.missing = True
        return bool(lacking)

    def features(self, step: str) -> list[Feature]:
        """The features that the columns are.

        Errors:
            `ExportError` if a column is no feature any more.
        """
        features = [column for column in self.columns if column is not None]
        if len(features) < self.width:
            raise ExportError(f"{step} comes after a step that computes; put it first")
        self.use()
        return features

    def branches(self, places: list[list[int]]) -> list[Chain]:
        """Begin chains over some of the columns each; `join` goes on with what they give, side by side."""
        chosen = [place for each in places for place in each]
        if chosen != [*range(self.width)]:
            self.steps.append(Step("select_columns", len(chosen), {}, {"columns": chosen}))
            self.columns = [self.columns[place] for place in chosen]
        columns = iter(self.columns)
        return [Chain(islice(columns, len(each))) for each in places]

    def join(self, branches: list[Chain]) -> None:
        """Go on with the columns of all branches, side by side; each worked on its own part of the columns.

        Errors:
            `ExportError` for a step that cannot be kept from the columns of other branches.
        """
        widths = [branch.given for branch in branches]
        for is_of_features in (True, False):
            for index, branch in enumerate(branches):
                for step in branch.steps:
                    if (step.kind in OF_FEATURES) == is_of_features:
                        self.steps.append(_padded(step, sum(widths[:index]), sum(widths[index + 1 :])))
                        widths[index] = step.width
        self.columns = [column for branch in branches for column in branch.columns]


def _padded(step: Step, before: int, after: int) -> Step:
    if before == after == 0:
        return step
    if step.kind not in _PADS:
        raise ExportError(
            f"a step of the kind {step.kind} works on all columns, and stands beside others in a ColumnTransformer; "
            "put it after that"
        )
    return replace(_PADS[step.kind](step, before, after), width=before + step.width + after)


def ends(values: Array, before: int, after: int, fill: float) -> Array:
    """The values with as many of `fill` before and after them."""
    return np.concatenate([np.full(before, fill), values, np.full(after, fill)])
