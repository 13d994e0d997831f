"""The contract a second time, in the plainest way: what the real thing is compared with."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Run:
    """A workflow, run."""

    def __init__(self, config: dict[str, Any], params: dict[str, str]) -> None:
        self.status = "ok"
        self.results: list[dict[str, Any]] = []
        outputs: dict[str, dict[str, Any]] = {}
        waiting = list(config["steps"])
        # What may run at the same time as the last step; after the run, what may be discarded.
        wave: list[dict[str, Any]] = []
        self.beside: list[str] = []
        while waiting:
            step = first(waiting)
            waiting.remove(step)
            wave = [*wave, step] if fits(step, wave, params) else [step]
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
            if not result["ok"]:
                self.status = "failed"
                if not step.get("optional", False):
                    break
        while waiting and fits(first(waiting), wave, params):
            wave.append(first(waiting))
            self.beside.append(wave[-1]["name"])
            waiting.remove(wave[-1])

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


def first(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The step that runs first: by priority, then by name, then by its place."""
    best = steps[0]
    for step in steps:
        mine, others = step.get("priority", 0), best.get("priority", 0)
        if mine > others or (mine == others and step["name"] < best["name"]):
            best = step
    return best


def fits(step: dict[str, Any], wave: list[dict[str, Any]], params: dict[str, str]) -> bool:
    """Whether a step may run at the same time as those: of one priority, and reads none of them."""
    if not wave or step.get("priority", 0) != wave[0].get("priority", 0):
        return False
    return not {other["name"] for other in wave} & set(read_by(step.get("input"), params))


def read_by(value: Any, params: dict[str, str]) -> list[str]:
    """The names of the steps from which an input reads."""
    if isinstance(value, list):
        return [name for item in value for name in read_by(item, params)]
    if not isinstance(value, dict) or set(value) == {"literal"}:
        return []
    if set(value) == {"from"}:
        return value["from"] if isinstance(value["from"], list) else [value["from"]]
    if set(value) == {"param", "default"}:
        return [] if value["param"] in params else read_by(value["default"], params)
    return [name for member in value.values() for name in read_by(member, params)]


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
