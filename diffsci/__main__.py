"""``python -m diffsci``: the command line."""

from solvers.cli import main

if __name__ == "__main__":
    main()
