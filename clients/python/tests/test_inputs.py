"""What is refused before anything is sent. The client leads to nowhere: a call that was made would fail otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from linfa_serve import Client, ConfigError, Feature, InputError, Signature
from linfa_serve.inputs import Frame, Matrix, read


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Client]:
    with Client("127.0.0.1:1", "lsk_test") as client:
        yield client


DAY = datetime.date(2024, 2, 29)
REFUSED: list[tuple[str, Any, str]] = [
    ("no rows at all", None, "a NoneType holds no rows"),
    ("a text", "5.1,3.5", "a str holds no rows"),
    ("one dimension", np.zeros(4), r"expected 2 dimensions \(rows x features\), got 1; one row is array.reshape"),
    ("three dimensions", np.zeros((2, 2, 2)), "expected 2 dimensions .*, got 3"),
    ("no rows", np.zeros((0, 4)), "expected at least one row and one feature, got 0 x 4"),
    ("no features", np.zeros((4, 0)), "expected at least one row and one feature, got 4 x 0"),
    ("an object array", np.array([[1, "a"]], dtype=object), "the array holds object values.*astype"),
    ("an array of texts", np.array([["a", "b"]]), "the array holds <U1 values"),
    ("complex numbers", np.zeros((1, 2), dtype=complex), "the array holds complex128 values"),
    ("dates", np.array([["2024-02-29"]], dtype="datetime64[D]"), "the array holds datetime64"),
    ("longer floats", np.zeros((1, 2), dtype=np.longdouble), "which are no numbers that can be sent"),
    ("identifiers", np.array([[1, 2**53 + 1]]), r"the array, row 0: the integer is beyond 2\*\*53"),
    ("a flat list", [5.1, 3.5], r"row 0: expected a list of numbers, got a float; one row is \[\[…\]\]"),
    ("a ragged list", [[1.0, 2.0], [3.0]], "row 1: expected 2 values as in row 0, got 1"),
    ("a text in a list", [[1.0, 2.0], [3.0, "x"]], "row 1, value 1: expected a number, got a str"),
    ("nothing in a list", [[1.0, None]], "row 0, value 1: expected a number, got a NoneType"),
    ("no columns", {}, "expected at least one column, got none"),
    ("empty columns", {"a": []}, "expected at least one row, got none"),
    ("ragged columns", {"a": [1, 2], "b": [1]}, "column `b`: expected 2 values as in `a`, got 1"),
    ("a number for a column", {"a": 1.0}, "column `a`: expected a list of values, got a float"),
    ("a number for a name", pd.DataFrame({0: [1.0]}), "column 0: a column's name is a text"),
    ("a name twice", pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "column `a` occurs twice"),
    (
        "mixed objects",
        pd.DataFrame({"a": ["x", 3]}, dtype=object),
        "column `a`, row 1: expected a text like the others",
    ),
    ("pandas dates", pd.DataFrame({"a": pd.to_datetime(["2024-02-29"])}), "column `a` holds datetime64.*days since"),
    ("pandas durations", pd.DataFrame({"a": pd.to_timedelta([1], unit="D")}), "column `a` holds timedelta64"),
    ("numeric categories", pd.DataFrame({"a": pd.Categorical([1, 2])}), r"row 0: .*by \.astype\(str\), or numbers"),
    ("polars dates", pl.DataFrame({"a": [DAY]}), "column `a` holds date; make numbers of it first"),
    ("polars lists", pl.DataFrame({"a": [[1.0, 2.0]]}), "column `a` holds object values"),
    ("a list of lists in a column", {"a": [[1.0]]}, "column `a`, row 0: expected a number, got a list"),
]


@pytest.mark.parametrize(("rows", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_rows_that_cannot_be_sent_are_refused_before_anything_is(nowhere: Client, rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        nowhere.predict("iris", rows)
    with pytest.raises(InputError, match=message):
        next(nowhere.predict_stream("iris", rows))


def test_a_refusal_carries_row_and_column_for_programs() -> None:
    with pytest.raises(InputError) as refused:
        read(pd.DataFrame({"a": [1.0, 2.0], "b": [None, 7]}, dtype=object)[["b"]])
    assert (refused.value.row, refused.value.column) == (1, "b")


def test_columns_are_compared_with_a_signature_before_anything_is_sent(nowhere: Client) -> None:
    features = tuple(Feature(name, 0.0, 1.0, 0.5, 0.5) for name in ("width", "height"))
    signature = Signature(features, "regression", ("y",), ("linear_regression",))
    cases: list[tuple[Any, str]] = [
        ({"width": [1.0]}, "column `height` is missing; the model takes width, height"),
        ({"width": [1.0], "height": [1.0], "depth": [1.0]}, "column `depth` is none of the model's; drop it"),
        ({"width": [1.0], "height": ["x"]}, "column `height`: expected numbers, got texts"),
        ([[1.0, 2.0, 3.0]], r"expected 2 features \(width, height\), got 3"),
    ]
    for rows, message in cases:
        with pytest.raises(InputError, match=message):
            nowhere.predict("box", rows, signature=signature)


def test_a_choice_that_contradicts_itself_is_refused(nowhere: Client) -> None:
    with pytest.raises(InputError, match="expected a version or a label, got both"):
        nowhere.predict("iris", [[1.0]], version=1, label="stable")
    with pytest.raises(InputError, match="expected a version from 1 on, got 0"):
        nowhere.predict("iris", [[1.0]], version=0)
    with pytest.raises(ConfigError, match="expected a timeout above 0 seconds, got 0"):
        nowhere.predict("iris", [[1.0]], timeout=0)
    with pytest.raises(InputError, match="expected chunks of at least one row, got 0"):
        nowhere.predict_stream("iris", [[1.0]], chunk_rows=0)


@pytest.mark.parametrize(
    "values",
    [[[1, 2], [3, 4]], [[True, False]], [np.array([1.5, 2.5], dtype=np.float32)], [(1.0, float("nan"))]],
    ids=repr,
)
def test_a_list_of_rows_is_a_matrix_of_64_bit_floats(values: Any) -> None:
    rows = read(values)
    assert isinstance(rows, Matrix)
    np.testing.assert_array_equal(rows.values, np.array(values, dtype=np.float64))


def test_32_bit_floats_stay_so_and_any_layout_is_made_row_major() -> None:
    array = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    rows = read(array)
    assert isinstance(rows, Matrix)
    assert rows.values.tobytes() == np.arange(6, dtype="<f4").tobytes()


TABLE = {"a": [1, 2], "b": [0.5, None], "c": ["x", None], "d": [True, False]}


@pytest.mark.parametrize(
    "rows",
    [
        TABLE,
        pd.DataFrame(TABLE),
        pd.DataFrame(TABLE).convert_dtypes(),
        pd.DataFrame(TABLE).astype({"c": "category"}),
        pd.DataFrame(TABLE).astype({"c": object}),
        pl.DataFrame(TABLE),
        pl.DataFrame(TABLE).with_columns(pl.col("c").cast(pl.Categorical)),
    ],
    ids=["mapping", "pandas", "pandas nullable", "pandas category", "pandas object", "polars", "polars categorical"],
)
def test_a_frame_gives_numbers_and_texts_whoever_made_it(rows: Any) -> None:
    frame = read(rows)
    assert isinstance(frame, Frame)
    assert list(frame.columns) == list(TABLE)
    np.testing.assert_array_equal(frame.columns["a"], [1.0, 2.0])
    np.testing.assert_array_equal(frame.columns["b"], [0.5, np.nan])
    assert frame.columns["c"] == ["x", ""]
    np.testing.assert_array_equal(frame.columns["d"], [1.0, 0.0])


def test_parts_of_rows_are_the_rows() -> None:
    array = np.arange(10.0).reshape(5, 2)
    assert [len(part) for part in read(array).parts(2)] == [2, 2, 1]
    frame = read({"a": array[:, 0], "b": list("vwxyz")})
    assert isinstance(frame, Frame)
    parts = list(frame.parts(3))
    assert [len(part) for part in parts] == [3, 2]
    assert parts[1].columns["b"] == ["y", "z"]
