"""What tests of gradient checks share."""

import numpy as np

from diffsci.evidence import check_grad

POINT = np.array([0.5, 2.0, -1.0])


def verdict(f, *args, **options):
    result = check_grad(f, *args, **options)
    text = str(result)
    assert result.verdict in text
    assert result.passed == (result.verdict == "good")
    return result.verdict, text
