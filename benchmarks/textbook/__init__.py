"""What textbooks say about derivatives by computer, measured here: ``python -m benchmarks textbook``.

One file is one experiment, and all have one shape: ``THEORY``, ``run(...)`` with a size that tests can make
small, and ``measure()``, which runs it at full size and returns a section of docs/textbook.md with its
picture. Laws (slopes, counts, equalities) are rows with targets; times are only told.
"""

EXPERIMENTS = ("steps", "swell", "shapes", "cheap_gradient", "checkpoints")
