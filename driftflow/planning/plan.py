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
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pyrsistent import PClass, PVector, field, pvector

from driftflow.planning.parameters import fill_in, list_declared
from driftflow.planning.pointers import split
from driftflow.planning.references import (
    Known,
    freeze,
    list_params,
    scan,
    scan_step,
    tell_subject,
)
from driftflow.planning.settings import Backoff, Flags, RetryPolicy, Source
from driftflow.planning.values import (
    FrozenObject,
    RunFact,
    find_references,
    freeze_data,
    list_reads,
    write,
)
from driftflow.text import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from driftflow.planning.graph import Graph, Shared
    from driftflow.planning.uses import Flat
    from driftflow.planning.values import Frozen
    from driftflow.reading.document import Json

_Read = TypeVar("_Read")

# The fields of a step that say how it is tried.
_SETTINGS = {"max_attempts", "backoff", "timeout_seconds", "retry_on"}
_SECONDS = 10  # the timeout of a workflow that says nothing of it

_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Condition(NamedTuple):
    """When a step runs: only if a value satisfies a schema.

    Attributes:
        value: The value, frozen.
        reads: The names of the steps whose outputs are in it.
        schema: The schema, as `schemas.contracts.write_schema` writes it.
        subject: What the value is called.
        is_secret: Whether the value is not to be told: its step is sensitive, or it is of a
            sensitive step, or of a parameter that one uses.
    """

    value: Frozen
    reads: tuple[str, ...]
    schema: str
    subject: str
    is_secret: bool = False


class Step(NamedTuple):
    """One step of a plan.

    Attributes:
        name: The name under which its result is shown.
        action: The name of its action, which need not be known.
        input: What the action is given, frozen; other steps' outputs stand there as references.
        priority: Steps of higher priority run first.
        optional: Whether the run goes on if it fails; unless it says `max_attempts` itself, it is
            tried only once.
        reads: The names of the steps whose outputs its condition and its input refer to; all of
            them run earlier.
        sensitive: Whether its input, output and error are hidden from people.
        before: The steps that it comes after, by their index in the run order, ascending.
        urgency: The highest priority among itself and all that comes after it.
        policy: How it is tried.
        has_key: Whether a digest may be made of its input. Not if it is sensitive, or uses a
            parameter that a sensitive step uses: a digest lets a short secret be guessed. Nor if
            it uses the run's ID, since then no two runs ask for the same.
        when: When it runs; None if always.
        returns: The schema of its output, as `schemas.contracts.write_schema` writes it; None if
            that may be anything.
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
    when: Condition | None = None
    returns: str | None = None


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
        output: What the workflow gives, frozen, in a tuple; an empty one if it gives nothing.
        has_conditions: Whether any step may be skipped.
        asks_for_id: Whether any step asks for the run's ID.
        timeouts: By step, the timeout of its file; empty if one timeout counts for all. Seconds.
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
    output: tuple[Frozen, ...] = field(type=tuple, initial=())
    has_conditions: bool = field(type=bool, initial=False)
    asks_for_id: bool = field(type=bool, initial=False)
    timeouts: tuple[float, ...] = field(type=tuple, initial=())


def build_plan(  # noqa: PLR0913 - what they are for stands at each call
    document: Mapping[str, Any],
    graph: Graph,
    flags: Flags,
    timeout: float | None = None,
    params: Mapping[str, Json] | None = None,
    *,
    flat: Flat | None = None,
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
        flat: Where its steps are from, if it uses other files; then it is the outermost one, and
            the graph that of all steps.
    """
    set_by: Source = "config" if "timeout_seconds" in document else "default"
    policy = _build_policy(document)
    values = fill_in(list_declared(document), params or {})
    secrets = find_secrets(graph, values, flat)
    known = Known(values, {"name": document["name"], "params": values})
    if flat is not None:
        known = _freeze_uses(flat, known)
    steps = _build_steps(graph, policy, known, secrets, flat)
    return Plan(
        name=document["name"],
        steps=pvector(steps),
        actions=tuple(sorted(set(map(itemgetter("action"), graph.steps)))),
        timed=_list_timed(graph),
        max_attempts=policy.max_attempts,
        backoff=policy.backoff,
        flags=flags,
        storage_path=document.get("storage", {}).get("path", "./driftflow.audit.json"),
        timeout_seconds=document.get("timeout_seconds", _SECONDS) if timeout is None else timeout,
        timeout_source=set_by if timeout is None else "environment",
        params=_freeze_params(params or {}, secrets),
        output=tuple(freeze(value, known) for _, value in graph.output),
        has_conditions="when" in graph.fields,
        asks_for_id=_asks_for_id(graph, flat),
        timeouts=_list_timeouts(graph, flat) if flat is not None and timeout is None else (),
    )


