"""The plan of a run: a document that was found good, as a value that nothing can change.

- The document is checked as it was parsed, since jsonschema takes only dicts and lists. The plan is
  built from it afterwards.
- The steps stand in run order, which `graph` works out once; each knows what it comes after.
- A run has one plan, a PClass. It has many steps, so these are named tuples, in a pvector that one
  call makes: a PClass takes ten times as long. `references` freezes the inputs.
- The plan knows where its settings come from, so that the command `plan` can say what switched a
  flag off. The digest leaves this out, and the backoff too: it changes when things are done, not
  what.
"""

from __future__ import annotations

import json
from functools import cache, partial
from itertools import accumulate, count, pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pyrsistent import PClass, PVector, field, pvector

from driftflow.planning.references import FrozenObject, freeze, list_params, list_reads, thaw
from driftflow.planning.settings import Backoff, Flags, RetryPolicy, Source
from driftflow.text import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from driftflow.planning.graph import Graph
    from driftflow.planning.references import Frozen
    from driftflow.reading.document import Json


# The fields of a step that say how it is tried.
_SETTINGS = {"max_attempts", "backoff", "timeout_seconds", "retry_on"}


_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Step(NamedTuple):
    """One step of a plan.

    Attributes:
        name: The name under which its result is shown.
        action: The name of its action, which need not be known.
        input: What the action is given, frozen; other steps' outputs stand there as references.
        priority: Steps of higher priority run first.
        optional: Whether the run goes on if it fails; unless it says `max_attempts` itself, it is
            tried only once.
        reads: The names of the steps whose outputs its input needs; all of them run earlier.
        sensitive: Whether its input, output and error are hidden from people.
        before: The steps that it comes after, by their index in the run order, ascending.
        urgency: The highest priority among itself and all that comes after it.
        policy: How it is tried.
        has_key: Whether a digest may be made of its input. Not if it is sensitive, or uses a
            parameter that a sensitive step uses: a digest lets a short secret be guessed.
    """

    name: str
    action: str
    input: Frozen
    priority: int
    optional: bool
    reads: tuple[str, ...] = ()
    sensitive: bool = False
    before: tuple[int, ...] = ()
    urgency: int = 0
    policy: RetryPolicy = RetryPolicy()
    has_key: bool = True


class Plan(PClass):
    """A workflow, ready to run.

    Attributes:
        name: The workflow's name.
        steps: The steps in run order.
        actions: The names of their actions, each once, sorted.
        timed: The names of the actions of steps that have a timeout of their own, sorted.
        max_attempts: How often a step that is not optional is tried, at most, unless it says so
            itself.
        backoff: The waits between attempts, unless a step says so itself; None if there are none.
        flags: The flags that are on.
        storage_path: The audit's file, relative to the working directory.
        timeout_seconds: How long an attempt may take, if the timeout is enforced. Seconds.
        timeout_source: Where the timeout comes from.
        source: The config's file, as it was named; empty if there is none.
        params: The parameters that are given, in the order of their names. One that a sensitive
            step uses is `[redacted]`.
    """

    name: str = field(type=str, mandatory=True)
    steps: PVector[Step] = field(type=PVector, mandatory=True)
    actions: tuple[str, ...] = field(type=tuple, mandatory=True)
    timed: tuple[str, ...] = field(type=tuple, mandatory=True)
    max_attempts: int = field(type=int, mandatory=True)
    backoff: Backoff | None = field(type=(Backoff, type(None)), mandatory=True)
    flags: Flags = field(type=Flags, mandatory=True)
    storage_path: str = field(type=str, mandatory=True)
    timeout_seconds: float = field(type=(int, float), mandatory=True)
    timeout_source: Source = field(type=str, mandatory=True)
    source: str = field(type=str, initial="")
    params: FrozenObject = field(type=FrozenObject, mandatory=True)


