"""The export, from its first check to its last file. Every family is imported here, and so registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sklearn

from ..errors import ExportError
from ..inputs import Rows
from . import (
    artifact,
    bayes,
    clusters,
    composites,
    encoders,
    golden,
    linear,
    machines,
    projections,
    registry,
    scalers,
    trees,
)
from .answering import fitted, task
from .chain import Chain, Feature
from .table import Table, gaps

FAMILIES = (bayes, clusters, composites, encoders, linear, machines, projections, scalers, trees)


def export(  # noqa: D103 - see the package
    estimator: Any, rows: Rows, root: Path, name: str, version: int, targets: list[str] | None
) -> Path:
    path = artifact.folder(root, name, version)
    fitted(estimator)
    # Only an isotonic regression does not say, which takes a single one.
    width = getattr(estimator, "n_features_in_", 1)
    lacking = dict(enumerate(gaps(rows)))
    features = [Feature(has_gaps=lacking.get(index, False)) for index in range(width)]
    chain = Chain(features)
    registry.add(estimator, chain)
    chain.use()
    if not chain.steps:
        raise ExportError(f"{registry.named(estimator)} that changes nothing cannot be exported")
    names = getattr(estimator, "feature_names_in_", None)
    table = Table(rows, None if names is None else [*map(str, names)], features)
    asked = task(estimator, targets, table)
    artifact.write(
        path,
        steps=chain.steps,
        inputs=table.described(),
        output=asked.output,
        golden=golden.rows(table, asked.answer, asked.choices),
        training={
            "library": f"scikit-learn {sklearn.__version__}",
            "data": table.digest(),
            "rows": table.rows,
            "metrics": {},
        },
    )
    return path
