"""Workflows for tests: small ones made by hand, and generated ones of every kind."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from driftflow.planning.graph import Graph
from driftflow.planning.plan import Plan, build_plan, find_key
from driftflow.planning.settings import resolve_flags
from driftflow.resuming.decision import Reason, Resumption
from driftflow.resuming.past import Code, Past, StepPast, find_namesakes, measure
from driftflow.running.events import StepResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from driftflow.issues import JsonPath
    from driftflow.planning.plan import Step
    from driftflow.reading.document import Json


def config(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A config with these steps; a step without a name or an action is given one."""
    named = [
        {"name": f"step{number}", "action": "echo", **step} for number, step in enumerate(steps)
    ]
    return {"name": "test", "steps": named, **fields}


def config_with(path: JsonPath, value: Any) -> dict[str, Any]:
    """A good config of one step, but for the value at the path."""
    document = config({}, flags={}, storage={})
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return document


def plan(
    *steps: dict[str, Any],
    params: dict[str, Json] | None = None,
    declared: dict[str, Any] | None = None,
    **fields: Any,
) -> Plan:
    """The plan of `config(...)`, with no environment; for these values of parameters.

    The config has no `params` unless some are declared.
    """
    document = config(*steps, **fields)
    if declared is not None:
        document["params"] = declared
    return build_plan(
        document,
        Graph(document),
        resolve_flags(document.get("flags", {}), ""),
        params=params,
    )


class Flaky:
    """An action that fails twice for each input, without a message, and then echoes."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def __call__(self, value: Json) -> Json:
        """Fail, or give the value back."""
        self._calls[repr(value)] += 1
        if self._calls[repr(value)] <= 2:
            raise LookupError
        return value


def done(name: str, output: Json, attempts: int = 1, seconds: float = 0.0) -> StepResult:
    """The result of a step that succeeded."""
    return StepResult(
        name, ok=True, output=output, error=None, attempts=attempts, duration_seconds=seconds
    )


def failed(name: str, error: str, attempts: int = 1, seconds: float = 0.0) -> StepResult:
    """The result of a step that failed."""
    return StepResult(
        name, ok=False, output=None, error=error, attempts=attempts, duration_seconds=seconds
    )


def resumption(
    plan: Plan, outputs: Mapping[int, Json], may_have_run: Collection[int] = ()
) -> Resumption:
    """What is kept of a run of this plan: steps that gave these outputs, none of them in doubt.

    All others are done again, those that may have run among them. By index.
    """
    steps: list[Step] = plan.steps.tolist()
    numbers = find_namesakes(steps)
    ids = [(step.name, numbers.get(index, 0)) for index, step in enumerate(steps)]
    kept = {
        index: StepPast(
            run=0,
            began=2 * index + 1,
            ended=2 * index + 2,
            state="ok",
            action=steps[index].action,
            key=find_key(steps[index]),
            output=output,
            attempts=1,
            cut=None,
        )
        for index, output in outputs.items()
    }
    begun = {
        index: StepPast(0, 2 * index + 1, 2 * index + 1, "begun", "", None, None, 0, None)
        for index in may_have_run
    }
    past = Past(
        run_id="run 1",
        moment="2026-11-26T02:00:00.000000Z",
        status="failed",
        steps={ids[index]: step for index, step in (kept | begun).items()},
        codes=[Code("unknown", {}, {})],
    )
    again = {
        index: Reason("may_have_run" if index in begun else "not_done")
        for index in range(len(steps))
        if index not in kept
    }
    return Resumption(past, kept, again, {}, {})


def without_outputs(
    resumed: Resumption,
    *cut: int,
    fetched: Mapping[int, int] | None = None,
    in_doubt: Mapping[int, int] | None = None,
) -> Resumption:
    """The same, but for outputs that are not on record as a whole: those of the steps that are cut.

    By step that is fetched, the one that needs it; by step that is in doubt, the one because of
    which it is. Those that are fetched are cut, too.
    """
    needed = fetched or {}
    kept = {
        index: past._replace(output=None, cut=measure(past.output))
        if index in needed or index in cut
        else past
        for index, past in resumed.kept.items()
    }
    reasons = {index: Reason("output_needed", reader) for index, reader in needed.items()}
    return resumed._replace(kept=kept, fetched=reasons, in_doubt=in_doubt or {})


def save(folder: Path, *steps: dict[str, Any], **fields: Any) -> Path:
    """Save `config(...)` in the folder, and give its path."""
    return write(folder, config(*steps, **fields))


def write(folder: Path, document: Any) -> Path:
    """Save a document in the folder, and give its path."""
    path = folder / "config.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


# Letters, and what has a meaning of its own to a terminal, to JSON or to a line.
characters = st.sampled_from(
    "aAbß İé日😀 :'\"\\/\n\r\t\x00\x1b\x7f\x85\x9b\xa0\u2028\u202e\u2066\udc00"
)  # no pair of surrogates: JSON would join it
texts = st.text(characters, max_size=6)
names = st.text(characters, min_size=1, max_size=4)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)
integers = st.integers(-3, 3) | st.sampled_from([-1.0, 2.0, 10**20])
steps: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": names,
        "action": st.sampled_from(["echo", "upper", "lower", "reverse", "flaky", "ECHO"]) | names,
    },
    optional={
        "input": values | texts,
        "priority": integers,
        "optional": st.booleans(),
        "retries": values,
    },
)
flag_settings = st.fixed_dictionaries(
    {}, optional={name: st.booleans() for name in ("audit", "metrics", "parallel")}
)
# No waits: they are tested by themselves.
backoffs = st.sampled_from([{"delay_seconds": 0}, {"max_delay_seconds": 0, "factor": 3}])


def _number_the_flaky(config: dict[str, Any]) -> dict[str, Any]:
    for number, step in enumerate(config["steps"]):
        if step["action"] == "flaky":
            step["input"] = [number, step.get("input")]
    return config


configs = st.fixed_dictionaries(
    {"name": names, "steps": st.lists(steps, max_size=6)},
    optional={
        "max_attempts": st.integers(1, 4) | st.just(2.0),
        "backoff": backoffs,
        "flags": flag_settings,
        "timeout_seconds": st.sampled_from([0.5, 1, 10**9]),
        "storage": st.just({"path": "./audit.jsonl", "type": "sqlite"}),
        "x-note": values,
    },
).map(_number_the_flaky)


class _Earlier(int):
    """Stands for the name of an earlier step in what is drawn."""


def _inputs(references: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Inputs with such references in them, and with parameters."""
    references |= st.sampled_from(["given", "p"]).map(lambda name: {"param": name})
    references |= (values | st.just({"from": "nobody"})).map(lambda held: {"literal": held})
    defaulted = st.builds(
        lambda name, default: {"param": name, "default": default},
        st.sampled_from(["given", "absent"]),
        values | references,
    )
    return st.recursive(
        references | defaulted,
        lambda inner: (
            st.lists(values | inner, max_size=3)
            | st.dictionaries(st.sampled_from(["from", "param", "to", "x"]), inner, min_size=2)
        ),
        max_leaves=4,
    )


