"""An example of a gradient check, report and picture: ``python -m diffsci.evidence [PICTURE]``."""

from __future__ import annotations

import sys

import numpy as np

from diffsci.evidence.check_grad import check_grad

TIMES = np.linspace(0.0, 4.0, 30)


def misfit(model):
    """The distance of a decaying oscillation from a plain decay."""
    curve = (
        model["size"] * np.exp(-model["rate"] * TIMES) * np.cos(model["pulse"][0] * TIMES + model["pulse"][1])
    )
    return np.sum((curve - np.exp(-TIMES)) ** 2)


def main(arguments: list[str]) -> int:
    """Print the report; draw the V-curves where a file is named."""
    result = check_grad(misfit, {"size": 1.2, "rate": 0.7, "pulse": np.array([2.0, 0.3])})
    print(result)
    if arguments:
        result.plot(arguments[0])
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
