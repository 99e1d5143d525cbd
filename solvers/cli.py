"""The command line: ``diffsci run``, ``diffsci validate``, ``diffsci list``.

Exit codes: 0 good; 1 a check or a case failed; 2 bad input; 130 interrupted. Heavy imports happen inside the
commands, so that help and ``list`` answer at once.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from solvers.studies.problems import BadInputError, StudyFailedError

GOOD, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
TRACEBACK = "DIFFSCI_TRACEBACK"

app = typer.Typer(
    name="diffsci",
    help="Simulate, differentiate, validate and calibrate a plain NumPy model from one case file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the case: a.b=1."),
]


@app.command()
def run(
    case: Annotated[str, typer.Argument(help="A case file (.toml) or the name of a shipped case.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for the results; results/CASE by default."),
    ] = None,
    set_: Changes = None,
) -> None:
    """Simulate, differentiate and compare with finite differences; write one HDF5 file and plots."""
    with _answering():
        from solvers.studies.find import find_case
        from solvers.studies.load import load_case
        from solvers.studies.output import appearing_in
        from solvers.studies.plots import draw_study
        from solvers.studies.report import show_study, terminal
        from solvers.studies.run import run_study
        from solvers.studies.store import write_study

        loaded = load_case(find_case(case), set_ or [])
        console = terminal()
        folder = output or Path("results") / loaded.name
        with appearing_in(folder) as scratch:
            study, result = run_study(loaded)
            show_study(console, study, result)
            write_study(scratch / f"{loaded.name}.h5", study, result)
            pictures = draw_study(scratch, study, result)
        names = [f"{loaded.name}.h5", *(path.name for path in pictures)]
        console.print(f"\nwritten to {folder}: {', '.join(names)}", soft_wrap=True, highlight=False)
        _leave(all(check.passed for check in result.checks))


@app.command()
def validate(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[CASE|FOLDER]", help="A case, or a folder; all shipped cases by default."),
    ] = None,
    set_: Changes = None,
) -> None:
    """Check gradients against published values, finite differences, Taylor remainders and forward mode."""
    with _answering():
        from solvers.studies.find import find_cases
        from solvers.studies.load import load_case
        from solvers.studies.report import show_checks, terminal
        from solvers.studies.validate import all_passed, validate_case

        # Every case is read before the first one runs: bad input shows at once.
        cases = [load_case(path, set_ or []) for path in find_cases(target)]
        console = terminal()
        verdicts = []
        for loaded in cases:
            checks = validate_case(loaded)
            verdicts.append(all_passed(checks))
            show_checks(console, f"{loaded.name}: {'good' if verdicts[-1] else 'FAILED'}", checks)
        _leave(all(verdicts))


@app.command(name="list")
def list_() -> None:
    """List the shipped cases."""
    with _answering():
        from solvers.studies.find import shipped_cases, title_of

        problems = []
        for name, path in shipped_cases().items():
            try:
                typer.echo(f"{name:<16}{title_of(path)}")
            except BadInputError as error:
                problems += error.problems
        if problems:
            raise BadInputError(problems)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn everything that can go wrong into one clear message and an exit code."""
    usual, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        yield
    except BadInputError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    except StudyFailedError as error:
        typer.echo(f"failed: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; earlier results are as they were", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except MemoryError as error:
        typer.echo(f"failed: not enough memory{f': {error}' if str(error) else ''}", err=True)
        raise typer.Exit(FAILED) from None
    except OSError as error:
        typer.echo(f"failed: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except typer.Exit:
        raise
    except Exception as error:
        _internal(error)
    finally:
        warnings.formatwarning = usual


def _warning(message: object, category: type, filename: str, lineno: int, line: str | None = None) -> str:
    """Format a warning in one line; a place in our own code says nothing to the user."""
    root = Path(__file__).resolve().parents[1]
    ours = any(Path(filename).is_relative_to(root / package) for package in ("solvers", "diffsci"))
    place = "" if ours else f"{filename}:{lineno}: "
    return f"warning: {place}{' '.join(str(message).split())}\n"


def _internal(error: Exception) -> None:
    """Report a fault of ours, or what the kernel refused, in one line."""
    from diffsci.errors import DiffsciError

    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, DiffsciError):
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    text = f"{type(error).__name__}: {error}"
    typer.echo(f"internal error: {text}\nset {TRACEBACK}=1 for the traceback, and please report it", err=True)
    raise typer.Exit(FAILED) from None


def _leave(good: bool) -> None:
    raise typer.Exit(GOOD if good else FAILED)


def main() -> None:
    """Run the command line."""
    app(prog_name="diffsci")
