"""Files: `--actions driftflow.packs.files` lets steps read and write text, JSON and CSV.

All files are UTF-8; a byte-order mark is accepted. Paths are relative to the working directory,
and folders are not created. How a file is written, `replacement` says.
"""

from __future__ import annotations

import csv
import io
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import action
from driftflow.errors import ConfigError
from driftflow.reading.document import parse, type_name
from driftflow.text import count_of, format_json, format_path
from driftflow.writing.replacement import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.reading.document import Json

# A field of a CSV file may be as long as it likes; the csv module's limit is 128 KiB.
csv.field_size_limit(sys.maxsize)

_PATH = {
    "description": "The file, relative to the working directory.",
    "type": "string",
    "minLength": 1,
}
_DELIMITER = {
    "description": "The character between fields.",
    "type": "string",
    "enum": [",", ";", "\t", "|", ":", " "],
    "default": ",",
}


def _make_schema(title: str, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these fields and no others."""
    return {
        "title": title,
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


_READS = _make_schema("What to read", {"path": _PATH}, {})


@action(schema=_READS)
def read_text(value: dict[str, Any]) -> str:
    """Returns the text of a file."""
    return _read_text(value["path"])


@action(schema=_READS)
def read_json(value: dict[str, Any]) -> Json:
    """Returns the value in a JSON file."""
    return _parse_json(_read_bytes(value["path"]), value["path"])


@action(schema=_READS)
def read_jsonl(value: dict[str, Any]) -> list[Json]:
    """Returns the values in a JSON Lines file, as an array; blank lines are skipped."""
    path = value["path"]
    return [
        _parse_json(line.encode(), path, number)
        for number, line in enumerate(_read_text(path).split("\n"), start=1)
        if line.strip(" \t\r")
    ]


@action(
    schema=_make_schema(
        "What to read",
        {"path": _PATH},
        {
            "header": {
                "description": "Whether the first row has column names. If not, rows are arrays.",
                "type": "boolean",
                "default": True,
            },
            "delimiter": _DELIMITER,
        },
    )
)
def read_csv(value: dict[str, Any]) -> list[Any]:
    """Returns the rows of a CSV file, as objects (with a header) or arrays; fields are strings."""
    path = value["path"]
    reader = csv.reader(
        io.StringIO(_read_text(path), newline=""),
        delimiter=value.get("delimiter", ","),
        strict=True,
    )
    rows = ((reader.line_num, row) for row in reader if row)
    try:
        if not value.get("header", True):
            return [row for _, row in rows]
        line, names = next(rows, (0, []))
        _require_unique(names, f"{path}:{line}")
        return [_make_object(names, row, f"{path}:{number}: the row") for number, row in rows]
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}") from None


@action(schema=_make_schema("What to write", {"path": _PATH, "text": {"type": "string"}}, {}))
def write_text(value: dict[str, Any]) -> str:
    """Writes a string to a file; returns its path."""
    return _write_text(value["path"], value["text"])


@action(schema=_make_schema("What to write", {"path": _PATH, "value": {}}, {}))
def write_json(value: dict[str, Any]) -> str:
    """Writes a value to a JSON file, indented by 2; returns its path."""
    return _write_text(value["path"], f"{format_json(value['value'], indent=2)}\n")


@action(schema=_make_schema("What to write", {"path": _PATH, "rows": {"type": "array"}}, {}))
def write_jsonl(value: dict[str, Any]) -> str:
    """Writes each item of an array as a line of a JSON Lines file; returns its path."""
    return _write_text(value["path"], "".join(f"{format_json(row)}\n" for row in value["rows"]))


@action(
    schema=_make_schema(
        "What to write",
        {
            "path": _PATH,
            "rows": {
                "description": "The rows: either all objects or all arrays.",
                "type": "array",
                "items": {"type": ["object", "array"]},
            },
        },
        {
            "columns": {
                "description": "The names in the header; by default, all keys of the rows.",
                "type": "array",
                "items": {"type": "string"},
            },
            "delimiter": _DELIMITER,
        },
    )
)
def write_csv(value: dict[str, Any]) -> str:
    """Writes rows (objects, with a header, or arrays) to a CSV file; returns its path."""
    path, rows = value["path"], value["rows"]
    if len({type(row) for row in rows}) > 1:
        raise ValueError("some rows are objects, and some are arrays")
    columns: list[str] = value.get("columns", [])
    if "columns" not in value:
        columns = [*dict.fromkeys(name for row in rows if type(row) is dict for name in row)]
    _require_unique(columns, path)
    # The csv module quotes a field with a lone `\r` only if its own lines end in one.
    lines: list[str] = []
    sink = SimpleNamespace(write=lines.append)
    writer = csv.writer(sink, delimiter=value.get("delimiter", ","), lineterminator="\r\n")
    if columns:
        writer.writerow(columns)
    for index, row in enumerate(rows):
        writer.writerow(_format_row(row, columns, index))
    return _write_text(path, "".join(line.removesuffix("\r\n") + "\n" for line in lines))


def _require_unique(columns: list[str], place: str) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{place}: duplicate column name {twice!r}")


def _require_width(columns: list[str], row: list[Any], subject: str) -> None:
    if len(row) != len(columns):
        raise ValueError(
            f"{subject} has {count_of(len(row), 'field')}, but the header has {len(columns)}"
        )


def _make_object(columns: list[str], row: list[str], subject: str) -> dict[str, str]:
    _require_width(columns, row, subject)
    return dict(zip(columns, row, strict=True))


def _format_row(row: dict[str, Json] | list[Json], columns: list[str], index: int) -> list[str]:
    """Return the fields of a row: of an object under the columns, empty where it has no value."""
    if isinstance(row, dict):
        unknown = next((name for name in row if name not in columns), None)
        if unknown is not None:
            raise ValueError(f"{format_path(('rows', index, unknown))}: no column has this name")
        row = [row.get(name) for name in columns]
    elif columns:
        _require_width(columns, row, f"rows[{index}]")
    return [_format_field(value, index) for value in row]


def _format_field(value: Json, index: int) -> str:
    """Return a value as a field: null is empty; numbers and booleans are as in JSON."""
    if isinstance(value, list | dict):
        fault = f"rows[{index}] contains {type_name(value)}"
        raise ValueError(f"{fault}: a field must be a string, a number, a boolean or null")  # noqa: TRY004 - no wrong type of an argument
    if value is None:
        return ""
    return value if isinstance(value, str) else format_json(value)


def _read_bytes(path: str) -> bytes:
    with _explain_errors(path), open(path, "rb") as file:  # noqa: PTH123 - a Path would drop a last slash
        return file.read()


def _read_text(path: str) -> str:
    data = _read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from None


def _parse_json(data: bytes, path: str, line: int | None = None) -> Json:
    """Return the value of a JSON text, read as strictly as a config.

    Args:
        data: The text.
        path: The file that it comes from.
        line: Its line in the file, from 1; None if it is all of the file.
    """
    try:
        document = parse(data, path)
    except ConfigError as error:
        issue = error.issues[0]
    else:
        if not document.issues:
            return document.value
        issue = document.issues[0]
    number = line or issue.line
    raise ValueError(f"{path if number is None else f'{path}:{number}'}: {issue.message}")


def _write_text(path: str, text: str) -> str:
    """Replace the file by one that holds the text, or leave it as it is; return the path."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        reason = "the text contains a lone surrogate, which UTF-8 cannot encode"
        raise ValueError(f"{path}: {reason}") from None
    with _explain_errors(path):
        replace(path, data)
    return path


@contextmanager
def _explain_errors(path: str) -> Iterator[None]:
    """Let errors of the system name the file as the step does; their types stay."""
    try:
        yield
    except OSError as error:
        raise type(error)(f"{path}: {error.strerror}") from None
    except ValueError:  # a NUL or half a character in it
        raise ValueError(f"{path!r}: not a valid file name") from None
