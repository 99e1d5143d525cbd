"""A made-up network of 1000 mass-action reactions on 500 species, in three styles of writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Network", "generated", "loops", "random_network", "vectorised"]

Network = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def random_network(species: int = 500, reactions: int = 1000, seed: int = 1) -> Network:
    """Return reactions as (reactants, products): one or two of each."""
    draw = np.random.default_rng(seed)

    def some() -> tuple[int, ...]:
        return tuple(draw.integers(0, species, draw.integers(1, 3)).tolist())

    return tuple((some(), some()) for _ in range(reactions))


def generated(network: Network, species: int, library: Any = np) -> Callable:
    """Return ``rhs(y, k)`` with a line per reaction and per species, as code generators write it."""
    lines, terms = ["def rhs(y, k):"], [[] for _ in range(species)]
    for r, (reactants, products) in enumerate(network):
        lines.append(f"    r{r} = k[{r}] * " + " * ".join(f"y[{i}]" for i in reactants))
        for i in reactants:
            terms[i].append(f" - r{r}")
        for i in products:
            terms[i].append(f" + r{r}")
    lines += [f"    d{i} = 0.0 * y[{i}]{''.join(found)}" for i, found in enumerate(terms)]
    lines.append(f"    return np.array([{', '.join(f'd{i}' for i in range(species))}])")
    scope = {"np": library}
    exec("\n".join(lines), scope)
    return scope["rhs"]


def loops(network: Network, species: int) -> Callable:
    """Return ``rhs(y, k)`` as loops over the reactions that add to the elements of an array."""

    def rhs(y, k):
        change = np.zeros_like(y)
        for r, (reactants, products) in enumerate(network):
            rate = k[r]
            for i in reactants:
                rate = rate * y[i]
            for i in reactants:
                change[i] -= rate
            for i in products:
                change[i] += rate
        return change

    return rhs


def vectorised(network: Network, species: int) -> Callable:
    """Return ``rhs(y, k)`` with integer arrays: a table of reactants, padded, and a list of changes."""
    table = np.array([(*reactants, -1)[:2] for reactants, _ in network])
    changes = [(i, r, -1) for r, (reactants, _) in enumerate(network) for i in reactants]
    changes += [(i, r, 1) for r, (_, products) in enumerate(network) for i in products]
    where, which, signs = (np.array(column) for column in zip(*changes, strict=True))

    def rhs(y, k):
        rates = k * np.prod(np.append(y, 1.0)[table], axis=1)
        change = np.zeros_like(y)
        np.add.at(change, where, signs * rates[which])
        return change

    return rhs
