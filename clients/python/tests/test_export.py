"""scikit-learn's models, exported, judged by the sidecar, served, and compared with scikit-learn over 10 000 rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import LINFACTL, Up
from estimators import ALL, IRIS
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from linfa_serve import Answer, Classification, Client, Clustering, Regression, Transformation, concatenate, export

ROWS = 10_000


def around(rows: Any) -> Any:
    """Rows as far around those of training as their ranges are wide, with gaps where those have some; of a table, its
    columns in other orders."""
    random = np.random.default_rng(7)
    if isinstance(rows, pd.DataFrame):
        order = {name: random.integers(len(rows), size=ROWS) for name in rows}
        return pd.DataFrame({name: rows[name].iloc[order[name]].reset_index(drop=True) for name in rows})
    low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    drawn = low + (high - low) * random.uniform(-1, 2, (ROWS, rows.shape[1]))
    has_gaps = np.isnan(rows).any(axis=0)
    return np.where(has_gaps & (random.random(drawn.shape) < 0.3), np.nan, drawn)


@pytest.fixture(scope="module")
def exported(up: Up) -> dict[str, Any]:
    """All of them fitted, and dropped at once."""
    fitted = {name: clone(estimator).fit(X, y) for name, (estimator, X, y) in ALL.items()}
    for name, estimator in fitted.items():
        export(estimator, ALL[name][1], up.models, name, 1)
    return fitted


@pytest.mark.parametrize("name", ALL)
def test_what_is_exported_is_admitted_and_answers_as_scikit_learn_does(
    name: str, exported: dict[str, Any], client: Client
) -> None:
    rows = around(ALL[name][1])
    client.wait_for(name, 1)
    agreement(name, exported[name], rows, concatenate(client.predict_stream(name, rows, chunk_rows=2000)))


def agreement(name: str, estimator: Any, rows: Any, answer: Answer) -> None:
    """Compare, and print how far the two are apart. A choice may differ where scikit-learn's own is a tie."""
    match answer:
        case Classification():
            expected = estimator.predict(rows).astype(str)
            numbers = answer.probabilities
            scores = estimator.predict_proba(rows) if numbers is not None else None
            differs = answer.labels != expected
        case Clustering():
            numbers = answer.distances if answer.probabilities is None else answer.probabilities
            scores = estimator.transform(rows) if answer.probabilities is None else estimator.predict_proba(rows)
            differs = answer.clusters != estimator.predict(rows)
        case Regression():
            numbers, scores, differs = answer.values, estimator.predict(rows), np.zeros(ROWS, dtype=bool)
        case Transformation():
            numbers, scores, differs = answer.values, estimator.transform(rows), np.zeros(ROWS, dtype=bool)
        case _:
            raise AssertionError(answer)
    apart = "no numbers"
    if numbers is not None and scores is not None:
        scores = np.reshape(scores.toarray() if hasattr(scores, "toarray") else scores, numbers.shape)
        off, largest = float(np.abs(numbers - scores).max()), float(np.abs(scores).max())
        assert off < 1e-9 * max(1.0, largest)
        apart = f"{off:.1e} apart at most, of numbers up to {largest:.1e}"
        nearest = np.sort(
            -scores if isinstance(answer, Clustering) and answer.probabilities is None else scores, axis=1
        )
        differs &= np.diff(nearest[:, -2:], axis=1).ravel() > 1e-9 if numbers.shape[1] > 1 else True
    assert differs.mean() <= (0 if scores is not None else 1e-3)
    print(f"{name}: {apart}, {differs.sum()} of {ROWS} choices differ")


def test_a_version_is_three_files_that_tell_where_the_model_comes_from(tmp_path: Path) -> None:
    X, y = IRIS
    version = export(LogisticRegression(max_iter=1000).fit(X, y), X, tmp_path, "iris", 7)
    assert version == tmp_path / "iris" / "7"
    assert sorted(file.name for file in version.iterdir()) == ["golden.jsonl", "manifest.json", "model.safetensors"]
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["training"]["library"].startswith("scikit-learn ")
    assert manifest["training"]["rows"] == 150
    assert [feature["name"] for feature in manifest["inputs"]] == ["x0", "x1", "x2", "x3"]
    golden = [json.loads(line) for line in (version / "golden.jsonl").read_text().splitlines()]
    assert {row["choice"] for row in golden} == {0, 1, 2}
    judged = subprocess.run([LINFACTL, "verify", version], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout


def test_a_parameter_that_was_changed_after_the_export_is_refused(tmp_path: Path) -> None:
    X, y = IRIS
    model = LogisticRegression(max_iter=1000).fit(X, y)
    version = export(model, X, tmp_path, "iris", 1)
    golden = (version / "golden.jsonl").read_bytes()
    model.coef_ = model.coef_ * (1 + 1e-6)
    other = export(model, X, tmp_path, "iris", 2)
    # The rows of the one, the parameters of the other.
    assert (other / "golden.jsonl").read_bytes() != golden
    manifest = json.loads((other / "manifest.json").read_text())
    first = json.loads((version / "manifest.json").read_text())
    manifest["files"][1] = first["files"][1]
    (other / "golden.jsonl").write_bytes(golden)
    (other / "manifest.json").write_text(json.dumps(manifest))
    judged = subprocess.run([LINFACTL, "verify", other], capture_output=True, text=True, check=False)
    assert judged.returncode == 1
    assert "the model answers" in judged.stdout
