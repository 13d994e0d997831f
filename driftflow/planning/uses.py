"""Workflows in workflows: a config and the files that it uses, made into one flat config.

In the file that uses another one the use step is one node of the graph: what is within is known by
`prefix/fetch`, and a way there and back is a circle. The flat config has the steps themselves:

- A step `fetch` of the file that a step `prefix` uses is `prefix/fetch`, and so are the names that
  it refers to. Its parameters are what the use step gives, or else their defaults.
- The steps of the file that come after none of its others come after what the use step comes
  after; and what comes after the use step comes after those that none of its others come after,
  and after those that its output reads. So the graph says the same with as few edges as it can.
- `{"from": "prefix"}` stays as it is: `prefix` becomes a group of the flat graph, and the plan
  knows the output of the file.

So whatever reads a plan sees one graph of steps and need not know that there were files.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.errors import MAX_DEPTH
from driftflow.planning.graph import Graph
from driftflow.planning.parameters import fill_in, list_declared
from driftflow.planning.references import (
    CONTAINERS,
    FORMS,
    find_key,
    find_references,
    is_reference,
    list_params,
    list_steps,
    list_values,
    scan,
    scan_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from driftflow.issues import JsonPath
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

    Rewrite = Callable[[Json], Json]

# How much may be in one value with what files give and are given. A value that is ten times in one
# that is ten times in one ... grows beyond all bounds.
MAX_PARTS = 1_000_000
# The fields of a use step.
USE_FIELDS = ("name", "use", "params", "after")


class File(NamedTuple):
    """A config, and what it uses.

    Attributes:
        source: The file, as messages name it.
        value: What it holds, of any shape.
        graph: The graph of its steps, in which each use step is one.
        uses: By use step, the file; None if that could not be read.
        names: By the names of its steps and of those within its use steps, whether there is an
            output; None if several have the name.
        unknown: The prefixes of steps that nobody knows, since their file could not be read.
        secrets: The names of the parameters that its sensitive steps use, or those within.
    """

    source: str
    value: Any
    graph: Graph
    uses: Mapping[int, File | None]
    names: Mapping[str, bool | None]
    unknown: tuple[str, ...]
    secrets: frozenset[str]


class Flat(NamedTuple):
    """A config with the steps of the files that it uses.

    Attributes:
        document: The document's value, without use steps.
        groups: By the names of the use steps, the steps that count for them.
        outputs: The outputs of the files, by the names of the use steps. Each refers only to those
            before it.
        files: By step, the contents of the file that it is from.
        secret: The steps that use a parameter of their file which a sensitive step uses, or read
            the output of a file that does.
        params: By the names of the use steps, the parameters of the config that the outputs of the
            files use; `*` for all of them.
        is_cut: Whether something is left out, since it is too large.
    """

    document: dict[str, Any]
    groups: dict[str, tuple[int, ...] | None]
    outputs: list[tuple[str, Json]]
    files: list[Mapping[str, Any]]
    secret: set[int]
    params: Mapping[str, set[str]]
    is_cut: bool


def make_file(source: str, value: Json, uses: Mapping[int, File | None]) -> File:
    """Return a config with what is known of the files that it uses.

    Args:
        source: The file, as messages name it.
        value: What it holds, of any shape.
        uses: By use step, the file; None if that could not be read.
    """
    names: dict[str, bool | None] = {}
    groups: dict[str, tuple[int, ...] | None] = {}
    unknown: list[str] = []
    secrets: set[str] = set()
    for index, step in enumerate(list_steps(value)):
        name, used = step.get("name"), uses.get(index)
        secrets |= _list_secrets(step, used)
        if not isinstance(name, str):
            continue
        gives = used is None or bool(used.graph.output)
        names[name] = None if name in names else gives
        if used is None:
            unknown += [f"{name}/"] if index in uses else []
            continue
        unknown += [f"{name}/{prefix}" for prefix in used.unknown]
        for inner, gives_inner in used.names.items():
            flat = f"{name}/{inner}"
            is_unique = flat not in names and gives_inner is not None
            groups[flat] = (index,) if is_unique else None
            names[flat] = gives_inner if is_unique else None
    graph = Graph(value, groups)
    return File(source, value, graph, uses, names, tuple(unknown), frozenset(secrets))


def _list_secrets(step: StepDocument, used: File | None) -> set[str]:
    """Return the parameters that a step uses if it is sensitive, or hands on to such a step."""
    if used is not None:
        given = step.get("params")
        values = given if isinstance(given, dict) else {}
        handed_on = (scan(value).params for name, value in values.items() if name in used.secrets)
        return {reference["param"] for references in handed_on for reference in references}
    # `*` stands for all parameters of the run, which are those of the outermost file.
    return list_params(step) - {"*"} if step.get("sensitive") else set()


def list_asked(file: File) -> dict[str, bool]:
    """Return the parameters of a file, by name whether a use step must give it."""
    declared = list_declared(file.value)
    known = fill_in(declared, {})
    asked = dict.fromkeys(declared or (), False)
    for reference in file.graph.params:
        name = reference["param"]
        asked[name] = asked.get(name, False) or not (name in known or "default" in reference)
    return asked


def flatten(file: File) -> Flat:
    """Return one config, of a file without mistakes and the files that it uses."""
    flattening = _Flattening()
    flattening.add_steps(file, "", lambda value: value, [])
    outputs = flattening.add_outputs(file)
    document = {**file.value, "steps": flattening.steps}
    groups = flattening.resolve_groups()
    secret = flattening.find_secret(outputs)
    params = _list_output_params(outputs)
    return Flat(document, groups, outputs, flattening.files, secret, params, flattening.is_cut)


def _list_output_params(outputs: Iterable[tuple[str, Json]]) -> dict[str, set[str]]:
    """Return the parameters that outputs use, also in those that stand before and are read."""
    found: dict[str, set[str]] = {}
    for name, output in outputs:
        read = (found.get(other, ()) for other in scan(output).steps)
        found[name] = list_params({"input": output}).union(*read)
    return found


class Size(NamedTuple):
    """How large a value is.

    Attributes:
        levels: How deep it is nested.
        parts: How many values are in it, and characters in its strings.
    """

    levels: int
    parts: int

    @property
    def is_allowed(self) -> bool:
        """Return whether a value may be as large, in what files give and are given."""
        return self.levels <= MAX_DEPTH and self.parts <= MAX_PARTS


def is_too_large(flat: Flat) -> bool:
    """Return whether a value is too large, with what files give and are given in it.

    Each file keeps to the limit, but what one hands on stands within what is in another; and what
    is in it ten times is in the next one a hundred times.
    """
    sizes: dict[str, Size] = {}
    for name, output in flat.outputs:
        sizes[name] = _measure_all(output, sizes)
    values = (value for step in flat.document["steps"] for _, value in list_values(step))
    found = chain(sizes.values(), (_measure_all(value, sizes) for value in values))
    return flat.is_cut or not all(size.is_allowed for size in found)


def _measure_all(value: Json, sizes: Mapping[str, Size]) -> Size:
    """Return how large a value is, with the outputs to which it refers."""
    size = measure(value)
    names = scan(value).steps if sizes and size.is_allowed else []
    read = [sizes[name] for name in names if name in sizes]
    levels = max((other.levels for other in read), default=0)
    return Size(size.levels + levels, size.parts + sum(other.parts for other in read))


def measure(value: Json) -> Size:
    """Return how large a value is, as far as it is allowed and a little more."""
    levels = parts = 0
    level: list[Any] = [value]
    while level and levels <= MAX_DEPTH and parts <= MAX_PARTS:
        parts += len(level) + sum(len(each) for each in level if type(each) is str)
        inner = [each for each in level if type(each) in CONTAINERS]
        levels += bool(inner)
        members = (each.values() if type(each) is dict else each for each in inner)
        level = [*islice(chain.from_iterable(members), MAX_PARTS + 1)]
    return Size(levels, parts)


class _Flattening:
    """The steps of files, as far as they are gathered. They stand in the order of the files.

    Attributes:
        steps: The flat steps.
        files: By step, the contents of the file that it is from.
        secret: The steps that use a parameter of their file which a sensitive step uses.
        is_cut: Whether something is left out, since it is too large.
    """

    def __init__(self) -> None:
        self.steps: list[StepDocument] = []
        self.files: list[Mapping[str, Any]] = []
        self.secret: set[int] = set()
        self.is_cut = False
        self._secret_outputs: set[str] = set()  # by the names of the use steps
        # By the names of the use steps: steps by their index, or by name where one is referred to.
        self._groups: dict[str, list[int | str] | None] = {}
        self._outputs: dict[str, Json] = {}  # of the files, by the names of the use steps

    def add_steps(
        self, file: File, prefix: str, rewrite: Rewrite, after: Sequence[str]
    ) -> list[int | str]:
        """Add the steps of a file, and return those that none of its others come after.

        Args:
            file: The file.
            prefix: What stands before the names of its steps.
            rewrite: Returns a value of the file as it is in the flat config.
            after: The names of the steps after which all of them come.
        """
        before = file.graph.before
        comes_before = {index for others in before.values() for index in others}
        ends: list[int | str] = []
        for index, step in enumerate(file.graph.steps):
            extra = after if index not in before else ()
            used = file.uses.get(index)
            if used is None:
                found: list[int | str] = [self._add_step(file, prefix, rewrite, step, extra)]
            else:
                found = self._add_use(used, prefix, rewrite, step, extra)
            ends += found if index not in comes_before else []
        return ends or [*after]

    def _add_step(
        self,
        file: File,
        prefix: str,
        rewrite: Rewrite,
        step: StepDocument,
        after: Sequence[str],
    ) -> int:
        """Add a step as it is in the flat config, and return its index."""
        index = len(self.steps)
        if not file.secrets.isdisjoint(list_params(step)):
            self.secret.add(index)
        for path, value in list_values(step) if prefix else ():
            step = _put(step, path, self._cut(rewrite(value)))
        if prefix:
            step = {**step, "name": prefix + step["name"]}
            names = dict.fromkeys([*(prefix + name for name in step.get("after", ())), *after])
            if names:
                step["after"] = [*names]
        self.steps.append(step)
        self.files.append(file.value)
        return index

    def _add_use(
        self,
        used: File,
        prefix: str,
        rewrite: Rewrite,
        step: StepDocument,
        after: Sequence[str],
    ) -> list[int | str]:
        """Add the steps of a file that is used, and return those that count for the use step."""
        name = prefix + step["name"]
        given = step.get("params", {})
        values = {key: self._cut(rewrite(value)) for key, value in given.items()}
        named = [prefix + other for other in step.get("after", ())]
        read = [other for value in values.values() for other in scan(value).steps]
        behind = [*dict.fromkeys([*named, *read, *after])]
        given = {key: _as_reference(value) for key, value in values.items()}
        for key, default in fill_in(list_declared(used.value), {}).items():
            given.setdefault(key, {"literal": default})
        rewrite_inner = partial(_rewrite, f"{name}/", given)
        group = self.add_steps(used, f"{name}/", rewrite_inner, behind)
        for _, value in used.graph.output:
            output = self._cut(rewrite_inner(value))
            self._outputs[name] = output
            if not used.secrets.isdisjoint(list_params({"input": value})):
                self._secret_outputs.add(name)
            group = [*group, *scan(output).steps]
        self._groups[name] = None if name in self._groups else group
        return group

    def _cut(self, value: Json) -> Json:
        """Return a value; null for one that is too large to be looked into."""
        if measure(value).is_allowed:
            return value
        self.is_cut = True
        return None

    def add_outputs(self, file: File, prefix: str = "") -> list[tuple[str, Json]]:
        """Return the outputs of the files that a file uses, each behind those that it refers to."""
        found: list[tuple[str, Json]] = []
        for index in file.graph.order:
            used = file.uses.get(index)
            if used is not None:
                name = prefix + file.graph.steps[index]["name"]
                found += self.add_outputs(used, f"{name}/")
                found += [(name, self._outputs[name])] if name in self._outputs else []
        return found

    def find_secret(self, outputs: Iterable[tuple[str, Json]]) -> set[int]:
        """Return the steps of which nothing is to be told, since they use what is secret.

        Args:
            outputs: The outputs of the files, each behind those that it refers to.
        """
        secret = self._secret_outputs
        for name, output in outputs:
            if not secret.isdisjoint(scan(output).steps):
                secret.add(name)
        reads = (scan_step(step).steps for step in (self.steps if secret else ()))
        return self.secret.union(
            index for index, names in enumerate(reads) if not secret.isdisjoint(names)
        )

    def resolve_groups(self) -> dict[str, tuple[int, ...] | None]:
        """Return the steps that count for use steps, by their indexes, ascending."""
        indexes = {step["name"]: index for index, step in enumerate(self.steps)}
        resolved: dict[str, tuple[int, ...] | None] = {}

        def resolve(name: str) -> Iterable[int]:
            if name not in self._groups:
                return (indexes[name],)
            if name not in resolved:
                found: set[int] = set()
                for each in self._groups[name] or ():
                    found.update((each,) if isinstance(each, int) else resolve(each))
                resolved[name] = tuple(sorted(found))
            return resolved[name] or ()

        for name, group in self._groups.items():
            resolve(name)
            if group is None:
                resolved[name] = None
        return resolved


def _rewrite(prefix: str, given: Mapping[str, Json], value: Json) -> Json:
    """Return a value of a file as it is in the flat config.

    Args:
        prefix: What stands before the names of its steps.
        given: The values of its parameters, each a reference or with references in it.
        value: The value, without mistakes.
    """
    rewrite = partial(_rewrite, prefix, given)
    if isinstance(value, list):
        return [rewrite(item) for item in value]
    if not isinstance(value, dict):
        return value
    if not is_reference(value):
        return {key: rewrite(member) for key, member in value.items()}
    key = find_key(value)
    form, written = FORMS[key], value[key]
    if key == "param":
        return given[str(written)] if written in given else _as_reference(rewrite(value["default"]))
    parts: tuple[tuple[JsonPath, Json], ...] = (
        *(((key, *path), prefix + name) for path, name in form.list_names(written)),
        *((path, rewrite(part)) for path, part in form.list_parts(value)),
    )
    for path, part in parts:
        value = _put(value, path, part)
    return value


def _as_reference(value: Json) -> Json:
    """Return a value in which nothing but its references is one when it stands in another."""
    return value if any(find_references(value)) else {"literal": value}


def _put(value: Any, path: JsonPath, part: Json) -> Any:
    """Return a value with another part at a path, and all else shared with it."""
    if not path:
        return part
    copy = value.copy()
    copy[path[0]] = _put(value[path[0]], path[1:], part)
    return copy
