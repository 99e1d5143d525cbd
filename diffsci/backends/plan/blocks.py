"""Straight-line code in blocks of bounded length: compile time grows faster than length."""

from __future__ import annotations

import numpy as np

from diffsci.backends.plan.program import Buffer, Plan, Store, Straight

__all__ = ["split_blocks"]

_LONGEST = 250


def split_blocks(plan: Plan) -> None:
    """Split long blocks and pass the values that cross from one to another through memory."""
    steps: list = []
    blocks: list[Straight] = []
    for step in plan.steps:
        if isinstance(step, Straight):
            parts = _parts(step)
            steps += parts
            blocks += parts
        else:
            steps.append(step)
    plan.steps = steps
    if len(blocks) > 1:
        _connect(blocks)


def _parts(block: Straight) -> list[Straight]:
    if len(block.live) <= _LONGEST * 3 // 2:
        return [block]
    home = {s: k // _LONGEST for k, s in enumerate(block.live)}
    count = -(-len(block.live) // _LONGEST)
    stores: list[list[Store]] = [[] for _ in range(count)]
    for store in block.stores:
        stores[home.get(store.stmt, 0)].append(store)
    starts = range(0, len(block.live), _LONGEST)
    return [
        Straight(block.body, block.live[start : start + _LONGEST], stores[k])
        for k, start in enumerate(starts)
    ]


def _connect(blocks: list[Straight]) -> None:
    body = blocks[0].body
    home = {s: block for block in blocks for s in block.live}
    places: dict[int, int] = {}
    for block in blocks:
        inside = set(block.live)
        needed = dict.fromkeys(arg for s in block.live for arg in body.args[s] if arg not in inside)
        needed |= dict.fromkeys(store.stmt for store in block.stores if store.stmt not in inside)
        for s in needed:
            if _is_cheap(body, s):
                block.again.append(s)
                continue
            place = places.setdefault(s, len(places))
            home[s].saved[s] = place
            block.restored[s] = place
    spill = Buffer(np.dtype(np.float64), len(places), "work", label="values between blocks")
    for block in blocks:
        block.spill = spill


def _is_cheap(body, s: int) -> bool:
    if body.ops[s] == "lit":
        return True
    return body.ops[s] == "load" and body.attrs[s][0].kind in ("input", "const")
