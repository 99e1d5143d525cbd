"""Tsitouras' pair of orders 5(4) with its free interpolant of order 4.

Ch. Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption",
Computers & Mathematics with Applications 62(2), 770-775 (2011), doi:10.1016/j.camwa.2011.06.002.
"""

import numpy as np

from solvers.ode.tableaus.records import ExplicitTableau, in_basis, lower

_b = [
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
]

# The interpolant's weights as polynomials: rows are the powers theta ... theta^4, columns the stages.
_powers = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [
            -2.763706197274826,
            0.13169999999999998,
            3.9302962368947516,
            -12.411077166933676,
            37.50931341651104,
            -27.896526289197286,
            1.5,
        ],
        [
            2.9132554618219126,
            -0.2234,
            -5.941033872131505,
            30.33818863028232,
            -88.1789048947664,
            65.09189467479366,
            -4.0,
        ],
        [
            -1.0530884977290216,
            0.1017,
            2.490627285651253,
            -16.548102889244902,
            47.37952196281928,
            -34.87065786149661,
            2.5,
        ],
    ]
)

_dense = in_basis(_powers)
_dense[0] = _b + [0.0]  # exactly, so that the interpolant ends in the step's result

TSIT5 = ExplicitTableau(
    name="Tsit5",
    order=5,
    error_order=4,
    stages=6,
    a=lower(
        [
            [],
            [0.161],
            [-0.008480655492356989, 0.335480655492357],
            [2.8971530571054935, -6.359448489975075, 4.3622954328695815],
            [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
            [
                5.86145544294642,
                -12.92096931784711,
                8.159367898576159,
                -0.071584973281401,
                -0.028269050394068383,
            ],
            _b,
        ],
        7,
    ),
    b=np.array(_b),
    c=np.array([0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0]),
    error=np.array(
        [
            [
                -0.00178001105222577714,
                -0.0008164344596567469,
                0.007880878010261995,
                -0.1447110071732629,
                0.5823571654525552,
                -0.45808210592918697,
                0.015151515151515152,
            ]
        ]
    ),
    dense=_dense,
    dense_order=4,
)
