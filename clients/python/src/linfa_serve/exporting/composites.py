"""What is made of other estimators: pipelines."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from ..errors import ExportError
from .chain import Chain
from .registry import add, exports


@exports(Pipeline)
def _pipeline(pipeline: Any, chain: Chain) -> None:
    for name, estimator in pipeline.steps:
        if estimator is None or isinstance(estimator, str):
            continue
        try:
            add(estimator, chain)
        except ExportError as error:
            raise ExportError(f"step `{name}`: {error}") from None