def _asks_for_id(graph: Graph, flat: Flat | None) -> bool:
    """Return whether anything asks for the run's ID."""
    outputs = [] if flat is None else [output for _, output in flat.outputs]
    facts = [fact for output in outputs for fact in scan(output).facts]
    return any(split(pointer)[0] == "id" for pointer in (*graph.facts, *facts))


def _freeze_uses(flat: Flat, known: Known) -> Known:
    """Return what is known together with the outputs of the files that are used."""
    uses: dict[str, Frozen] = {}
    known = known._replace(uses=uses)
    for name, output in flat.outputs:
        uses[name] = freeze(output, known)
    return known


def _list_timeouts(graph: Graph, flat: Flat) -> tuple[float, ...]:
    """Return the timeout of the file that each step is from, in the run order."""
    return tuple(flat.files[index].get("timeout_seconds", _SECONDS) for index in graph.order)


def hold_to_timeouts(plan: Plan) -> Plan:
    """Return the plan with the timeouts of files as those of their steps: they are enforced.

    A step that has one of its own keeps it.
    """
    if not plan.timeouts:
        return plan
    steps = (
        step
        if step.policy.timeout_seconds is not None
        else step._replace(policy=step.policy._replace(timeout_seconds=seconds))
        for step, seconds in zip(plan.steps, plan.timeouts, strict=True)
    )
    return plan.set(steps=pvector(steps))


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
    comes after; and, where it has one, its condition or contract. References to outputs stand as
    they were written, parameters as their values, each in a `literal`; the input of a step that has
    no key is null, and so is the value of its condition. The keys of an input are not
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
                "input": write(step.input) if step.has_key else None,
                "priority": step.priority,
                "optional": step.optional,
                "after": [steps[index].name for index in step.before],
                **_write_schemas(step),
            }
            for step in steps
        ],
    }
    return f"sha256:{_hash(_encode(canonical))}"


def _write_schemas(step: Step) -> dict[str, Json]:
    """Return the condition and the contract of a step, as far as it has them."""
    written: dict[str, Json] = {}
    if step.when is not None:
        value = write(step.when.value) if step.has_key else None
        written["when"] = {"value": value, "is": json.loads(step.when.schema)}
    if step.returns is not None:
        written["returns"] = json.loads(step.returns)
    return written


def find_key(step: Step) -> str | None:
    """Return the key of a step, by which a later run knows that it asks for the same.

    It is the hexadecimal SHA-256 of compact ASCII JSON: an object of its action and its input, as
    in the digest of a plan. None if the step has no key.
    """
    if not step.has_key:
        return None
    given = step.input
    text = _quote(given) if type(given) is str else _encode(write(given))
    return _hash(f'{{"action":{_quote(step.action)},"input":{text}}}')


def _hash(canonical: str) -> str:
    hexadecimal: str = _load_sha256()(canonical.encode("ascii")).hexdigest()
    return hexadecimal


@cache  # to import it for each step takes longer than to use it
def _load_sha256() -> Callable[[bytes], Any]:
    from hashlib import sha256  # only a run that keeps an audit needs it, and `plan`

    return sha256


def find_secrets(graph: Graph, names: Iterable[str], flat: Flat | None = None) -> set[str]:
    """Return the names of the parameters that sensitive steps use.

    Args:
        graph: The graph of the steps.
        names: The names of all parameters, for steps that use all of them.
        flat: Where the steps are from, if other files are used.
    """
    has_params = graph.params or graph.facts or (flat is not None and any(flat.params.values()))
    if "sensitive" not in graph.fields or not has_params:
        return set()
    sensitive = (step for step in graph.steps if step.get("sensitive"))
    used: set[str] = set().union(*(_list_used(step, flat) for step in sensitive))
    return used.union(names) if "*" in used else used


def _list_used(step: Mapping[str, Any], flat: Flat | None) -> set[str]:
    """Return the names of the parameters that a step uses, also in the outputs of files it reads.

    `*` stands for all of them.
    """
    used = list_params(step)
    if flat is None:
        return used
    return used.union(*(flat.params.get(name, ()) for name in scan_step(step).steps))


def _freeze_params(params: Mapping[str, Json], secrets: set[str]) -> FrozenObject:
    shown = ((name, REDACTED if name in secrets else params[name]) for name in sorted(params))
    return FrozenObject(pvector((name, freeze_data(value)) for name, value in shown))


