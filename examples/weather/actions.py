"""The actions of the weather job: what a team writes for itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from typing import Any, TypeAlias

import driftflow
from driftflow.packs.files import read_csv

Row: TypeAlias = dict[str, Any]

ROWS = {"type": "array", "items": {"type": "object"}}

_tries = count(1)


@driftflow.action(
    name="weather.stations",
    schema={
        "type": "object",
        "required": ["path"],
        "properties": {"path": {"description": "The table, CSV.", "type": "string"}},
        "additionalProperties": False,
    },
)
def stations(value: Row) -> list[Row]:
    """Reads the stations from a share that needs a moment: it is never there at the first try."""
    if next(_tries) == 1:
        raise ConnectionError("the share is not mounted yet")
    return read_csv(value)


@driftflow.action(name="weather.kept", schema=ROWS)
def kept(rows: list[Row]) -> list[Row]:
    """Returns the good observations: none that is missing or failed a check, values as numbers."""
    return [
        {"station": row["station"], "element": row["element"], "value": int(row["value"]) / 10}
        for row in rows
        if fault_of(row) is None
    ]


@driftflow.action(name="weather.dropped", schema=ROWS)
def dropped(rows: list[Row]) -> dict[str, int]:
    """Counts the bad observations, by what is wrong with them."""
    faults = Counter(fault for row in rows if (fault := fault_of(row)))
    return {"read": len(rows), **{fault: faults[fault] for fault in sorted(faults)}}


@driftflow.action(name="weather.summary", schema=ROWS)
def summary(rows: list[Row]) -> list[Row]:
    """Returns for each station its days, mean temperatures (°C) and precipitation (mm)."""
    values: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        values[row["station"]][row["element"]].append(row["value"])
    return [
        {
            "station": station,
            "days": max(map(len, elements.values())),
            "mean_high": mean(elements["TMAX"]),
            "mean_low": mean(elements["TMIN"]),
            "precipitation": round(sum(elements["PRCP"]), 1),
        }
        for station, elements in sorted(values.items())
    ]


PAIR = {
    "type": "object",
    "required": ["left", "right", "on"],
    "properties": {
        "left": ROWS,
        "right": ROWS,
        "on": {"description": "The column that both have.", "type": "string"},
    },
    "additionalProperties": False,
}


@driftflow.action(name="weather.join", schema=PAIR)
def join(value: Row) -> list[Row]:
    """Returns each row on the left with what the right has of the same key."""
    key = value["on"]
    right = {row[key]: row for row in value["right"]}
    return [{**right[row[key]], **row} for row in value["left"] if row[key] in right]


@driftflow.action(name="weather.without", schema=PAIR)
def without(value: Row) -> list[Row]:
    """Returns the rows on the left whose key the right does not have."""
    key = value["on"]
    right = {row[key] for row in value["right"]}
    return [row for row in value["left"] if row[key] not in right]


@driftflow.action(
    name="weather.lines",
    schema={
        "type": "object",
        "required": ["rows", "columns"],
        "properties": {"rows": ROWS, "columns": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": False,
    },
)
def lines(value: Row) -> str:
    """Returns a line of text for each row: some columns, with tabs between them."""
    return "".join(
        "\t".join(str(row[column]) for column in value["columns"]) + "\n" for row in value["rows"]
    )


@driftflow.action(
    name="weather.first",
    schema={
        "type": "object",
        "required": ["lines"],
        "properties": {"lines": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    },
)
def first(value: Row) -> list[list[str]]:
    """Returns the first lines of a text, each split at its tabs."""
    return [line.split("\t") for line in value["lines"].splitlines()[: value.get("count", 3)]]


@driftflow.action(name="weather.announce")
def announce(ranking: list[list[str]]) -> str:
    """Says which station was the hottest."""
    high, name = ranking[0]
    return f"The hottest station was {name}: {high} °C on average."


def fault_of(row: Row) -> str | None:
    """What is wrong with an observation."""
    if row["value"] == "-9999":
        return "missing"
    return "failed a check" if row["qflag"] else None


def mean(values: list[float]) -> float | None:
    """The mean, to a hundredth; None of nothing."""
    return round(sum(values) / len(values), 2) if values else None
