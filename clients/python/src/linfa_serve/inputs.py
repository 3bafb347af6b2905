"""From rows as Python has them to rows as the wire has them. What cannot be sent is refused, with row and column.

By position: a 2-dimensional numpy array, or a list of rows. By name: a pandas or polars frame, or a mapping of names
to columns. Neither pandas nor polars is imported: a frame is known by its methods.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .pb import predict_pb2 as pb


class FrameLike(Protocol):
    """What a frame of pandas or polars is, as far as it is used."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""

    def __getitem__(self, name: Any, /) -> Any:
        """One column."""


Rows = npt.NDArray[Any] | Sequence[Sequence[float] | npt.NDArray[Any]] | Mapping[str, Any] | FrameLike
"""A numpy array or a list of rows (rows x features, by position), a pandas or polars frame, or a mapping of column
names to values (by name, in any order)."""

LARGEST_EXACT = 2**53
"""Beyond it a 64-bit float skips integers."""


@dataclass(frozen=True)
class Matrix:
    """Rows by position."""

    values: npt.NDArray[np.float64] | npt.NDArray[np.float32]
    """rows x features, C-contiguous and little-endian."""
    is_list: bool = False
    """Whether they came as a list; then they are sent as one, and what the server says of them names that field."""

    def __len__(self) -> int:
        return len(self.values)

    def parts(self, size: int) -> Iterator[Matrix]:
        """Cut into parts of at most `size` rows, in order."""
        return (Matrix(self.values[start : start + size], self.is_list) for start in range(0, len(self), size))

    def put(self, request: pb.PredictRequest) -> None:
        """Write the rows into a request; an array as bytes."""
        request.matrix.columns = self.values.shape[1]
        if self.is_list:
            request.matrix.values.extend(self.values.ravel().tolist())
        elif self.values.dtype == np.float32:
            request.matrix.f32_le = self.values.tobytes()
        else:
            request.matrix.f64_le = self.values.tobytes()


@dataclass(frozen=True)
class Frame:
    """Rows by name: numbers, or texts."""

    columns: dict[str, npt.NDArray[np.float64] | list[str]]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def parts(self, size: int) -> Iterator[Frame]:
        """Cut into parts of at most `size` rows, in order."""
        for start in range(0, self.rows, size):
            cut = {name: column[start : start + size] for name, column in self.columns.items()}
            yield Frame(cut, min(size, self.rows - start))

    def put(self, request: pb.PredictRequest) -> None:
        """Write the rows into a request, column by column."""
        for name, column in self.columns.items():
            if isinstance(column, list):
                request.frame.columns.add(name=name, texts=column)
            else:
                request.frame.columns.add(name=name, values=column.tolist())


def read(rows: Rows) -> Matrix | Frame:
    """Read rows of any kind.

    Errors:
        `InputError` if they are of no kind that is known, have the wrong shape, or hold what is no number or text.
    """
    if isinstance(rows, np.ndarray):
        return _matrix(rows)
    if _is_frame(rows):
        names = _names(list(rows.columns))
        return _frame({name: rows[name] for name in names})
    if isinstance(rows, Mapping):
        return _frame({name: rows[name] for name in _names(list(rows))})
    if isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        return replace(_matrix(_array_of_rows(rows)), is_list=True)
    raise InputError(
        f"a {type(rows).__name__} holds no rows; give a 2-dimensional array, a list of rows, a frame, or a mapping "
        "of columns"
    )


def _is_frame(rows: object) -> TypeGuard[FrameLike]:
    """Whether that is a frame of pandas or polars: labelled columns of one length."""
    return type(rows).__module__.partition(".")[0] in {"pandas", "polars"} and hasattr(rows, "columns")


def _matrix(array: npt.NDArray[Any]) -> Matrix:
    if array.ndim != 2:
        hint = "; one row is array.reshape(1, -1)" if array.ndim == 1 else ""
        raise InputError(f"expected 2 dimensions (rows x features), got {array.ndim}{hint}")
    rows, columns = array.shape
    if rows == 0 or columns == 0:
        raise InputError(f"expected at least one row and one feature, got {rows} x {columns}")
    if array.dtype.newbyteorder("=") == np.float32:
        return Matrix(np.ascontiguousarray(array, dtype="<f4"))
    return Matrix(np.ascontiguousarray(_numbers(array, None), dtype="<f8"))


