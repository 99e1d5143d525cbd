"""The reference of all keys of a case file, written from the schema itself.

``docs/cases.md`` holds this text; ``python -m solvers.studies.schema_doc`` prints it anew.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from solvers.studies import config

# The tables in the order in which a reader meets them, with their headings in the file.
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[case]", config.Info),
    ("[model]", config.ModelTable),
    ("[states.NAME]", config.State),
    ("[parameters.NAME]", config.Parameter),
    ("[time]", config.Time),
    ("[solver]", config.Solver),
    ('[objective], kind = "final"', config.Final),
    ('[objective], kind = "integral"', config.Integral),
    ('[objective], kind = "least_squares"', config.LeastSquares),
    ('[objective], kind = "function"', config.UserFunction),
    ("[validate]", config.Validate),
    ("[[validate.reference]]", config.Reference),
    ("[plot]", config.Plot),
    ("[calibrate]", config.Calibrate),
    ("[calibrate.expect]", config.Expect),
)


def key_reference() -> str:
    """Return one Markdown table of keys for each table of a case file."""
    return "\n".join(_section(heading, table) for heading, table in TABLES)


def _section(heading: str, table: type[BaseModel]) -> str:
    rows = [
        f"| `{field.alias or name}` | {field.description} | {_expects(field)} | {_default(field)} |"
        for name, field in table.model_fields.items()
        if name != "kind"
    ]
    return "\n".join(
        (f"### `{heading}`\n", "| key | meaning | accepts | default |", "|---|---|---|---|", *rows, "")
    )


def _expects(field: FieldInfo) -> str:
    return (field.json_schema_extra or {}).get("expects", "").replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if field.is_required():
        return "**required**"
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ("", [], {}):
        return ""
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    print(key_reference())
