"""The contract a second time, in the plainest way: what the real thing is compared with."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NamedTuple

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# A value of each type that a condition can ask for.
SAMPLES: dict[str, Any] = {"string": "", "array": [], "object": {}, "null": None}
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Run:
    """A workflow, run."""

    def __init__(
        self,
        config: dict[str, Any],
        params: dict[str, str],
        *,
        keep_going: bool = False,
        run_id: str = "",
    ) -> None:
        self.status = "ok"
        self.results: list[dict[str, Any]] = []
        self.not_run: list[str] = []
        # After the run, what may have run beside the step that ended it.
        self.beside: list[str] = []
        world = World(params, {"id": run_id, "name": config["name"], "params": params}, {})
        blocked: list[dict[str, Any]] = []  # with `keep_going`: what comes after one that failed
        order = in_order(config["steps"])
        for place, step in enumerate(order):
            if any(step is other for other in blocked):
                self.not_run.append(step["name"])
                continue
            result = judged(step, world)
            if result is None:
                value = replaced(step.get("input", ""), world, [])
                result = tried(step, value, config.get("max_attempts", 1))
            self.results.append(result)
            world.results[step["name"]] = result
            if result["ok"]:
                continue
            self.status = "failed"
            if step.get("optional", False):
                continue
            if keep_going:
                blocked += reached_from(step, order)
                continue
            wave = [each for each in order if urgency(each, order) == urgency(step, order)]
            self.beside = [
                other["name"]
                for other in order[place + 1 :]
                if other in wave and other not in reached_from(step, order)
            ]
            break

    def text(self) -> str:
        """What is printed."""
        text = ""
        for result in self.results:
            if "skipped" in result:
                text += "SKIP " + on_one_line(result["name"]) + ": "
                text += on_one_line(result["skipped"]) + "\n"
            elif result["ok"]:
                output = result["output"]
                shown = on_one_line(output) if isinstance(output, str) else as_json(output)
                text += "OK " + on_one_line(result["name"]) + ": " + shown + "\n"
            else:
                text += "FAIL " + on_one_line(result["name"]) + ": "
                text += on_one_line(result["error"]) + "\n"
        return text


def in_order(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps in run order: of those whose predecessors are done, always the most urgent."""
    done: list[dict[str, Any]] = []
    waiting = list(steps)
    while waiting:
        names = [step["name"] for step in done]
        ready = [step for step in waiting if set(comes_after(step)) <= set(names)]
        best = ready[0]
        for step in ready:
            mine, others = urgency(step, steps), urgency(best, steps)
            if mine > others or (mine == others and step["name"] < best["name"]):
                best = step
        done.append(best)
        waiting = [step for step in waiting if step is not best]
    return done


def urgency(step: dict[str, Any], steps: list[dict[str, Any]]) -> int:
    """The highest priority among a step and all that comes after it."""
    best: int = step.get("priority", 0)
    for other in reached_from(step, steps):
        best = max(best, other.get("priority", 0))
    return best


