"""POLLU: air pollution, 20 species and 25 reactions.

F. Mazzia, C. Magherini: Test Set for Initial Value Problem Solvers, release 2.4, problem 16 (after
J. G. Verwer, 1994). Reactions, rate constants and initial values are those of the problem.
"""

from __future__ import annotations

import numpy as np

__all__ = ["RATES", "Y0", "rhs"]

RATES = np.array(
    [
        0.350e00, 0.266e02, 0.123e05, 0.860e-3, 0.820e-3, 0.150e05, 0.130e-3, 0.240e05, 0.165e05,
        0.900e04, 0.220e-1, 0.120e05, 0.188e01, 0.163e05, 0.480e07, 0.350e-3, 0.175e-1, 0.100e09,
        0.444e12, 0.124e04, 0.210e01, 0.578e01, 0.474e-1, 0.178e04, 0.312e01,
    ]
)  # fmt: skip
Y0 = np.array([0, 0.2, 0, 0.04, 0, 0, 0.1, 0.3, 0.01, 0, 0, 0, 0, 0, 0, 0, 0.007, 0, 0, 0])


def rhs(y, k):
    """Time derivatives of the concentrations."""
    y1, y2, y3, y4, y5, y6, y7, _, y9, y10, y11, _, y13, y14, _, y16, y17, _, y19, y20 = y
    r1 = k[0] * y1
    r2 = k[1] * y2 * y4
    r3 = k[2] * y5 * y2
    r4 = k[3] * y7
    r5 = k[4] * y7
    r6 = k[5] * y7 * y6
    r7 = k[6] * y9
    r8 = k[7] * y9 * y6
    r9 = k[8] * y11 * y2
    r10 = k[9] * y11 * y1
    r11 = k[10] * y13
    r12 = k[11] * y10 * y2
    r13 = k[12] * y14
    r14 = k[13] * y1 * y6
    r15 = k[14] * y3
    r16 = k[15] * y4
    r17 = k[16] * y4
    r18 = k[17] * y16
    r19 = k[18] * y16
    r20 = k[19] * y17 * y6
    r21 = k[20] * y19
    r22 = k[21] * y19
    r23 = k[22] * y1 * y4
    r24 = k[23] * y19 * y1
    r25 = k[24] * y20
    return np.array(
        [
            -r1 - r10 - r14 - r23 - r24 + r2 + r3 + r9 + r11 + r12 + r22 + r25,
            -r2 - r3 - r9 - r12 + r1 + r21,
            -r15 + r1 + r17 + r19 + r22,
            -r2 - r16 - r17 - r23 + r15,
            -r3 + 2 * r4 + r6 + r7 + r13 + r20,
            -r6 - r8 - r14 - r20 + r3 + 2 * r18,
            -r4 - r5 - r6 + r13,
            r4 + r5 + r6 + r7,
            -r7 - r8,
            -r12 + r7 + r9,
            -r9 - r10 + r8 + r11,
            r9,
            -r11 + r10,
            -r13 + r12,
            r14,
            -r18 - r19 + r16,
            -r20,
            r20,
            -r21 - r22 - r24 + r23 + r25,
            -r25 + r24,
        ]
    )
