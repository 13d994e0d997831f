"""The graph of a workflow: what each step comes after, and the order that follows from that.

A step comes after the steps that its input refers to and those that its field `after` names. So the
config alone says what depends on what, and everything that needs to know reads it from here: the
order of a run, what may run at the same time, what a failure ends, what a resumed run keeps.

The run order: a step is as urgent as the most urgent of all that waits for it, so its *urgency* is
the highest priority among itself and what comes after it. Of the steps that wait for nothing more,
the one of the highest urgency is next, then the one of the lowest name, then the first in the file.

- A document of any shape has a graph, so that all its mistakes can be told at once: a name that
  leads nowhere is no edge, and the steps of a circle have no place in the order.
- It takes one walk through the inputs, and for the order a time that is linear in edges and
  `n log n` in steps.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from marshal import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.planning.references import (
    CONTAINERS,
    Named,
    list_condition,
    list_inputs,
    list_output,
    list_steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

_NUMBERS = {int, float}
# The fields, beside the input, that may name other steps.
_EDGES = {"after", "when", "use"}
# Of `marshal`: without notes on what is shared, which are no part of a value.
_PLAINLY = 2


class Shared(NamedTuple):
    """What steps have in one of their fields. What is written alike is one: many may have the same.

    Attributes:
        values: The values, of any shape, each once.
        index_of: By step, the index of its value among them.
    """

    values: list[Any]
    index_of: dict[int, int]

    def list_holders(self) -> Iterator[tuple[Any, list[int]]]:
        """Yield each value with the steps that have it."""
        holders: list[list[int]] = [[] for _ in self.values]
        for step, index in self.index_of.items():
            holders[index].append(step)
        return zip(self.values, holders, strict=True)


class Graph:
    """What each step of a document comes after. Steps are known by their index in the file.

    Args:
        document: The document's value, of any shape.
        groups: By further names that may be used for steps, those that are meant; None if that
            cannot be told. What comes after a group comes after each of them.

    Attributes:
        document: The document's value.
        steps: The steps.
        groups: The groups.
        output: The output of the workflow, with its path; nothing if it has none.
        fields: All fields that any of them has. To ask this once is faster than to ask each step.
        before: By step, those that it comes after, each once, in the order in which it names them.
            A step that comes after none is missing.
        suspects: The steps that name what is no step, or more than one; and those that have a
            reference which is wrong in itself.
        has_wrong_output: Whether that is so of the output of the workflow.
    """

    def __init__(
        self, document: Json, groups: Mapping[str, tuple[int, ...] | None] | None = None
    ) -> None:
        self.document = document
        steps = self.steps = list_steps(document)
        self.groups = groups or {}
        self.output = list_output(document)
        self.suspects: set[int] = set()
        self._named = Named()  # by all steps; its names of steps are those of one
        self.fields: set[str] = set().union(*steps)
        names: dict[int, list[Any]] = {}
        inputs = map(type, [step.get("input") for step in steps])
        if not _EDGES.isdisjoint(self.fields) or not CONTAINERS.isdisjoint(inputs):
            condition_of = self.conditions.index_of
            judged = [self._scan(list_condition(when)) for when in self.conditions.values]
            for index, step in enumerate(steps):
                found: list[Any] = []
                has_faults = False
                if index in condition_of:
                    found, has_faults = judged[condition_of[index]]
                if type(step.get("input")) in CONTAINERS or "use" in step:
                    values = list_inputs(step) if "use" in step else [((), step["input"])]
                    given, is_wrong = self._scan(values)
                    found, has_faults = found + given, has_faults or is_wrong
                if type(after := step.get("after")) is list:
                    found = found + after
                if found:
                    names[index] = found
                if has_faults:
                    self.suspects.add(index)
        found, has_faults = self._scan(self.output)
        if found:
            names[len(steps)] = found
        self.before: dict[int, tuple[int, ...]] = self._resolve(names) if names else {}
        self.before.pop(len(steps), None)
        self.has_wrong_output = has_faults or len(steps) in self.suspects
        self.suspects.discard(len(steps))

    @property
    def params(self) -> list[dict[str, Any]]:
        """Return all references to parameters."""
        return self._named.params

    @property
    def facts(self) -> list[str]:
        """Return all pointers to facts about the run."""
        return self._named.facts

    @property
    def has_links(self) -> bool:
        """Return whether anything names a step or a parameter."""
        return bool(self.before or self.suspects or self.params or self.has_wrong_output)

    @cached_property
    def conditions(self) -> Shared:
        """Return what the steps have as `when`."""
        return self._share("when")

    @cached_property
    def contracts(self) -> Shared:
        """Return what the steps have as `returns`."""
        return self._share("returns")

    def _share(self, name: str) -> Shared:
        """Return what the steps have in the field of that name."""
        shared = Shared([], {})
        indexes: dict[bytes, int] = {}
        for number, step in enumerate(self.steps if name in self.fields else ()):
            if name in step:
                text = dumps(step[name], _PLAINLY)
                if text not in indexes:
                    indexes[text] = len(indexes)
                    shared.values.append(step[name])
                shared.index_of[number] = indexes[text]
        return shared

    def _scan(self, values: Iterable[tuple[JsonPath, Json]]) -> tuple[list[Any], bool]:
        """Return what stands for names of steps in values, and whether a reference is wrong.

        The names need not be any.
        """
        named = self._named
        named.steps, named.has_faults = [], False
        for _, value in values:
            if type(value) in CONTAINERS:
                named.scan(value)
        return named.steps, named.has_faults

    def _resolve(self, named: Mapping[int, list[Any]]) -> dict[int, tuple[int, ...]]:
        """Return the steps that are meant by these names; note who names something else."""
        indexes: dict[str, Any] = {}  # None for a name that several steps have
        for index, step in enumerate(self.steps):
            name = step.get("name")
            if type(name) is str:
                indexes[name] = None if name in indexes else index
        for name, group in self.groups.items():
            indexes[name] = None if name in indexes else group
        before: dict[int, tuple[int, ...]] = {}
        find = indexes.__getitem__
        for index, names in named.items():
            found: dict[Any, None]
            try:
                found = dict.fromkeys(map(find, names))
            except (KeyError, TypeError):  # a name that no step has; or what is no name
                found = dict.fromkeys(indexes.get(name) for name in names if type(name) is str)
                found[None] = None
            if None in found:
                self.suspects.add(index)
                del found[None]
            if self.groups:
                found = dict.fromkeys(_spread(found))
            if found:
                before[index] = (*found,)
        return before

    @cached_property
    def _names(self) -> list[str]:
        names: list[Any] = [step.get("name") for step in self.steps]
        if {*map(type, names)} <= {str}:
            return names
        return [name if type(name) is str else "" for name in names]

    @cached_property
    def _priorities(self) -> list[float]:
        given = [step.get("priority", 0) for step in self.steps]
        if {*map(type, given)} <= _NUMBERS:
            return given
        return [priority if type(priority) in _NUMBERS else 0 for priority in given]

    @cached_property
    def urgencies(self) -> list[float]:
        """Return, by step, the highest priority among itself and all that comes after it."""
        priorities, before = self._priorities, self.before
        if not before or len({*priorities}) == 1:
            return priorities
        urgencies: list[Any] = [None] * len(priorities)
        for index in _sort(range(len(priorities)), priorities):
            if urgencies[index] is not None:  # something that comes after it is more urgent
                continue
            urgency = urgencies[index] = priorities[index]
            reached = [index]
            while reached:
                for other in before.get(reached.pop(), ()):
                    if urgencies[other] is None:
                        urgencies[other] = urgency
                        reached.append(other)
        return urgencies

    @cached_property
    def order(self) -> list[int]:
        """Return the steps in run order, without circles and all that comes after these."""
        by_name = sorted(range(len(self.steps)), key=self._names.__getitem__)
        ranked = _sort(by_name, self.urgencies)
        return self._put_in_order(ranked) if self.before else ranked

    def _put_in_order(self, ranked: list[int]) -> list[int]:
        """Return the steps so that each one stands behind all that it comes after.

        Args:
            ranked: The steps in the order in which they would run if they waited for nothing.
        """
        from heapq import heappop, heappush  # a workflow without edges does without it

        ranks = [0] * len(ranked)
        for rank, index in enumerate(ranked):
            ranks[index] = rank
        find_rank = ranks.__getitem__
        if all(max(map(find_rank, others)) < ranks[index] for index, others in self.before.items()):
            return ranked  # they stand so already
        waiting = {index: len(others) for index, others in self.before.items()}
        after = find_successors(self.before)
        # In ascending order they are a heap.
        ready = [rank for rank, index in enumerate(ranked) if index not in waiting]
        order = []
        while ready:
            index = ranked[heappop(ready)]
            order.append(index)
            if index in after:
                for other in after[index]:
                    left = waiting[other] = waiting[other] - 1
                    if not left:
                        heappush(ready, ranks[other])
        return order

    def find_circles(self) -> Iterator[list[int]]:
        """Yield steps that wait for each other: circles that have no step in common.

        Each step of a circle comes after the one before it, and the first comes after the last. The
        first is the one that stands first in the file.
        """
        if len(self.order) == len(self.steps):
            return
        left = {*range(len(self.steps))}.difference(self.order)
        to_look_at = {index: iter(self.before[index]) for index in left}
        for start in sorted(left):
            path = {start: None} if start in left else {}  # each step comes after the next one
            while path:
                last = next(reversed(path))
                found = next((other for other in to_look_at[last] if other in left), None)
                if found is None:  # it is on no circle, or on one that was told
                    path.popitem()
                    left.discard(last)
                elif found not in path:
                    path[found] = None
                else:
                    circle = [path.popitem()[0]]
                    while circle[-1] != found:
                        circle.append(path.popitem()[0])
                    left.difference_update(circle)
                    yield _turn(circle)


def _sort(indexes: Sequence[int], numbers: Sequence[float]) -> list[int]:
    """Return the steps by descending number; those of one number stay as they are."""
    return sorted(indexes, key=numbers.__getitem__, reverse=True)


def _turn(circle: list[int]) -> list[int]:
    """Return the circle, begun with its smallest member."""
    first = circle.index(min(circle))
    return [*circle[first:], *circle[:first]]


def _spread(found: Iterable[int | tuple[int, ...]]) -> Iterator[int]:
    """Yield the steps that are meant, those of a group each."""
    for each in found:
        if isinstance(each, tuple):
            yield from each
        else:
            yield each


def find_successors(before: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return by step those that come right after it, in ascending order.

    Args:
        before: By step, in ascending order, those that it comes after.
    """
    after: dict[int, list[int]] = defaultdict(list)
    for index, others in before.items():
        for other in others:
            after[other].append(index)
    return after
