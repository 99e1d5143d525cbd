"""Results appear all at once or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from solvers.studies.problems import BadInputError, Problem


@contextmanager
def appearing_in(folder: Path) -> Iterator[Path]:
    """Give a scratch folder whose files move to ``folder`` when the block ends without an exception.

    The scratch folder lies inside ``folder``, so each move is one atomic rename on one file system; after an
    exception (an interruption, too) it is removed and earlier results stay as they were.

    Examples
    --------
    >>> target = Path(tempfile.mkdtemp())
    >>> with appearing_in(target) as scratch:
    ...     _ = (scratch / "a.txt").write_text("hello")
    >>> [path.name for path in target.iterdir()]
    ['a.txt']
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise BadInputError(Problem(f"cannot write results here: {error.strerror}", str(folder))) from None
    try:
        yield scratch
        _move(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        with suppress(OSError):  # another run may have begun to write here, too
            for path in made:
                path.rmdir()
        raise
    shutil.rmtree(scratch, ignore_errors=True)


def _move(scratch: Path, folder: Path) -> None:
    paths = sorted(scratch.iterdir())
    blocked = [folder / path.name for path in paths if (folder / path.name).is_dir()]
    if blocked:
        raise BadInputError([Problem("a folder is where a result must go", str(path)) for path in blocked])
    for path in paths:
        os.replace(path, folder / path.name)
