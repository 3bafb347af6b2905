"""Scalers: a shift and a factor for each column, by the step `standard_scaler`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from .chain import Array, Chain, Step, ends, pads
from .registry import exports, require


@exports(StandardScaler)
def _standard(scaler: Any, chain: Chain) -> None:
    _add(chain, scaler.mean_ if scaler.with_mean else None, scaler.scale_)


@exports(RobustScaler)
def _robust(scaler: Any, chain: Chain) -> None:
    _add(chain, scaler.center_ if scaler.with_centering else None, scaler.scale_ if scaler.with_scaling else None)


@exports(MinMaxScaler)
def _min_max(scaler: Any, chain: Chain) -> None:
    require(not scaler.clip, scaler, "clip=True")
    # x * scale + min, as (x - -min / scale) * scale.
    _add(chain, -scaler.min_ / scaler.scale_, 1.0 / scaler.scale_)


@exports(MaxAbsScaler)
def _max_abs(scaler: Any, chain: Chain) -> None:
    require(not getattr(scaler, "clip", False), scaler, "clip=True")
    _add(chain, None, scaler.scale_)


def _add(chain: Chain, centre: Array | None, divisor: Array | None) -> None:
    """(x - centre) / divisor."""
    offsets = np.zeros(chain.width) if centre is None else centre
    scales = np.ones(chain.width) if divisor is None else 1.0 / divisor
    chain.add("standard_scaler", {"offsets": offsets, "scales": scales})


@pads("standard_scaler")
def _pad(step: Step, before: int, after: int) -> Step:
    offsets, scales = step.tensors["offsets"], step.tensors["scales"]
    padded = {"offsets": ends(offsets, before, after, 0.0), "scales": ends(scales, before, after, 1.0)}
    return replace(step, tensors=padded)
