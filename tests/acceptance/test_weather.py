"""The example of a real job: its numbers agree with the same computed by SQL."""

from __future__ import annotations

import csv
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from support.command import CHECKOUT, Outcome, invoke, spawn

from driftflow import run_workflow
from driftflow.testing import run, script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOME = CHECKOUT / "examples" / "weather"
CONFIG = HOME / "weather.driftflow.json"
ACTIONS = ["driftflow.packs.files", "driftflow.packs.process", str(HOME / "actions.py")]
OPTIONS = [word for source in ACTIONS for word in ("--actions", source)]
INPUTS = {name: str(HOME / "data" / f"{name}.csv") for name in ("observations", "stations")}


@pytest.fixture
def tables() -> Iterator[sqlite3.Connection]:
    """The data, in a database."""
    connection = sqlite3.connect(":memory:")
    for name, path in INPUTS.items():
        with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123 - a string
            header, *rows = csv.reader(file)
        connection.execute(f"CREATE TABLE {name} ({', '.join(header)})")
        marks = ", ".join("?" * len(header))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - ours
    connection.execute(
        "CREATE VIEW good AS SELECT * FROM observations WHERE value <> '-9999' AND qflag = ''"
    )
    yield connection
    connection.close()


def perform(folder: Path) -> dict[str, Any]:
    """The job's result; it writes into that folder."""
    params = INPUTS | {"table": str(folder / "t.csv"), "report": str(folder / "r.json")}
    return run_workflow(CONFIG, actions=ACTIONS, params={**params})


@pytest.fixture
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_away")
def test_the_job_succeeds_and_a_retry_saves_its_flaky_step(tmp_path: Path) -> None:
    """All steps are ok; that one needs a second attempt."""
    result = perform(tmp_path)
    assert result["status"] == "ok"
    assert len(result["results"]) == 13
    attempts = {step["name"]: step["attempts"] for step in result["results"]}
    assert attempts == dict.fromkeys(attempts, 1) | {"stations": 2}
    steps = json.loads(CONFIG.read_text("utf-8"))["steps"]
    assert [step["name"] for step in steps if step.get("optional")] == ["announce"]


@pytest.mark.usefixtures("_away")
def test_bad_rows_are_dropped_and_counted(tmp_path: Path, tables: sqlite3.Connection) -> None:
    """As many as there are: missing, or with the flag of a check that failed."""
    perform(tmp_path)
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    (expected,) = tables.execute(
        "SELECT count(*), sum(value = '-9999'), sum(value <> '-9999' AND qflag <> '')"
        " FROM observations"
    )
    assert expected == (2046, 64, 15)
    assert tuple(report["observations"].values()) == (2046, 15, 64)
    assert [*report["observations"]] == ["read", "failed a check", "missing"]


@pytest.mark.usefixtures("_away")
def test_the_table_is_what_sql_computes(tmp_path: Path, tables: sqlite3.Connection) -> None:
    """Aggregated and joined, a row for each station with observations."""
    perform(tmp_path)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    cursor = tables.execute(
        "SELECT s.*, max(o.n) AS days, max(o.mean) FILTER (WHERE element = 'TMAX') AS mean_high,"
        " max(o.mean) FILTER (WHERE element = 'TMIN') AS mean_low,"
        " max(o.total) FILTER (WHERE element = 'PRCP') AS precipitation"
        " FROM (SELECT station, element, count(*) AS n, avg(value) / 10 AS mean,"
        " sum(value) / 10.0 AS total FROM good GROUP BY station, element) AS o"
        " JOIN stations AS s ON s.station = o.station GROUP BY s.station ORDER BY s.station"
    )
    names = [column[0] for column in cursor.description]
    expected = [dict(zip(names, row, strict=True)) for row in cursor]
    assert len(found) == len(expected) == 22
    for row, wanted in zip(found, expected, strict=True):
        assert [*row] == names
        for name in names[:6]:
            assert row[name] == wanted[name]
        assert int(row["days"]) == wanted["days"]
        assert float(row["precipitation"]) == pytest.approx(wanted["precipitation"], abs=1e-9)
        for name in ("mean_high", "mean_low"):  # to a hundredth
            assert float(row[name]) == pytest.approx(wanted[name], abs=0.005 + 1e-9)


@pytest.mark.usefixtures("_away")
def test_the_report_is_what_sql_computes(tmp_path: Path, tables: sqlite3.Connection) -> None:
    """The hottest stations, put in order by another program, and those without observations."""
    perform(tmp_path)
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    hottest = tables.execute(
        "SELECT round(avg(value) / 10, 2), name FROM good JOIN stations USING (station)"
        " WHERE element = 'TMAX' GROUP BY station ORDER BY avg(value) DESC LIMIT 3"
    ).fetchall()
    assert [(float(mean), name) for mean, name in report["hottest"]] == hottest
    silent = tables.execute(
        "SELECT station FROM stations EXCEPT SELECT station FROM observations ORDER BY station"
    ).fetchall()
    found = report["stations without observations"]
    assert [(station["station"],) for station in found] == silent
    assert len(silent) == 4


def test_the_command_runs_it_where_it_lies(tmp_path: Path) -> None:
    """As `make example` does; from a copy, so that nothing is left in the checkout."""
    for path in ("weather.driftflow.json", "actions.py", "data"):
        (tmp_path / path).symlink_to(HOME / path)
    options = [word.replace(str(HOME), ".") for word in OPTIONS]
    done = spawn("--config", "weather.driftflow.json", *options, cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
    *_, report, table, said = done.stdout.splitlines()
    assert [report, table] == ["OK write report: weather.json", "OK write table: weather.csv"]
    assert said == "OK announce: The hottest station was BASIN: 32.08 °C on average."
    assert {
        path.name for path in tmp_path.iterdir() if path.is_file() and not path.is_symlink()
    } == {
        "weather.csv",
        "weather.json",
        "weather.audit.json",
    }


def test_it_passes_a_strict_check() -> None:
    """With its actions; without them each is told."""
    quiet = Outcome(0, "1 file: nothing to report\n", "")
    assert invoke("check", "--strict", *OPTIONS, CONFIG) == quiet
    assert invoke("check", CONFIG).stdout.count("warning[unknown-action]") == 13


def test_a_parameter_changes_what_it_does() -> None:
    """A number is given as JSON; a text in its place is told by the action's schema."""
    replace = {"write_csv": script("t"), "write_json": script("r")}
    five = run(CONFIG, actions=ACTIONS, replace=replace, params={**INPUTS, "top": 5})
    assert five.result["status"] == "ok"
    (hottest,) = [step for step in five.result["results"] if step["name"] == "hottest"]
    assert len(hottest["output"]) == 5
    wrong = run(CONFIG, actions=ACTIONS, replace=replace, params={**INPUTS, "top": "5"})
    assert wrong.lines[-1] == "FAIL hottest: `count` must be an integer, not a string"


def test_a_missing_share_ends_it() -> None:
    """No retry saves a step that always fails; nothing is written."""
    written: list[Any] = []
    outcome = run(
        CONFIG,
        actions=ACTIONS,
        replace={
            "weather.stations": script(ConnectionError("the share is gone")),
            "write_csv": written.append,
            "write_json": written.append,
        },
        params={**INPUTS},
    )
    assert outcome.lines[-1] == "FAIL stations: the share is gone"
    assert outcome.result["results"][-1]["attempts"] == 3
    assert written == []
