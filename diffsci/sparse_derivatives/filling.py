"""Memory that a user gives for a sparse matrix: where its entries go, or what is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.graph.namespaces import is_on_device
from diffsci.sparse.detection import Pattern

__all__ = ["entries_for", "entries_like", "misfit"]


def entries_for(pattern: Pattern, dtype: np.dtype, out: Any) -> np.ndarray | None:
    """Return where the entries of a matrix go, None where `out` is not such a matrix."""
    if not isinstance(out, np.ndarray):
        if getattr(out, "format", None) != "csr" or not pattern.is_of(out):
            return None
        out = out.data
    fits = isinstance(out, np.ndarray) and out.dtype == dtype and out.shape == (pattern.nnz,)
    return out if fits and out.flags.carray else None


def entries_like(found: Any, out: Any) -> Any:
    """Return where the entries of a matrix that was found go, None where `out` is not such a matrix."""
    if not is_on_device(found.data):
        return entries_for(_pattern(found), found.data.dtype, out)
    entries = out
    if not is_on_device(out):
        same = getattr(out, "indices", None) is found.indices and out.indptr is found.indptr
        entries = out.data if same else None
    fits = is_on_device(entries) and entries.dtype == found.data.dtype and entries.shape == found.data.shape
    return entries if fits else None


def misfit(found: Any, out: Any) -> str:
    """Return why `out` does not take the entries of a matrix that was found, as the end of a sentence."""
    entries = out
    if not is_on_device(out) and not isinstance(out, np.ndarray):
        wrong = _wrong_matrix(found, out)
        if wrong:
            return wrong
        entries = out.data
    if is_on_device(entries) != is_on_device(found.data):
        return f"has its entries {_place(entries)}, the result {_place(found.data)}"
    if entries.dtype != found.data.dtype:
        return f"has entries of {entries.dtype}, the result of {found.data.dtype}"
    if entries.shape != found.data.shape:
        return f"has entries of shape {entries.shape}, the result of shape {found.data.shape}"
    if not entries.flags.c_contiguous:
        return "has entries that do not follow each other in memory"
    return f"has entries that are {'misaligned' if entries.flags.writeable else 'read-only'}"


def _wrong_matrix(found: Any, out: Any) -> str | None:
    """Return what is wrong besides the entries themselves, None if nothing is."""
    form = getattr(out, "format", None)
    if form is None:
        return f"is of type {type(out).__name__}"
    if form != "csr":
        return f"has the format {form!r}, the result 'csr'"
    if out.shape != found.shape:
        return f"has shape {out.shape}, the result {found.shape}"
    if is_on_device(out.data) != is_on_device(found.data):
        return None  # its entries tell
    if is_on_device(out.data):
        shared = out.indices is found.indices and out.indptr is found.indptr
        return None if shared else "has index arrays of its own, and on a device they must be the result's"
    if _pattern(found).is_of(out):
        return None
    return f"has {out.nnz} entries, the result {found.nnz}, at other places"


def _pattern(found: Any) -> Pattern:
    return Pattern(found.indptr, found.indices, found.shape)


def _place(entries: Any) -> str:
    return "on the device" if is_on_device(entries) else "in the memory of the host"
