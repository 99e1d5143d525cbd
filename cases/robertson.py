"""Robertson's autocatalytic reaction, as a SciPy user writes it."""


def rhs(t, y, k1, k2, k3):
    y1, y2, y3 = y
    slow = k1 * y1
    back = k2 * y2 * y3
    fast = k3 * y2**2
    return [-slow + back, slow - back - fast, fast]
