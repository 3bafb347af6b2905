"""What cannot be exported: each is refused with what to do, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimators import DIABETES, IRIS, passengers
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from linfa_serve import ExportError, InputError, export

X, Y = IRIS
NUMBERS, TARGET = DIABETES
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
TABLE, SURVIVED = passengers(200)


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """A transformer of the caller's own."""

    def fit(self, X: Any, y: Any = None) -> Doubled:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return 2 * X


class Scaled(StandardScaler):  # type: ignore[misc, unused-ignore]
    """A subclass, which may do anything."""


def table(*steps: Any) -> Any:
    return make_pipeline(make_column_transformer(*steps), LogisticRegression(max_iter=1000)).fit(TABLE, SURVIVED)


NAN_ROW = X.copy()
NAN_ROW[3, 1] = np.nan
NAN_COLUMN = X.copy()
NAN_COLUMN[:, 1] = np.nan
# As what was fitted by rows with NaN may be.
lost_mean = StandardScaler().fit(X)
lost_mean.mean_[1] = np.nan
lost_slopes = LinearRegression().fit(NUMBERS, TARGET)
lost_slopes.coef_[:] = np.nan
fitted = LogisticRegression(max_iter=1000).fit(X, Y)
by_name = LogisticRegression(max_iter=1000).fit(FRAME, Y)

ESTIMATORS: list[tuple[str, Any, Any, str]] = [
    ("a class", LogisticRegression, X, "expected a fitted estimator, got the class LogisticRegression"),
    ("no estimator", "model", X, "expected a fitted estimator of scikit-learn, got a str"),
    ("not fitted", LogisticRegression(), X, "a LogisticRegression is not fitted; call fit first"),
    ("not fitted in a pipeline", make_pipeline(StandardScaler(), LogisticRegression()), X, "is not fitted"),
    (
        "neighbours",
        KNeighborsClassifier().fit(X, Y),
        X,
        "a KNeighborsClassifier cannot be exported; these can: ",
    ),
    ("kernels", KernelPCA(2).fit(X), X, "a KernelPCA cannot be exported; these can"),
    ("no predictions", DBSCAN().fit(X), X, "a DBSCAN cannot be exported"),
    (
        "a custom transformer",
        make_pipeline(Doubled(), LogisticRegression(max_iter=1000)).fit(X, Y),
        X,
        "step `doubled`: a Doubled cannot be exported; .*Replace it, or apply it to the rows before they are sent",
    ),
    (
        "a subclass",
        make_pipeline(Scaled(), LogisticRegression()).fit(X, Y),
        X,
        r"step `scaled`: a Scaled \(a subclass of StandardScaler of your own\) cannot be exported",
    ),
    (
        "a function",
        make_pipeline(FunctionTransformer(np.log1p), LinearRegression()).fit(X, Y),
        X,
        "step `functiontransformer`: a FunctionTransformer with func=.*which only Python can run",
    ),
    ("clipping", MinMaxScaler(clip=True).fit(X), X, "a MinMaxScaler with clip=True cannot be exported"),
    ("no probabilities", SGDClassifier().fit(X, Y), X, "a SGDClassifier with loss='hinge', which has no prob"),
    ("one against the rest", SGDClassifier(loss="log_loss").fit(X, Y), X, "with more than two classes"),
    ("a kernel of one's own", SVC(kernel=lambda a, b: a @ b.T).fit(X, Y), X, "a SVC with kernel=<function"),
    (
        "isotonic to NaN",
        IsotonicRegression().fit(NUMBERS[:, 0], TARGET),
        NUMBERS[:, [0]],
        "out_of_bounds='nan', where",
    ),
    (
        "a start of one's own",
        GradientBoostingRegressor(init=LinearRegression(), n_estimators=2).fit(NUMBERS, TARGET),
        NUMBERS,
        "a GradientBoostingRegressor with init=a LinearRegression cannot be exported",
    ),
    (
        "splits by sets of categories",
        HistGradientBoostingRegressor(categorical_features=[0], max_iter=2).fit(X, Y),
        X,
        r"a HistGradientBoostingRegressor with categorical features, .* \(put a OneHotEncoder before it\), cannot",
    ),
    ("nothing", make_pipeline("passthrough").fit(X), X, "a Pipeline that changes nothing cannot be exported"),
    (
        "an imputer after a scaler",
        make_pipeline(StandardScaler(), SimpleImputer(), LogisticRegression()).fit(X, Y),
        X,
        "step `simpleimputer`: a SimpleImputer comes after a step that computes; put it first",
    ),
    (
        "categories that are numbers",
        table((OneHotEncoder(), ["siblings"])),
        TABLE,
        r"a OneHotEncoder over .*, which is no text; make texts of the column by \.astype\(str\)",
    ),
    (
        "a gap that is a category",
        table((OneHotEncoder(), ["port"])),
        TABLE,
        "a OneHotEncoder that has seen a gap; put a SimpleImputer before it",
    ),
    ("NaN in the statistics", lost_mean, X, "its offsets are not all finite; fit it anew"),
    ("NaN in the coefficients", lost_slopes, NUMBERS, "its coefficients are not all finite; fit it anew"),
    (
        "an imputer of nothing",
        SimpleImputer().fit(NAN_COLUMN),
        NAN_COLUMN,
        "a SimpleImputer with no number but nan for the gaps of column 1 cannot be exported",
    ),
    (
        "a function over a column",
        table((FunctionTransformer(np.log1p), ["fare"])),
        TABLE,
        "step `columntransformer`: step `functiontransformer`: a FunctionTransformer with func=",
    ),
    ("a class that never comes", fitted, X[Y == 0][:5].repeat(2, axis=0), "never answers `1`, on no row of X"),
]
ROWS: list[tuple[str, Any, Any, str]] = [
    ("too few features", fitted, X[:, :3], "the estimator was fitted with 4 features, X has 3"),
    ("one dimension", fitted, X[0], r"expected 2 dimensions \(rows x features\), got 1"),
    ("objects", fitted, X.astype(object), "the array holds object values"),
    ("NaN", fitted, NAN_ROW, "column `x1`, row 3: nan in the training rows, and no step .*put a SimpleImputer first"),
    (
        "NaN for trees that know none",
        GradientBoostingRegressor(n_estimators=2).fit(X, Y),
        NAN_ROW,
        "column `x1`, row 3: nan in the training rows",
    ),
    ("a missing column", by_name, FRAME[["a", "b", "c"]], "column `d` is missing; the estimator was fitted with it"),
    ("an extra column", by_name, FRAME.assign(e=1.0), "column `e` is extra; the estimator was not fitted with it"),
    ("another order", by_name, FRAME[["b", "a", "c", "d"]], r"in another order .*; give X\[\['a', 'b', 'c', 'd'\]\]"),
    ("dates", by_name, FRAME.assign(d=pd.Timestamp("2024-02-29")), "column `d` holds datetime64.*days since"),
    ("categories", by_name, FRAME.assign(d="x"), "column `d` holds texts, and no step encodes it; put a OneHotEnc"),
    (
        "a categorical column",
        by_name,
        FRAME.assign(d=pd.Categorical(["x"] * len(FRAME))),
        "column `d` holds texts, and no step encodes it",
    ),
    ("object columns", by_name, FRAME.astype(object), r"column `a`, row 0: expected a text .*numbers by \.astype"),
    ("polars dates", by_name, pl.DataFrame(FRAME.to_dict("list")).with_columns(d=pl.date(2024, 2, 29)), "holds date"),
    (
        "a text that is unknown",
        table((OneHotEncoder(), ["sex"])),
        TABLE.assign(sex="other"),
        "column `sex`, row 0: `other`, which the encoder does not know",
    ),
]