def _build_steps(
    graph: Graph, policy: RetryPolicy, known: Known, secrets: set[str], flat: Flat | None
) -> list[Step]:
    """Build the steps in run order.

    Args:
        graph: Their graph.
        policy: How a step is tried that says nothing of that, and is not optional.
        known: What is known of parameters and the run.
        secrets: The names of the parameters that sensitive steps use.
        flat: Where they are from, if other files are used.
    """
    steps, order = graph.steps, graph.order
    policies = {False: policy, True: policy._replace(max_attempts=1)}  # by whether it is optional
    build = partial(_build_step, known, policies)
    urgencies = map(int, graph.urgencies)  # 1.0 is an integer to JSON Schema
    sensitive = {step["name"] for step in steps if step.get("sensitive")}
    read_condition = partial(_read_condition, known, secrets, sensitive, flat)
    conditions = _spread(graph.conditions, read_condition)
    contracts = _spread(graph.contracts, _encode)
    # In the order of the file, in which they stand in memory.
    built = [*map(build, steps, urgencies, _list_before(graph), conditions, contracts)]
    if flat is not None:
        built = [*map(_add_general, built, flat.files)]
    if not _SETTINGS.isdisjoint(graph.fields):
        built = [
            step._replace(policy=_build_policy(document, step.policy))
            for step, document in zip(built, steps, strict=True)
        ]
    if "sensitive" in graph.fields:
        built = [
            step._replace(has_key=not (step.sensitive or _uses(secrets, document, flat)))
            for step, document in zip(built, steps, strict=True)
        ]
    if flat is not None:
        for index in flat.secret:
            built[index] = _hide(built[index])
    if graph.facts or flat is not None:
        built = [step._replace(has_key=step.has_key and not uses_run_id(step)) for step in built]
    return [*map(built.__getitem__, order)]


def _hide(step: Step) -> Step:
    """Return a step of which no digest is made, and whose condition is not told."""
    when = step.when and step.when._replace(is_secret=True)
    return step._replace(has_key=False, when=when)


def _add_general(step: Step, file: Mapping[str, Any]) -> Step:
    """Return a step that is tried as its file says of all of its steps."""
    policy = _build_policy(file)
    attempts = 1 if step.optional else policy.max_attempts
    return step._replace(policy=policy._replace(max_attempts=attempts))


def _uses(secrets: set[str], document: Mapping[str, Any], flat: Flat | None) -> bool:
    """Return whether a step uses any of these parameters."""
    used = _list_used(document, flat) if secrets else set()
    return not used.isdisjoint(secrets) or "*" in used


def uses_run_id(step: Step) -> bool:
    """Return whether a step uses a fact about the run that no other run shares."""
    values = [step.input] if step.when is None else [step.input, step.when.value]
    return any(isinstance(each, RunFact) for value in values for each in find_references(value))


def _spread(shared: Shared, read: Callable[[Any], _Read]) -> Iterable[_Read | None]:
    """Yield what is read of the value of each step; None for a step that has none."""
    if not shared.values:
        return repeat(None)
    values = [*map(read, shared.values)]
    find = shared.index_of.get
    return (None if (index := find(number)) is None else values[index] for number in count())


def _read_condition(
    known: Known,
    secrets: set[str],
    sensitive: set[str],
    flat: Flat | None,
    when: Mapping[str, Any],
) -> Condition:
    """Read a condition.

    Args:
        known: What is known of parameters and the run.
        secrets: The names of the parameters that sensitive steps use.
        sensitive: The names of these steps.
        flat: Where the steps are from, if other files are used.
        when: The condition, as it is written.
    """
    value = freeze(when["value"], known)
    reads = list_reads(value)
    is_secret = not sensitive.isdisjoint(reads) or _uses(secrets, {"when": when}, flat)
    return Condition(value, reads, _encode(when["is"]), tell_subject(when["value"]), is_secret)


def _list_before(graph: Graph) -> Iterable[tuple[int, ...]]:
    """Return what each step of the file comes after, by the places in the run order, ascending."""
    if not graph.before:
        return repeat(())
    find_place = dict(zip(graph.order, count())).__getitem__
    named = (graph.before.get(index, ()) for index in range(len(graph.steps)))
    return (tuple(sorted(map(find_place, others))) for others in named)


def _build_step(  # noqa: PLR0913, PLR0917 - it is mapped over what the steps have
    known: Known,
    policies: Mapping[bool, RetryPolicy],
    document: Mapping[str, Any],
    urgency: int,
    before: tuple[int, ...],
    when: Condition | None,
    returns: str | None,
) -> Step:
    given = document.get("input", "")
    reads: tuple[str, ...] = ()
    if type(given) is not str:  # as most are
        given = freeze(given, known)
        reads = list_reads(given)
    if when is not None and when.reads:
        reads = (*dict.fromkeys(when.reads + reads),)
    is_sensitive = "sensitive" in document and document["sensitive"]
    if is_sensitive and when is not None:
        when = when._replace(is_secret=True)
    is_optional = document.get("optional", False)
    fields = (
        document["name"],
        document["action"],
        given,
        int(document.get("priority", 0)),
        is_optional,
        reads,
        is_sensitive,
        before,
        urgency,
        policies[is_optional],
        True,
        when,
        returns,
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