def build_plan(
    document: Mapping[str, Any],
    graph: Graph,
    flags: Flags,
    timeout: float | None = None,
    params: Mapping[str, Json] | None = None,
) -> Plan:
    """Build the plan of a document, with the defaults filled in.

    Args:
        document: The document's value. It satisfies the config's schema, and whatever its
            references name is there.
        graph: The graph of its steps.
        flags: The flags that are on.
        timeout: The environment's timeout, which overrides `timeout_seconds`. Seconds; None if it
            has none.
        params: By name, the values of parameters.
    """
    set_by: Source = "config" if "timeout_seconds" in document else "default"
    policy = _build_policy(document)
    secrets = _find_secrets(graph)
    steps = _build_steps(graph, policy, params or {}, secrets)
    return Plan(
        name=document["name"],
        steps=pvector(steps),
        actions=tuple(sorted(set(map(itemgetter("action"), document["steps"])))),
        timed=_list_timed(graph),
        max_attempts=policy.max_attempts,
        backoff=policy.backoff,
        flags=flags,
        storage_path=document.get("storage", {}).get("path", "./driftflow.audit.json"),
        timeout_seconds=document.get("timeout_seconds", 10) if timeout is None else timeout,
        timeout_source=set_by if timeout is None else "environment",
        params=_freeze_params(params or {}, secrets),
    )


def keep_audit_in(plan: Plan, path: str) -> Plan:
    """Return the plan with its audit on, in that file, whatever the config says of either."""
    flags = plan.flags.set(
        enabled=plan.flags.enabled.add("audit"), sources=plan.flags.sources.set("audit", "operator")
    )
    return plan.set(storage_path=path, flags=flags)


def list_waves(steps: Sequence[Step]) -> list[int]:
    """Return the number of each step's wave: steps of one urgency, which stand together."""
    changes = (after.urgency != before.urgency for before, after in pairwise(steps))
    return [*accumulate(changes, initial=0)] if steps else []