def reached_from(step: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All that comes after a step, also by a way over others."""
    found: list[dict[str, Any]] = []
    for other in steps:
        if step["name"] in comes_after(other):
            found += [other, *reached_from(other, steps)]
    return found


def comes_after(step: dict[str, Any]) -> list[str]:
    """The names of the steps that a step comes after."""
    judged_by = read_by(step["when"]["value"]) if "when" in step else []
    return [*judged_by, *read_by(step.get("input")), *step.get("after", [])]


def read_by(value: Any) -> list[str]:
    """The names of the steps that are named in a value, be it in a default that is not used."""
    if isinstance(value, list):
        return [name for item in value for name in read_by(item)]
    if not isinstance(value, dict) or set(value) in ({"literal"}, {"run"}):
        return []
    if set(value) == {"from"}:
        return named_by(value["from"])
    if set(value) == {"param", "default"}:
        return read_by(value["default"])
    return [name for member in value.values() for name in read_by(member)]


def named_by(given: Any) -> list[str]:
    """The names of the steps that are named in a `from`."""
    if isinstance(given, list):
        return given
    if not isinstance(given, dict):
        return [given]
    return given["steps"] if "steps" in given else [given["step"], *read_by(given.get("default"))]


class World(NamedTuple):
    """What is known when a step's turn has come: parameters, facts, and results by name."""

    params: dict[str, str]
    facts: dict[str, Any]
    results: dict[str, dict[str, Any]]

    def has(self, name: str) -> bool:
        """Whether a step has an output."""
        return self.results[name]["ok"] and "skipped" not in self.results[name]


class Lack(NamedTuple):
    """Why a value is not there; whether that is because a step was skipped."""

    why: str
    is_skip: bool = False


def judged(step: dict[str, Any], world: World) -> dict[str, Any] | None:
    """What comes of a step that is not tried: first by its condition, then by its input."""
    values = [("input", step.get("input", ""))]
    if "when" in step:
        values.insert(0, ("condition", step["when"]["value"]))
    for what, value in values:
        lacks: list[Lack] = []
        found = replaced(value, world, lacks)
        for lack in [each for each in lacks if not each.is_skip] + lacks:
            reason = what + " " + lack.why
            return skipped(step, reason) if lack.is_skip else not_tried(step, reason)
        if what == "condition":
            wanted = SAMPLES[step["when"]["is"]["type"]]
            if type(found) is not type(wanted):
                reason = called(value) + " is " + type_of(found) + ", not " + type_of(wanted)
                return skipped(step, reason)
    return None


def skipped(step: dict[str, Any], why: str) -> dict[str, Any]:
    """The result of a step that is skipped."""
    result = {"name": step["name"], "ok": True, "output": None, "error": None, "attempts": 0}
    return result | {"skipped": why}


def not_tried(step: dict[str, Any], why: str) -> dict[str, Any]:
    """The result of a step that fails before it is tried."""
    return {"name": step["name"], "ok": False, "output": None, "error": why, "attempts": 0}


def called(value: Any) -> str:
    """What a value is called."""
    if isinstance(value, dict) and "param" in value and set(value) <= {"param", "default"}:
        return str(value["param"])
    if isinstance(value, dict) and set(value) == {"run"}:
        return str(value["run"]).split("/")[-1]
    given = value["from"] if isinstance(value, dict) and set(value) == {"from"} else None
    if isinstance(given, str):
        return given
    if isinstance(given, dict) and "step" in given:
        at = given.get("at", "")
        return given["step"] + " at " + at if at else str(given["step"])
    return "the value"


def replaced(value: Any, world: World, lacks: list[Lack]) -> Any:
    """A value with what its references name; what is not there is noted."""
    if isinstance(value, list):
        return [replaced(item, world, lacks) for item in value]
    if not isinstance(value, dict):
        return value
    keys = set(value)
    if keys == {"literal"}:
        return value["literal"]
    if "param" in keys and keys <= {"param", "default"}:
        given = world.params.get(value["param"])
        return replaced(value.get("default"), world, lacks) if given is None else given
    for key, replace in (("from", read), ("concat", joined), ("run", told)):
        if keys == {key}:
            return replace(value[key], world, lacks)
    return {key: replaced(member, world, lacks) for key, member in value.items()}


def told(pointer: str, world: World, lacks: list[Lack]) -> Any:
    """A fact about the run."""
    found = looked_up(world.facts, pointer)
    lacks += [] if found else [Lack("from the run: no place " + pointer)]
    return found[0] if found else None


def read(given: Any, world: World, lacks: list[Lack]) -> Any:
    """The output of a step, a part of it, or the outputs of several."""
    if isinstance(given, list):
        return [read(name, world, lacks) for name in given]
    if isinstance(given, dict) and "steps" in given:
        return [world.results[name]["output"] for name in given["steps"] if world.has(name)]
    name = given["step"] if isinstance(given, dict) else given
    at = given.get("at", "") if isinstance(given, dict) else ""
    found = looked_up(world.results[name]["output"], at) if world.has(name) else []
    if found:
        return found[0]
    if isinstance(given, dict) and "default" in given:
        return replaced(given["default"], world, lacks)
    if world.has(name):
        lacks.append(Lack("from " + repr(name) + ": no place " + at))
    elif world.results[name]["ok"]:
        lacks.append(Lack("from " + repr(name) + ", which was skipped", is_skip=True))
    else:
        lacks.append(Lack("from " + repr(name) + ", which failed"))
    return None


def looked_up(value: Any, pointer: str) -> list[Any]:
    """What is at a place, in a list; an empty one if there is nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key in map(str, range(len(value))):
            value = value[int(key)]
        else:
            return []
    return [value]


def joined(parts: list[Any], world: World, lacks: list[Lack]) -> str:
    """One string of several parts; the first one of which there can be none is noted."""
    text = ""
    before = len(lacks)
    for part in parts:
        found = replaced(part, world, lacks)
        if isinstance(found, str):
            text += found
        elif isinstance(found, (int, float)):
            text += json.dumps(found)
        elif len(lacks) == before:
            what = "has " + type_of(found) + " in `concat`: "
            lacks.append(Lack(what + "only strings, numbers and booleans can be joined"))
    return text


def tried(step: dict[str, Any], value: Any, max_attempts: int) -> dict[str, Any]:
    """What comes of a step that is handed the value."""
    attempts = 0
    limit = 1 if step.get("optional", False) else max_attempts
    output, error = None, None
    while attempts < limit:
        attempts += 1
        output, error = attempt(step["action"], value, attempts)
        if error is None:
            break
    return {
        "name": step["name"],
        "ok": error is None,
        "output": output if error is None else None,
        "error": error,
        "attempts": attempts,
    }


def attempt(action: str, value: Any, number: int) -> tuple[Any, str | None]:
    """One attempt: an output, or an error. `flaky` fails twice, without a message."""
    if action == "flaky":
        return (value, None) if number > 2 else (None, "LookupError")
    if action not in ("echo", "upper", "lower", "reverse"):
        return None, "unknown action: " + repr(action)
    if action == "echo":
        return value, None
    if not isinstance(value, str):
        return None, action + " takes a string, not " + type_of(value)
    changed = {"upper": value.upper(), "lower": value.lower(), "reverse": "".join(reversed(value))}
    return changed[action], None


def type_of(value: Any) -> str:
    """The JSON type."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "a string"
    if value is True or value is False:
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a decimal number"
    return "an array" if isinstance(value, list) else "an object"


def unsafe(character: str) -> bool:
    """Whether it could break a line or drive a terminal."""
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in BIDIRECTIONAL


def on_one_line(text: str) -> str:
    """The text, its unsafe characters escaped."""
    shown = ""
    for character in text:
        if not unsafe(character):
            shown += character
        elif character in SHORT:
            shown += SHORT[character]
        elif ord(character) < 256:
            shown += f"\\x{ord(character):02x}"
        else:
            shown += f"\\u{ord(character):04x}"
    return shown


def as_json(value: Any) -> str:
    """Compact JSON, its unsafe characters escaped as JSON escapes them."""
    shown = ""
    for character in json.dumps(value, ensure_ascii=False, separators=(",", ":")):
        shown += f"\\u{ord(character):04x}" if unsafe(character) else character
    return shown
