"""Worst errors against mpmath, ours beside the peers': ``python -m benchmarks accuracy``.

Every function of ``diffsci.stable`` has a row, a `Function` record in ``rows_<family>.py``. A module of
rows ends in a list ``ROWS``; it is found by its name. A row says how the function is spelled here and by
the peers, what its value and all its partial derivatives are in mpmath, and where to look:

>>> import mpmath as mp
>>> from benchmarks.accuracy.points import around, everywhere, extremes, mix
>>> from benchmarks.accuracy.row import Function
>>> ROWS = [
...     Function(
...         name="expm1",
...         arguments="x",  # "x y" for two; second then holds xx, xy, yy
...         ours="ds.stable.expm1(x)",  # names: ds, np, special (scipy.special)
...         value=mp.expm1,  # called with mpf of the points, infinities included
...         first=(mp.exp,),  # one per argument
...         second=(mp.exp,),  # the upper triangle, row by row
...         points=mix(everywhere(), around(0.0), extremes()),
...         jax="jnp.expm1(x)",  # names: jax, jnp
...         torch="torch.expm1(x)",  # names: torch
...         autograd="anp.expm1(x)",  # names: anp, aspecial (autograd.scipy.special)
...     )
... ]

- A function of a vector is a function of its entries: ``ours="ds.stable.norm(np.stack([x, y, z], -1),
  axis=-1)"`` with ``arguments="x y z"``; a result that is a vector is measured by one entry (``[..., 0]``).
- References are evaluated with ``digits`` decimal digits (60 by default). One point in fifty is evaluated
  again with twice as many, and a row that has too few is refused. They must be right at every point, so
  write them without catastrophic cancellation beyond those digits (`mp.log1p`, `mp.expm1`). Return
  ``mp.nan`` for a derivative that is not to be judged at a point (no limit exists); a value of NaN is
  expected to be NaN. NaN arguments are added by the command: the value must be NaN there.
- ``points`` is a sampler (see `benchmarks.accuracy.points`) that returns an array (n, arguments); ``mix``
  takes its parts in equal shares and filters by ``where``. Look where it is hard: zeros of the function and
  its derivatives, branch switches of the formula, cancellations, both ends of the range, subnormal numbers,
  infinities.
- ``peers_from`` leaves smaller arguments out for the peers, which would not come to an end there.
- ``ulps`` is the target for values (4; 8 for the gamma family).
- ``second_scale``, for functions whose second derivatives have zeros that depend on all arguments at once:
  what their errors are relative to where they are smaller than that. The page names these rows.

Errors. A value is off by ``|computed - reference| / ulp`` where ulp is the distance of doubles at the
double nearest to the reference (Goldberg 1991; Muller et al., Handbook of Floating-Point Arithmetic,
2.6.1); subnormal numbers count in units of the smallest subnormal number. An infinite result is right where
the reference rounds to it, and counts as 2**1024 otherwise. A derivative is off by ``|computed - reference|
/ max(|reference|, 2**-1022)``: where it underflows, an error of one smallest subnormal number counts as
2**-52. Ours is the worst of plain, traced and compiled values, of forward and reverse derivatives and of
the four nestings of both, each eager and compiled; peers are taken in reverse mode and reverse over
reverse.
"""
