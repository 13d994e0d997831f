"""Files: `--actions driftflow.packs.files` lets steps read and write text, JSON and CSV.

All files are UTF-8; a byte-order mark is accepted. Paths are relative to the working directory,
and folders are not created. What is written takes its place in one move when it is complete: no
reader ever sees half a file, and a failure leaves the old one. An existing file keeps its mode.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import action
from driftflow.errors import ConfigError
from driftflow.reading.document import parse, type_name
from driftflow.text import format_json, format_path

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
    "description": "What stands between fields.",
    "type": "string",
    "enum": [",", ";", "\t", "|", ":", " "],
    "default": ",",
}


def _takes(title: str, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    return {
        "title": title,
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


_READS = _takes("What to read", {"path": _PATH}, {})


@action(schema=_READS)
def read_text(value: dict[str, Any]) -> str:
    """Gives the text of a file."""
    return _text(value["path"])


@action(schema=_READS)
def read_json(value: dict[str, Any]) -> Json:
    """Gives what a JSON file holds."""
    return _value(_bytes(value["path"]), value["path"])


@action(schema=_READS)
def read_jsonl(value: dict[str, Any]) -> list[Json]:
    """Gives what the lines of a JSON Lines file hold, as an array; blank lines are skipped."""
    path = value["path"]
    return [
        _value(line.encode(), path, number)
        for number, line in enumerate(_text(path).split("\n"), start=1)
        if line.strip(" \t\r")
    ]


@action(
    schema=_takes(
        "What to read",
        {"path": _PATH},
        {
            "header": {
                "description": "Whether the first row holds names; without, rows are arrays.",
                "type": "boolean",
                "default": True,
            },
            "delimiter": _DELIMITER,
        },
    )
)
def read_csv(value: dict[str, Any]) -> list[Any]:
    """Gives the rows of a CSV file: objects by the header, or arrays; all fields are strings."""
    path = value["path"]
    reader = csv.reader(
        io.StringIO(_text(path), newline=""), delimiter=value.get("delimiter", ","), strict=True
    )
    rows = ((reader.line_num, row) for row in reader if row)
    try:
        if not value.get("header", True):
            return [row for _, row in rows]
        _, names = next(rows, (0, []))
        _refuse_twice(names, path)
        return [_by_name(path, number, names, row) for number, row in rows]
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}") from None


@action(schema=_takes("What to write", {"path": _PATH, "text": {"type": "string"}}, {}))
def write_text(value: dict[str, Any]) -> str:
    """Writes a text into a file; gives its path."""
    return _write(value["path"], value["text"])


@action(schema=_takes("What to write", {"path": _PATH, "value": {}}, {}))
def write_json(value: dict[str, Any]) -> str:
    """Writes a value into a JSON file, indented by 2; gives its path."""
    return _write(value["path"], f"{format_json(value['value'], indent=2)}\n")


@action(schema=_takes("What to write", {"path": _PATH, "rows": {"type": "array"}}, {}))
def write_jsonl(value: dict[str, Any]) -> str:
    """Writes each item of an array as a line of a JSON Lines file; gives its path."""
    return _write(value["path"], "".join(f"{format_json(row)}\n" for row in value["rows"]))


@action(
    schema=_takes(
        "What to write",
        {
            "path": _PATH,
            "rows": {
                "description": "All objects, or all arrays.",
                "type": "array",
                "items": {"type": ["object", "array"]},
            },
        },
        {
            "columns": {
                "description": "The header; by default, all names that rows have.",
                "type": "array",
                "items": {"type": "string"},
            },
            "delimiter": _DELIMITER,
        },
    )
)
def write_csv(value: dict[str, Any]) -> str:
    """Writes rows, objects under a header or arrays, into a CSV file; gives its path."""
    rows = value["rows"]
    columns: list[str] = value.get("columns", [])
    kinds = {type(row) for row in rows}
    if len(kinds) > 1:
        raise ValueError("some rows are objects, and some are arrays")
    if "columns" not in value:
        columns = list(dict.fromkeys(name for row in rows if type(row) is dict for name in row))
    _refuse_twice(columns, value["path"])
    # The csv module quotes what may end a line only if it ends its own lines so.
    lines: list[str] = []
    sink = SimpleNamespace(write=lines.append)
    writer = csv.writer(sink, delimiter=value.get("delimiter", ","), lineterminator="\r\n")
    if columns:
        writer.writerow(columns)
    for place, row in enumerate(rows):
        cells = _in_order(row, columns, place) if isinstance(row, dict) else row
        if columns and len(cells) != len(columns):
            counts = f"{len(cells)} and the header {len(columns)} fields"
            raise ValueError(f"{format_path(('rows', place))} has {counts}")
        writer.writerow([_cell(cell, place) for cell in cells])
    return _write(value["path"], "".join(line.removesuffix("\r\n") + "\n" for line in lines))


def _refuse_twice(columns: list[str], path: str) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{path}: two columns are named {twice!r}")


def _by_name(path: str, number: int, names: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(names):
        counts = f"the row has {len(row)} and the header {len(names)} fields"
        raise ValueError(f"{path}:{number}: {counts}")
    return dict(zip(names, row, strict=True))


def _in_order(row: dict[str, Json], columns: list[str], place: int) -> list[Json]:
    """The row's values under the columns; null where it has none."""
    for name in row:
        if name not in columns:
            raise ValueError(f"{format_path(('rows', place, name))}: no column of that name")
    return [row.get(name) for name in columns]


def _cell(value: Json, place: int) -> str:
    """A value as a field: null is empty; numbers and booleans are as in JSON."""
    if isinstance(value, list | dict):
        what = f"{format_path(('rows', place))} holds {type_name(value)}"
        raise ValueError(f"{what}: a field is a string, a number, a boolean or null")  # noqa: TRY004 - no wrong type of an argument
    if value is None:
        return ""
    return value if isinstance(value, str) else format_json(value)


def _bytes(path: str) -> bytes:
    with _about(path), open(path, "rb") as file:  # noqa: PTH123 - a Path would drop a last slash
        return file.read()


def _text(path: str) -> str:
    data = _bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from None


def _value(data: bytes, path: str, line: int | None = None) -> Json:
    """What the JSON says, as strictly as a config is read; `line` if it is one of many."""
    try:
        document = parse(data, path)
    except ConfigError as error:
        issues = error.issues
    else:
        if not document.issues:
            return document.value
        issues = document.issues
    place = path if line is None and issues[0].line is None else f"{path}:{line or issues[0].line}"
    raise ValueError(f"{place}: {issues[0].message}")


def _write(path: str, text: str) -> str:
    """Put the text in the place of the file, all of it or nothing; the path."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{path}: the text has half a character, which UTF-8 cannot hold"
        ) from None
    if path.endswith(os.sep):
        raise ValueError(f"{path}: not the name of a file")
    with _about(path):
        target = Path(path).resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            raise ValueError(f"{path}: not a regular file")
        draft = target.with_name(f".{token_hex(16)}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            # As secret as the old file from the start; a new one as the system would have it.
            with os.fdopen(os.open(draft, flags, 0o600 if mode else 0o666), "wb") as file:
                file.write(data)
                file.flush()
                if mode is not None:
                    os.fchmod(file.fileno(), stat.S_IMODE(mode))
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    return path


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Let errors of the system name the file as the step does."""
    if "\0" in path:
        raise ValueError(f"{path!r}: not the name of a file")
    try:
        yield
    except OSError as error:
        raise OSError(f"{path}: {error.strerror}") from None