def _array_of_rows(rows: Sequence[Any]) -> npt.NDArray[Any]:
    """The array of a list of rows, or the first row that is none."""
    width = None
    for index, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping) or not hasattr(row, "__len__"):
            hint = "; one row is [[…]]" if isinstance(row, int | float | np.number) else ""
            raise InputError(f"row {index}: expected a list of numbers, got a {type(row).__name__}{hint}", row=index)
        width = len(row) if width is None else width
        if len(row) != width:
            raise InputError(f"row {index}: expected {width} values as in row 0, got {len(row)}", row=index)
        for column, value in enumerate(row):
            if isinstance(value, str | bytes) or not np.isscalar(value):
                raise InputError(
                    f"row {index}, value {column}: expected a number, got a {type(value).__name__}",
                    row=index,
                    column=str(column),
                )
    return np.array(rows)


def _names(names: list[Any]) -> list[str]:
    seen = set()
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"column {name!r}: a column's name is a text; rename it, or send the values as an array")
        if name in seen:
            raise InputError(f"column `{name}` occurs twice", column=name)
        seen.add(name)
    return names


def _frame(columns: dict[str, Any]) -> Frame:
    if not columns:
        raise InputError("expected at least one column, got none")
    read = {name: _column(name, column) for name, column in columns.items()}
    first, rows = next((name, len(column)) for name, column in read.items())
    for name, column in read.items():
        if len(column) != rows:
            raise InputError(
                f"column `{name}`: expected {rows} values as in `{first}`, got {len(column)}", column=name
            )
    if rows == 0:
        raise InputError("expected at least one row, got none")
    return Frame(read, rows)


def _column(name: str, column: Any) -> npt.NDArray[np.float64] | list[str]:
    """One column: texts if it holds texts, else numbers; a missing number is NaN, a missing text is empty."""
    kind = str(getattr(column, "dtype", "")).lower()
    if kind.startswith(("date", "time", "duration", "period", "interval")):
        raise InputError(
            f"column `{name}` holds {kind}; make numbers of it first, such as days since a fixed day",
            column=name,
        )
    if isinstance(column, str | bytes) or not hasattr(column, "__len__"):
        raise InputError(f"column `{name}`: expected a list of values, got a {type(column).__name__}", column=name)
    if kind in {"category", "categorical", "enum", "object", "str", "string"} or kind.startswith(
        ("string", "categorical(", "enum(", "<u")
    ):
        return _texts(name, column)
    if kind:
        return _numbers(_to_numpy(column), name)
    values = list(column)
    if any(isinstance(value, str) for value in values):
        return _texts(name, values)
    for row, value in enumerate(values):
        if value is not None and not np.isscalar(value):
            raise InputError(
                f"column `{name}`, row {row}: expected a number, got a {type(value).__name__}",
                row=row,
                column=name,
            )
    return _numbers(np.array([np.nan if value is None else value for value in values]), name)


def _to_numpy(column: Any) -> npt.NDArray[Any]:
    """The values of a pandas, polars or numpy column; missing ones become NaN."""
    if isinstance(column, np.ndarray):
        return column
    if type(column).__module__.startswith("pandas") and column.isna().any():
        filled: npt.NDArray[Any] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return filled
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def _texts(name: str, column: Any) -> list[str]:
    texts = []
    for row, value in enumerate(column):
        if isinstance(value, str):
            texts.append(value)
        elif value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
            texts.append("")
        else:
            raise InputError(
                f"column `{name}`, row {row}: expected a text like the others, got a {type(value).__name__}; make "
                "texts of all by .astype(str), or numbers by .astype(float)",
                row=row,
                column=name,
            )
    return texts


def _numbers(array: npt.NDArray[Any], name: str | None) -> npt.NDArray[np.float64]:
    """The array as 64-bit floats, if every value is one exactly."""
    where = "the array" if name is None else f"column `{name}`"
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InputError(
            f"{where} holds {array.dtype} values, which are no numbers that can be sent; convert it by "
            ".astype(float), or send a frame with a column of texts",
            column=name,
        )
    if name is not None and array.ndim != 1:
        raise InputError(f"{where}: expected 1 dimension, got {array.ndim}", column=name)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        beyond = (array > LARGEST_EXACT) | (array < -LARGEST_EXACT)
        if beyond.any():
            row = int(np.argwhere(beyond)[0][0])
            raise InputError(
                f"{where}, row {row}: the integer is beyond 2**53, where floats skip some; is it an identifier?",
                row=row,
                column=name,
            )
    return array.astype(np.float64, copy=False)
