"""The model while it is being exported: its features, and the steps so far. No scikit-learn here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ExportError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Step:
    """One step as the artifact holds it."""

    kind: str
    tensors: Mapping[str, Array]
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Hyper-parameters that change the answer."""


Pad = Callable[[Step, int, int], Step]
"""Makes of a step one that leaves as many columns before and after it as they are."""

_PADS: dict[str, Pad] = {}


def pads(kind: str) -> Callable[[Pad], Pad]:
    """Say how a kind of step is kept from some columns, so that it can stand in a ColumnTransformer."""

    def register(pad: Pad) -> Pad:
        _PADS[kind] = pad
        return pad

    return register


@dataclass
class Chain:
    """Steps over some columns, each of which may still be one of the model's own features."""

    columns: list[int | None]
    """For each column as it is now: the feature that it is, or None if it has become another thing."""
    steps: list[Step] = field(default_factory=list)

    @property
    def width(self) -> int:
        """How many columns there are now."""
        return len(self.columns)

    def add(self, kind: str, tensors: Mapping[str, Array], spec: Mapping[str, Any] | None = None) -> None:
        """Add a step after which each column is what it was, by other numbers."""
        self.steps.append(Step(kind, tensors, spec or {}))

    def become(self, width: int) -> None:
        """Say that the step before makes `width` new columns."""
        self.columns = [None] * width

    def branch(self, places: Iterable[int]) -> Chain:
        """Begin a chain over some of the columns."""
        return Chain([self.columns[place] for place in places])

    def join(self, branches: list[Chain]) -> None:
        """Go on with the columns of all branches, side by side; each worked on its own part of the columns.

        Errors:
            `ExportError` for a step that cannot be kept from the columns of other branches.
        """
        widths = [branch.width_before for branch in branches]
        for index, branch in enumerate(branches):
            before = sum(done.width for done in branches[:index])
            after = sum(widths[index + 1 :])
            self.steps.extend(_padded(step, before, after) for step in branch.steps)
        self.columns = [column for branch in branches for column in branch.columns]

    def __post_init__(self) -> None:
        self.width_before = len(self.columns)


def _padded(step: Step, before: int, after: int) -> Step:
    if before == after == 0:
        return step
    if step.kind not in _PADS:
        raise ExportError(
            f"a step of the kind {step.kind} works on all columns, and stands in a ColumnTransformer beside others; "
            "put it after the ColumnTransformer"
        )
    return _PADS[step.kind](step, before, after)


def ends(values: Array, before: int, after: int, fill: float) -> Array:
    """The values with as many of `fill` before and after them."""
    return np.concatenate([np.full(before, fill), values, np.full(after, fill)])
