"""pydantic's findings, retold in the words of a case file."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from solvers.studies.config import CaseConfig
from solvers.studies.locate import Path
from solvers.studies.problems import nearest


def explain(error: ValidationError, data: dict[str, Any]) -> list[tuple[Path, str]]:
    """Return (key path, message) once for each wrong key."""
    found: dict[Path, str] = {}
    for item in error.errors():
        path, complete = _real_path(item["loc"], data, missing=item["type"] == "missing")
        if item["type"].startswith("union_tag"):
            path = (*path, "kind")
        if path not in found or complete:
            found[path] = _message(item, path, data)
    return [
        (path, message)
        for path, message in found.items()
        if not _misspelled(path, message, found) and not _within_another(path, found)
    ]


def _within_another(path: Path, found: dict[Path, str]) -> bool:
    """Tell whether a table around this key was reported: its form is none of those that are accepted."""
    return any(path[:length] in found for length in range(1, len(path)))


def _misspelled(path: Path, message: str, found: dict[Path, str]) -> bool:
    """Tell whether a missing key stands in the file under a name that was reported as unknown."""
    hint = f'did you mean "{path[-1]}"?' if path else ""
    return message.startswith("required key is missing") and any(
        hint in other for beside, other in found.items() if beside[:-1] == path[:-1]
    )


def _real_path(location: Path, data: Any, *, missing: bool) -> tuple[Path, bool]:
    """Keep of pydantic's location what names keys of the file; it also names branches of unions."""
    path: Path = ()
    for part in location:
        if _holds(data, part):
            data, path = data[part], (*path, part)
        elif path == ("objective",) and part == 0 and isinstance(data, dict):
            continue  # a single [objective] stands for a list of one
        elif missing and part == location[-1]:
            path = (*path, part)
    return path, len(path) == len(location)


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _message(item: dict[str, Any], path: Path, data: dict[str, Any]) -> str:
    kind, given = item["type"], item["input"]
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(str(path[-1]), _keys_beside(path, data))}"
    if kind == "missing":
        return f"required key is missing; expected {_expects(path, data)}"
    if kind == "union_tag_not_found":
        return 'required key "kind" is missing; valid: ' + ", ".join(sorted(_kinds()))
    if kind == "union_tag_invalid":
        return f'unknown kind "{item["ctx"]["tag"]}"; {nearest(item["ctx"]["tag"], _kinds())}'
    if kind == "literal_error" and isinstance(given, str):
        return f'unknown value "{given}"; {nearest(given, _literals(path, data))}'
    if kind == "string_pattern_mismatch" and "[key]" in map(str, item["loc"]):
        return f'"{given}" is not a name: letters, digits and underscores, not starting with a digit'
    return f"expected {_expects(path, data)}, got {_shown(given)}"


def _shown(value: Any) -> str:
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).replace("True", "true").replace("False", "false")
    )
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kinds() -> dict[str, type[BaseModel]]:
    """Return the classes of objectives by their kind."""
    annotated = get_args(CaseConfig.model_fields["objective"].annotation)[0]
    return {
        get_args(choice.model_fields["kind"].annotation)[0]: choice
        for choice in get_args(get_args(annotated)[0])
    }


def _keys_beside(path: Path, data: dict[str, Any]) -> list[str]:
    table = _table_of(path[:-1], data)
    return [] if table is None else [field.alias or name for name, field in table.model_fields.items()]


def _field(path: Path, data: dict[str, Any]) -> Any:
    """Return the declaration of the innermost key along a path that the schema knows."""
    for length in range(len(path), 0, -1):
        table = _table_of(path[: length - 1], data)
        if table is None:
            continue
        for name, field in table.model_fields.items():
            if path[length - 1] in (name, field.alias):
                return field
    return None


def _expects(path: Path, data: dict[str, Any]) -> str:
    field = _field(path, data)
    return (field.json_schema_extra or {}).get("expects", field.description) if field else "a table"


def _literals(path: Path, data: dict[str, Any]) -> list[str]:
    field = _field(path, data)
    return [str(value) for value in get_args(field.annotation)] if field else []


def _table_of(path: Path, data: Any) -> type[BaseModel] | None:
    """Return the schema class that describes the table at a path."""
    kind: Any = CaseConfig
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            if part not in fields:
                return None
            kind = fields[part].annotation
            if part == "objective" and isinstance(data, dict):
                kind = get_args(kind)[0]
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        kind = _choose(kind, data)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _choose(kind: Any, data: Any) -> Any:
    """Strip annotations and take the branch of a union that the data mean."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal or get_origin(kind) not in (Union, UnionType):
        return kind
    tables = [
        choice for choice in get_args(kind) if isinstance(choice, type) and issubclass(choice, BaseModel)
    ]
    if not tables or not isinstance(data, dict):
        return tables[0] if tables else kind
    named = [
        table
        for table in tables
        if "kind" in table.model_fields
        and data.get("kind") in get_args(table.model_fields["kind"].annotation)
    ]
    return (named or [max(tables, key=lambda table: len(set(table.model_fields) & set(data)))])[0]
