"""The contract a second time, in the plainest way: what the real thing is compared with."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Run:
    """A workflow, run."""

    def __init__(
        self, config: dict[str, Any], params: dict[str, str], *, keep_going: bool = False
    ) -> None:
        self.status = "ok"
        self.results: list[dict[str, Any]] = []
        self.not_run: list[str] = []
        # After the run, what may have run beside the step that ended it.
        self.beside: list[str] = []
        outputs: dict[str, dict[str, Any]] = {}
        blocked: list[dict[str, Any]] = []  # with `keep_going`: what comes after one that failed
        order = in_order(config["steps"])
        for place, step in enumerate(order):
            if any(step is other for other in blocked):
                self.not_run.append(step["name"])
                continue
            failures: list[str] = []
            value = replaced(step.get("input", ""), params, outputs, failures)
            if failures:
                error = "input from " + repr(failures[0]) + ", which failed"
                result = {"name": step["name"], "ok": False, "output": None}
                result |= {"error": error, "attempts": 0}
            else:
                result = tried(step, value, config.get("max_attempts", 1))
            self.results.append(result)
            outputs[step["name"]] = result
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
            if result["ok"]:
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
    return [*read_by(step.get("input")), *step.get("after", [])]


def read_by(value: Any) -> list[str]:
    """The names of the steps that are named in an input, be it in a default that is not used."""
    if isinstance(value, list):
        return [name for item in value for name in read_by(item)]
    if not isinstance(value, dict) or set(value) == {"literal"}:
        return []
    if set(value) == {"from"}:
        return value["from"] if isinstance(value["from"], list) else [value["from"]]
    if set(value) == {"param", "default"}:
        return read_by(value["default"])
    return [name for member in value.values() for name in read_by(member)]


def replaced(
    value: Any, params: dict[str, str], outputs: dict[str, dict[str, Any]], failures: list[str]
) -> Any:
    """An input with what its references name; the steps that failed are noted."""
    if isinstance(value, list):
        return [replaced(item, params, outputs, failures) for item in value]
    if not isinstance(value, dict):
        return value
    keys = set(value)
    if keys == {"literal"}:
        return value["literal"]
    if "param" in keys and keys <= {"param", "default"}:
        default = value.get("default")
        given = params.get(value["param"])
        return replaced(default, params, outputs, failures) if given is None else given
    if keys != {"from"}:
        return {key: replaced(member, params, outputs, failures) for key, member in value.items()}
    names = value["from"] if isinstance(value["from"], list) else [value["from"]]
    failures += [name for name in names if not outputs[name]["ok"]]
    read = [outputs[name]["output"] for name in names]
    return read if isinstance(value["from"], list) else read[0]


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
