"""The rows that an estimator was fitted on: read, compared with what it knows, and described as features."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import inputs
from ..errors import InputError

Floats = npt.NDArray[np.float64]


class Table:
    """Rows of features.

    Args:
        rows: an array or a list of rows, a frame, or a mapping of columns.
        names: the names that the estimator was fitted with, if it knows any.
        width: the number of features that it was fitted with.

    Errors:
        `InputError` if the rows cannot be read, or have missing, extra or reordered columns.

    """

    def __init__(self, rows: inputs.Rows, names: list[str] | None, width: int) -> None:
        read = inputs.read(rows)
        if isinstance(read, inputs.Matrix):
            values = read.values.astype(np.float64, copy=False)
            if values.shape[1] != width:
                raise InputError(f"the estimator was fitted with {width} features, X has {values.shape[1]}")
            self.names = names or [f"x{index}" for index in range(width)]
            self.columns = dict(zip(self.names, values.T, strict=True))
        else:
            _compare(list(read.columns), names, width)
            self.names = list(read.columns)
            self.columns = {name: _numbers(name, column) for name, column in read.columns.items()}
        self.rows = len(read)
        # An estimator that was fitted by names is asked by names, or it warns.
        self.by_name = names is not None
        for name, column in self.columns.items():
            bad = np.flatnonzero(~np.isfinite(column))
            if bad.size:
                raise InputError(
                    f"column `{name}`, row {bad[0]}: {column[bad[0]]} in the training rows, and no step of the "
                    "estimator replaces it; drop the row, or put a SimpleImputer first",
                    row=int(bad[0]),
                    column=name,
                )

    def digest(self) -> str:
        """The hash of the rows: SHA-256 of every value as a little-endian 64-bit float, row after row."""
        return f"sha256:{hashlib.sha256(self.matrix().astype('<f8').tobytes()).hexdigest()}"

    def matrix(self) -> Floats:
        """Rows x features."""
        return np.column_stack([self.columns[name] for name in self.names])

    def like(self, values: Floats) -> Any:
        """Rows as the estimator wants them."""
        if not self.by_name:
            return values
        import pandas as pd  # noqa: PLC0415 - only who fitted by a frame has it

        return pd.DataFrame(values, columns=self.names)

    def features(self) -> list[dict[str, Any]]:
        """Each feature with its statistics over the rows, as the manifest has them."""
        return [_feature(name, self.columns[name]) for name in self.names]


def _compare(given: list[str], names: list[str] | None, width: int) -> None:
    if names is None:
        if len(given) != width:
            raise InputError(f"the estimator was fitted with {width} features, X has {len(given)} columns")
        return
    missing = [name for name in names if name not in given]
    extra = [name for name in given if name not in names]
    if missing:
        raise InputError(f"column `{missing[0]}` is missing; the estimator was fitted with it", column=missing[0])
    if extra:
        raise InputError(f"column `{extra[0]}` is extra; the estimator was not fitted with it", column=extra[0])
    if given != names:
        raise InputError(f"X has other columns first than the estimator was fitted with; give X[{names}]")


def _numbers(name: str, column: Floats | list[str]) -> Floats:
    if isinstance(column, list):
        raise InputError(f"column `{name}` holds texts; a step that takes texts cannot be exported yet", column=name)
    return column


def _feature(name: str, values: Floats) -> dict[str, Any]:
    deciles = np.quantile(values, np.arange(1, 10) / 10)
    # Rounding must not lead out of between the neighbours.
    deciles = np.maximum.accumulate(np.clip(deciles, values.min(), values.max()))
    return {
        "name": name,
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std()),
        "deciles": deciles.tolist(),
    }
