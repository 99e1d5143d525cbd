"""Comparisons and logic: boolean results, no derivative."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Primitive, Type, register
from diffsci.primitives.shared import BOOL, batch_elementwise, same_types


def _compare_type(x: Type, y: Type) -> Type:
    return Type(same_types(x, y).shape, BOOL)


def _logic_type(*types: Type) -> Type:
    common = same_types(*types)
    if common.dtype != BOOL:
        raise TypeError(f"expected booleans, got {common}")
    return common


def _on_real_parts(ufunc):
    """Compare real parts: what a comparison means when a complex step runs through it."""

    def value(x, y):
        return ufunc(np.real(x), np.real(y))

    return value


COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}

LOGIC = {
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
}

for _name, _ufunc in COMPARISONS.items():
    register(
        Primitive(
            name=_name,
            type=_compare_type,
            value=_on_real_parts(_ufunc),
            family="elementwise",
            jvp="zero",
            batch=batch_elementwise,
        )
    )

for _name, _ufunc in LOGIC.items():
    register(
        Primitive(
            name=_name,
            type=_logic_type,
            value=_ufunc,
            family="elementwise",
            jvp="zero",
            batch=batch_elementwise,
        )
    )
