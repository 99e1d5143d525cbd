"""Predator and prey after Lotka and Volterra."""


def rhs(t, y, alpha, beta, gamma, delta):
    hare, lynx = y
    return [(alpha - beta * lynx) * hare, (delta * hare - gamma) * lynx]
