"""The rows that an estimator was fitted on: read, compared with what it knows, and described as features."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import inputs
from ..errors import InputError
from .chain import Feature

Floats = npt.NDArray[np.float64]
Column = Floats | list[str]


def gaps(rows: inputs.Rows) -> list[bool]:
    """Tell of each column whether some row lacks it.

    Errors:
        `InputError` if the rows cannot be read.
    """
    read = inputs.read(rows)
    columns = read.values.T if isinstance(read, inputs.Matrix) else read.columns.values()
    return [isinstance(column, np.ndarray) and bool(np.isnan(column).any()) for column in columns]


class Table:
    """Rows of features.

    Args:
        rows: an array or a list of rows, a frame, or a mapping of columns.
        names: the names that the estimator was fitted with, if it knows any.
        features: what its steps make of each feature.

    Errors:
        `InputError` if the rows cannot be read, have missing, extra or reordered columns, or values that no step
        takes.

    """

    def __init__(self, rows: inputs.Rows, names: list[str] | None, features: list[Feature]) -> None:
        read = inputs.read(rows)
        width = len(features)
        if isinstance(read, inputs.Matrix):
            if read.values.shape[1] != width:
                raise InputError(f"the estimator was fitted with {width} features, X has {read.values.shape[1]}")
            self.names = names or [f"x{index}" for index in range(width)]
            columns = read.values.astype(np.float64, copy=False).T
            self.columns: dict[str, Column] = dict(zip(self.names, columns, strict=True))
        else:
            _compare(list(read.columns), names, width)
            self.names = list(read.columns)
            self.columns = read.columns
        self.rows = len(read)
        self.features = dict(zip(self.names, features, strict=True))
        for name, column in self.columns.items():
            _check(name, column, self.features[name])
        is_frame = not isinstance(rows, np.ndarray | list | tuple)
        if names is None:
            # It was fitted by an array, and would warn of names.
            self.asked: Any = self.matrix()
        elif is_frame and hasattr(rows, "columns"):
            self.asked = rows
        else:
            import pandas as pd  # noqa: PLC0415 - who fits by a frame has it

            self.asked = pd.DataFrame(self.columns)

    @property
    def is_plain(self) -> bool:
        """Whether every value is a number that is there."""
        return all(isinstance(each, np.ndarray) and bool(np.isfinite(each).all()) for each in self.columns.values())

    def matrix(self) -> Floats:
        """Rows x features, of features that are numbers."""
        return np.column_stack([self.columns[name] for name in self.names])

    def around(self, count: int) -> Table:
        """As many rows around these; the same each time.

        Of numbers that are all there: drawn from the ranges, widened by half of each on both sides. Else each column
        in an order of its own.
        """
        random = np.random.default_rng(42)
        if self.is_plain:
            low, high = self.matrix().min(axis=0), self.matrix().max(axis=0)
            values = low - (high - low) / 2 + random.random((count, len(low))) * 2 * (high - low)
            return Table(dict(zip(self.names, values.T, strict=True)), self._fitted_names, [*self.features.values()])
        orders = {name: random.integers(self.rows, size=count) for name in self.names}
        return Table(_reordered(self.asked, orders), self._fitted_names, [*self.features.values()])

    @property
    def _fitted_names(self) -> list[str] | None:
        return None if isinstance(self.asked, np.ndarray) else self.names

    def cells(self, row: int) -> list[float | str | None]:
        """One row as golden rows have it: numbers, texts, and None where a value is missing."""
        values = (self.columns[name][row] for name in self.names)
        return [value or None if isinstance(value, str) else _number(value) for value in values]

    def digest(self) -> str:
        """The hash of the rows: SHA-256 of all values, column by column.

        A number is a little-endian 64-bit float, a text is UTF-8 with a zero byte after it.
        """
        hashed = hashlib.sha256()
        for name in self.names:
            column = self.columns[name]
            if isinstance(column, list):
                hashed.update(b"".join(text.encode() + b"\0" for text in column))
            else:
                hashed.update(column.astype("<f8").tobytes())
        return f"sha256:{hashed.hexdigest()}"

    def described(self) -> list[dict[str, Any]]:
        """Each feature with what it looks like in the rows, as the manifest has them."""
        return [_described(name, self.columns[name], self.features[name]) for name in self.names]


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
        raise InputError(f"X has its columns in another order than the estimator was fitted with; give X[{names}]")


def _check(name: str, column: Column, feature: Feature) -> None:
    """Prove that the steps take every value."""
    if not feature.used:
        return
    if isinstance(column, list):
        if feature.categories is None:
            raise InputError(
                f"column `{name}` holds texts, and no step encodes it; put a OneHotEncoder or OrdinalEncoder over it",
                column=name,
            )
        known = {*feature.categories} | ({""} if feature.missing_as else set())
        for row, text in enumerate(column):
            if text not in known and (feature.unknown == "refuse" or not text):
                what = f"`{text}`, which the encoder does not know" if text else "a gap, and no step fills it in"
                raise InputError(f"column `{name}`, row {row}: {what}", row=row, column=name)
        return
    if feature.categories is not None:
        raise InputError(f"column `{name}` holds numbers, and the encoder knows texts", column=name)
    bad = np.flatnonzero(np.isinf(column) if feature.missing else ~np.isfinite(column))
    if bad.size:
        raise InputError(
            f"column `{name}`, row {bad[0]}: {column[bad[0]]} in the training rows, and no step of the estimator "
            "replaces it; drop the row, or put a SimpleImputer first",
            row=int(bad[0]),
            column=name,
        )
    if np.isnan(column).all():
        raise InputError(f"column `{name}` has no value at all; drop it and fit anew", column=name)


def _reordered(frame: Any, orders: dict[str, npt.NDArray[np.int64]]) -> Any:
    """A frame or an array whose columns take these rows each."""
    if isinstance(frame, np.ndarray):
        return np.column_stack([frame[order, index] for index, order in enumerate(orders.values())])
    if type(frame).__module__.startswith("polars"):
        return frame.select([frame[name][order.tolist()] for name, order in orders.items()])
    import pandas as pd  # noqa: PLC0415 - it is one of its frames

    return pd.DataFrame({name: frame[name].iloc[order].reset_index(drop=True) for name, order in orders.items()})


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _described(name: str, column: Column, feature: Feature) -> dict[str, Any]:
    if isinstance(column, list) and feature.categories is None:
        # Nothing computes with it: free text, whatever it is.
        return {"name": name, "kind": "text"} | _statistics(np.array([*map(len, column)], dtype=np.float64))
    if isinstance(column, list):
        categories = feature.categories or []
        texts = [text or feature.missing_as for text in column]
        made: dict[str, Any] = {"name": name, "kind": "category", "categories": categories}
        made |= {"counts": [texts.count(category) for category in categories], "unknown": feature.unknown}
        return made | ({"missing_as": feature.missing_as} if feature.missing_as else {})
    missing = feature.missing or not feature.used
    return {"name": name} | ({"missing": True} if missing else {}) | _statistics(column[np.isfinite(column)])


def _statistics(there: Floats) -> dict[str, Any]:
    """What numbers look like; zeros where there are none."""
    there = there if there.size else np.zeros(1)
    deciles = np.quantile(there, np.arange(1, 10) / 10)
    # Rounding must not lead out of between the neighbours.
    deciles = np.maximum.accumulate(np.clip(deciles, there.min(), there.max()))
    made = {"min": float(there.min()), "max": float(there.max()), "mean": float(there.mean())}
    return made | {"std": float(there.std()), "deciles": deciles.tolist()}
