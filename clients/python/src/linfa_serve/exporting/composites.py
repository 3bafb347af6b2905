"""What is made of other estimators: one after another, or side by side."""

from __future__ import annotations

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from ..errors import ExportError
from .chain import Chain
from .registry import add, exports, require


@exports(Pipeline)
def _pipeline(pipeline: Any, chain: Chain) -> None:
    for name, estimator in pipeline.steps:
        _add_named(name, estimator, chain)


@exports(ColumnTransformer)
def _columns(transformer: Any, chain: Chain) -> None:
    require(not transformer.transformer_weights, transformer, "transformer_weights")
    places = transformer._transformer_to_input_indices
    used = [(name, each) for name, each, _ in transformer.transformers_ if each != "drop" and len(places[name])]
    branches = chain.branches([list(places[name]) for name, _ in used])
    for (name, estimator), branch in zip(used, branches, strict=True):
        _add_named(name, estimator, branch)
    chain.join(branches)


@exports(FeatureUnion)
def _union(union: Any, chain: Chain) -> None:
    require(not union.transformer_weights, union, "transformer_weights")
    used = [(name, each) for name, each in union.transformer_list if each != "drop"]
    branches = chain.branches([[*range(chain.width)] for _ in used])
    for (name, estimator), branch in zip(used, branches, strict=True):
        _add_named(name, estimator, branch)
    chain.join(branches)


@exports(FunctionTransformer)
def _function(transformer: Any, chain: Chain) -> None:
    require(transformer.func is None, transformer, f"func={transformer.func!r}, which only Python can run,")


def _add_named(name: str, estimator: Any, chain: Chain) -> None:
    if estimator is None or isinstance(estimator, str):
        # "passthrough"
        return
    try:
        add(estimator, chain)
    except ExportError as error:
        raise ExportError(f"step `{name}`: {error}") from None