def digest(plan: Plan) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of what the plan will do.

    The hash is taken of compact ASCII JSON: the plan's name, max_attempts, and the steps in run
    order, each with name, action, input, priority, optional, and the names of the steps that it
    comes after. References to outputs stand as they were written, parameters as their values, each
    in a `literal`; the input of a step that has no key is null. The keys of an input are not
    sorted: an action sees their order, so two plans that differ in it may have different outputs.
    """
    steps = plan.steps.tolist()
    canonical = {
        "name": plan.name,
        "max_attempts": plan.max_attempts,
        "steps": [
            {
                "name": step.name,
                "action": step.action,
                "input": thaw(step.input) if step.has_key else None,
                "priority": step.priority,
                "optional": step.optional,
                "after": [steps[index].name for index in step.before],
            }
            for step in steps
        ],
    }
    return f"sha256:{_hash(_encode(canonical))}"


def find_key(step: Step) -> str | None:
    """Return the key of a step, by which a later run knows that it asks for the same.

    It is the hexadecimal SHA-256 of compact ASCII JSON: an object of its action and its input, as
    in the digest of a plan. None if the step has no key.
    """
    if not step.has_key:
        return None
    given = step.input
    text = _quote(given) if type(given) is str else _encode(thaw(given))
    return _hash(f'{{"action":{_quote(step.action)},"input":{text}}}')


def _hash(canonical: str) -> str:
    hexadecimal: str = _load_sha256()(canonical.encode("ascii")).hexdigest()
    return hexadecimal


@cache  # to import it for each step takes longer than to use it
def _load_sha256() -> Callable[[bytes], Any]:
    from hashlib import sha256  # only a run that keeps an audit needs it, and `plan`

    return sha256


def _find_secrets(graph: Graph) -> set[str]:
    """Return the names of the parameters that sensitive steps use."""
    if not graph.params or "sensitive" not in graph.fields:
        return set()
    used = (list_params(step.get("input")) for step in graph.steps if step.get("sensitive"))
    return set().union(*used)


def _freeze_params(params: Mapping[str, Json], secrets: set[str]) -> FrozenObject:
    shown = ((name, REDACTED if name in secrets else params[name]) for name in sorted(params))
    return FrozenObject(pvector((name, freeze(value)) for name, value in shown))


def _build_steps(
    graph: Graph, policy: RetryPolicy, params: Mapping[str, Json], secrets: set[str]
) -> list[Step]:
    """Build the steps in run order.

    Args:
        graph: Their graph.
        policy: How a step is tried that says nothing of that, and is not optional.
        params: By name, the values of parameters.
        secrets: The names of the parameters that sensitive steps use.
    """
    steps, order = graph.steps, graph.order
    policies = {False: policy, True: policy._replace(max_attempts=1)}  # by whether it is optional
    build = partial(_build_step, params, policies)
    # In the order of the file, in which they stand in memory. 1.0 is an integer to JSON Schema.
    built = [*map(build, steps, map(int, graph.urgencies), _list_before(graph))]
    if not _SETTINGS.isdisjoint(graph.fields):
        built = [
            step._replace(policy=_build_policy(document, step.policy))
            for step, document in zip(built, steps, strict=True)
        ]
    if "sensitive" in graph.fields:
        built = [
            step._replace(has_key=not step.sensitive and secrets.isdisjoint(list_params(given)))
            for step, given in zip(built, (step.get("input") for step in steps), strict=True)
        ]
    return [*map(built.__getitem__, order)]


def _list_before(graph: Graph) -> Iterable[tuple[int, ...]]:
    """Return what each step of the file comes after, by the places in the run order, ascending."""
    if not graph.before:
        return repeat(())
    find_place = dict(zip(graph.order, count())).__getitem__
    named = (graph.before.get(index, ()) for index in range(len(graph.steps)))
    return (tuple(sorted(map(find_place, others))) for others in named)


def _build_step(
    params: Mapping[str, Json],
    policies: Mapping[bool, RetryPolicy],
    document: Mapping[str, Any],
    urgency: int,
    before: tuple[int, ...],
) -> Step:
    given = document.get("input", "")
    reads: tuple[str, ...] = ()
    if type(given) is not str:  # as most are
        given = freeze(given, params)
        reads = list_reads(given)
    is_optional = document.get("optional", False)
    fields = (
        document["name"],
        document["action"],
        given,
        int(document.get("priority", 0)),
        is_optional,
        reads,
        "sensitive" in document and document["sensitive"],
        before,
        urgency,
        policies[is_optional],
        True,
    )
    return tuple.__new__(Step, fields)  # its own constructor is a Python function


def _list_timed(graph: Graph) -> tuple[str, ...]:
    """Return the actions of the steps that have a timeout of their own."""
    if "timeout_seconds" not in graph.fields:
        return ()
    return tuple(sorted({step["action"] for step in graph.steps if "timeout_seconds" in step}))


def _build_policy(document: Mapping[str, Any], general: RetryPolicy | None = None) -> RetryPolicy:
    """Build the policy of a step, or the general one of a workflow.

    Args:
        document: The step, or the whole document.
        general: What counts for a step as far as it says nothing; None for the whole document.
    """
    policy = general or RetryPolicy()
    if "max_attempts" in document:
        policy = policy._replace(max_attempts=int(document["max_attempts"]))
    if "backoff" in document:
        given = document["backoff"]
        backoff = Backoff(**{name: given[name] for name in Backoff._fields if name in given})
        policy = policy._replace(backoff=backoff)
    if general is None:  # the timeout of a workflow is enforced only if the operator asks for it
        return policy
    if "timeout_seconds" in document:
        policy = policy._replace(timeout_seconds=document["timeout_seconds"])
    if "retry_on" in document:
        policy = policy._replace(retry_on=tuple(document["retry_on"]))
    return policy
