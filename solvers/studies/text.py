"""Reading of text files, with messages instead of exceptions."""

from __future__ import annotations

from pathlib import Path

from solvers.studies.problems import BadInputError, Problem


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file; a byte-order mark, which some spreadsheets write, is left out."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not a UTF-8 text: byte {error.object[error.start]:#04x} at position {error.start}"
        raise BadInputError(Problem(message, str(path))) from None
    except OSError as error:
        raise BadInputError(Problem(f"cannot read this file: {error.strerror}", str(path))) from None
