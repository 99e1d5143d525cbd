"""Where cases are: a file, a name of a shipped case, or a folder of cases."""

from __future__ import annotations

import tomllib
from pathlib import Path

from solvers.studies.problems import BadInputError, Problem, nearest
from solvers.studies.text import read_text

SHIPPED = Path(__file__).resolve().parents[2] / "cases"


def shipped_cases() -> dict[str, Path]:
    """Return the cases in ``cases/`` of the working directory and of the source tree, by name."""
    found: dict[str, Path] = {}
    for folder in (Path("cases"), SHIPPED):
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def title_of(path: Path) -> str:
    """Return the title of a case file."""
    try:
        case = tomllib.loads(read_text(path)).get("case")
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(Problem(f"not valid TOML: {error}", str(path))) from None
    title = case.get("title") if isinstance(case, dict) else None
    if not isinstance(title, str):
        raise BadInputError(Problem("not a case: case.title is missing or not a text", str(path)))
    return title


def find_case(name: str) -> Path:
    """Return the case file that is meant: a path, or the name of a shipped case."""
    if not name:
        raise BadInputError("expected a case file (.toml) or the name of a shipped case, got nothing")
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_cases()
    if path.stem in shipped and path.parent in (Path(), Path("cases")):
        return shipped[path.stem]
    if path.is_dir():
        raise BadInputError(Problem("is a folder; expected a case file (.toml)", name))
    beside = [str(entry) for entry in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    raise BadInputError(Problem(f"no such case; {nearest(name, [*shipped, *beside])}", name))


def find_cases(name: str | None) -> list[Path]:
    """Return the case files of a folder, the one case named, or all shipped cases."""
    if name is None:
        return list(shipped_cases().values())
    if name and Path(name).is_dir():
        cases = sorted(Path(name).glob("*.toml"))
        if not cases:
            raise BadInputError(Problem("the folder holds no case (.toml)", name))
        return cases
    return [find_case(name)]