@pytest.mark.parametrize(
    ("estimator", "rows", "message"), [c[1:] for c in ESTIMATORS], ids=[c[0] for c in ESTIMATORS]
)
def test_an_estimator_that_cannot_be_exported_is_refused(
    estimator: Any, rows: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=message) as refused:
        export(estimator, rows, tmp_path / "models", "m", 1)
    print(refused.value)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(("estimator", "rows", "message"), [c[1:] for c in ROWS], ids=[c[0] for c in ROWS])
def test_rows_that_do_not_fit_are_refused(estimator: Any, rows: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export(estimator, rows, tmp_path / "models", "m", 1)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("Iris", 1, "`Iris` is no name: a lower-case letter"),
        ("../iris", 1, "is no name"),
        ("iris", 0, "0 is no version"),
        ("iris", True, "True is no version"),
        ("iris", 10**18, "is no version"),
    ],
)
def test_a_name_or_version_that_is_none_is_refused(name: str, version: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=message):
        export(fitted, X, tmp_path, name, version)
    assert not list(tmp_path.iterdir())


def test_a_path_that_exists_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    version = tmp_path / "iris" / "1"
    version.mkdir(parents=True)
    with pytest.raises(ExportError, match="exists, and a version never changes; choose another number"):
        export(fitted, X, tmp_path, "iris", 1)
    assert not list(version.iterdir())
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ExportError, match="is no folder of models"):
        export(fitted, X, file, "iris", 1)


def test_an_estimator_that_is_built_in_another_way_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    model = LinearRegression().fit(NUMBERS, TARGET)
    del model.intercept_
    with pytest.raises(ExportError, match=r"a LinearRegression of scikit-learn .* has no attribute 'intercept_'"):
        export(model, NUMBERS, tmp_path, "m", 1)
    assert not list(tmp_path.iterdir())


def test_names_of_targets_have_to_be_as_many_as_there_are(tmp_path: Path) -> None:
    model = LinearRegression().fit(NUMBERS, TARGET)
    with pytest.raises(ExportError, match="a LinearRegression has 1 targets, 2 names were given"):
        export(model, NUMBERS, tmp_path, "m", 1, targets=["a", "b"])
    assert not list(tmp_path.iterdir())