_indices = st.integers(0, 5).map(_Earlier)
# Made once: to make a strategy anew for each step takes longer than to draw from it.
_inputs_of_the_first = _inputs(st.nothing())
_inputs_of_others = _inputs(
    (_indices | st.lists(_indices, max_size=3)).map(lambda read: {"from": read})
)


_pointers = st.sampled_from(["", "/", "/0", "/1/a", "/x", "/from/0", "/~0", "/-"])
_facts = st.sampled_from(["/id", "/name", "/params", "/params/given", "/params/absent"])


def _joins(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Strings of several parts, of which some cannot be joined."""
    parts = texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | inner
    return st.lists(parts, max_size=3).map(lambda joined: {"concat": joined})


def _reads(indices: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """References to outputs, in all the ways there are."""
    whole = (indices | st.lists(indices, max_size=3)).map(lambda read: {"from": read})
    part = st.builds(
        lambda step, more: {"from": {"step": step, **more}},
        indices,
        st.fixed_dictionaries({}, optional={"at": _pointers, "default": values | whole}),
    )
    present = st.lists(indices, max_size=3).map(
        lambda read: {"from": {"steps": read, "missing": "omit"}}
    )
    return whole | part | present


_fact = _facts.map(lambda at: {"run": at})
_given = st.sampled_from(["given", "p"]).map(lambda name: {"param": name})
_judged_by_the_first = _fact | _given | values | _joins(_fact | _given)
_judged_by_others = _judged_by_the_first | _reads(_indices)
_more_inputs_of_the_first = _inputs(_fact | _joins(_fact | _given))
_more_inputs_of_others = _inputs(_fact | _reads(_indices) | _joins(_reads(_indices)))
_wanted = st.sampled_from(["string", "array", "object", "null"]).map(lambda kind: {"type": kind})


@st.composite
def linked(draw: st.DrawFn, *, conditional: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """A config with references to other steps and to parameters, and what is given for these.

    There is an order in which each step refers only to earlier ones. It has nothing to do with
    priorities and names, nor with the order of the file.

    Args:
        draw: Chance.
        conditional: Whether there are conditions, and references of all kinds.
    """
    config = draw(configs)
    steps = draw(st.permutations(config["steps"]))
    counts = Counter(step["name"] for step in steps)
    get_far = draw(st.booleans())  # few would otherwise
    for place, step in enumerate(steps):
        if get_far and step["action"] != "flaky":
            step["action"] = "echo"
        earlier = [other["name"] for other in steps[:place] if counts[other["name"]] == 1]
        if step["action"] != "flaky" and draw(st.booleans()):
            inputs = _inputs_of_others if earlier else _inputs_of_the_first
            if conditional:
                inputs = _more_inputs_of_others if earlier else _more_inputs_of_the_first
            step["input"] = _with_names(draw(inputs), earlier)
        if conditional and draw(st.booleans()):
            judged = _judged_by_others if earlier else _judged_by_the_first
            value = _with_names(draw(judged), earlier)
            step["when"] = {"value": value, "is": draw(_wanted)}
        waits = draw(st.booleans())
        if earlier and waits:
            step["after"] = draw(st.lists(st.sampled_from(earlier), max_size=3))
    params = {name: draw(texts) for name in ("given", "p") if f'"{name}"' in json.dumps(steps)}
    return config, params


def _with_names(value: Any, earlier: list[str]) -> Any:
    """Return the value with the names of these steps where they are to stand."""
    if isinstance(value, _Earlier):
        return earlier[value % len(earlier)]
    if isinstance(value, list):
        return [_with_names(item, earlier) for item in value]
    if isinstance(value, dict):
        return {key: _with_names(member, earlier) for key, member in value.items()}
    return value
