"""What makes numbers of gaps and texts: imputers and encoders. They come first in a pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from ..errors import ExportError
from .chain import Chain, Feature, Step, pads
from .registry import exports, require


@exports(SimpleImputer)
def _impute(imputer: Any, chain: Chain) -> None:
    require(not imputer.add_indicator, imputer, "add_indicator=True")
    gap = imputer.missing_values
    require(gap is None or gap != gap, imputer, f"missing_values={gap!r}, where only NaN and None are gaps,")  # noqa: PLR0124
    features, fills = chain.features("a SimpleImputer"), list(imputer.statistics_)
    numbers = []
    for place, (feature, fill) in enumerate(zip(features, fills, strict=True)):
        if isinstance(fill, str):
            feature.missing_as = fill
        else:
            is_number = isinstance(fill, int | float | np.number) and bool(np.isfinite(fill))
            require(is_number, imputer, f"no number but {fill} for the gaps of column {place}")
            feature.missing = True
            numbers.append(place)
    if numbers:
        filled = np.array([fills[place] for place in numbers], dtype=np.float64)
        chain.steps.append(Step("imputer", chain.width, {"fills": filled}, {"columns": numbers}))
    chain.columns = [None if place in numbers else feature for place, feature in enumerate(features)]


@exports(OneHotEncoder)
def _one_hot(encoder: Any, chain: Chain) -> None:
    frequent = all(each is None for each in getattr(encoder, "infrequent_categories_", [None]))
    require(frequent, encoder, "infrequent categories")
    dropped = encoder.drop_idx_
    drops = dropped is not None
    require(not drops or all(each == 0 for each in dropped), encoder, f"drop={encoder.drop!r} that is not 'first'")
    unknown = "refuse" if encoder.handle_unknown == "error" else "ignore"
    for feature, categories in zip(chain.features("a OneHotEncoder"), encoder.categories_, strict=True):
        _categorize(encoder, feature, categories, unknown)
    spec = {"columns": [*range(chain.width)]} | ({"drop_first": True} if drops else {})
    chain.add("one_hot_encoder", {}, spec, width=sum(len(each) - drops for each in encoder.categories_))


@exports(OrdinalEncoder)
def _ordinal(encoder: Any, chain: Chain) -> None:
    frequent = all(each is None for each in getattr(encoder, "infrequent_categories_", [None]))
    require(frequent, encoder, "infrequent categories")
    ignores = encoder.handle_unknown == "use_encoded_value"
    other = [encoder.unknown_value] if ignores else []
    require(all(np.isfinite(value) for value in other), encoder, "an unknown_value that is not finite")
    values = []
    for feature, categories in zip(chain.features("an OrdinalEncoder"), encoder.categories_, strict=True):
        _categorize(encoder, feature, categories, "ignore" if ignores else "refuse")
        values.extend([*range(len(categories)), *other])
    chain.add("ordinal_encoder", {"values": np.array(values, dtype=np.float64)}, {"columns": [*range(chain.width)]})


def _categorize(encoder: Any, feature: Feature, categories: Any, unknown: str) -> None:
    """Make a feature one of these texts."""
    for category in categories:
        if category is None or category != category:  # noqa: PLR0124 - NaN
            raise ExportError(f"a {type(encoder).__name__} that has seen a gap; put a SimpleImputer before it")
        if not isinstance(category, str):
            raise ExportError(
                f"a {type(encoder).__name__} over {category!r}, which is no text; make texts of the column by "
                ".astype(str) and fit anew"
            )
        require(category != "", encoder, "an empty text as category, which stands for a gap,")
    texts = [str(category) for category in categories]
    if feature.categories not in (None, texts):
        raise ExportError("two encoders know different categories of one column")
    feature.categories, feature.unknown = texts, unknown
    if feature.missing_as not in texts:
        # What fills a gap did not occur in training, so that a row with one is refused rather than guessed at.
        feature.missing_as = None


@pads("imputer")
@pads("one_hot_encoder")
@pads("ordinal_encoder")
def _pad(step: Step, before: int, after: int) -> Step:
    columns = [before + place for place in step.spec["columns"]]
    return replace(step, spec={**step.spec, "columns": columns})
