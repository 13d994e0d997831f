"""An action: what a step can name, and how a Python function becomes one.

- An output is checked and copied in one walk when its action returns, and each attempt that reads
  it gets another copy. So no action can change what another one sees, and steps that read nothing
  pay nothing. Frozen outputs would cost every step more than that.
- The docstrings of the built-in actions are printed by `driftflow actions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, overload

from driftflow.reading.document import Json, copy_json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Function = TypeVar("Function", bound=Callable[[Any], Any])
    # The name, and the schemas of the input and of the output, if it has them.
    Mark: TypeAlias = tuple[str, dict[str, Any] | None, dict[str, Any] | None]

BUILT_IN = "built-in"

# `action` marks a function by this attribute.
_MARK = "__driftflow_action__"
_STRING = {"type": "string"}


class Action(NamedTuple):
    """What a step can name.

    Attributes:
        function: Takes the step's input, a copy of its own; returns a JSON value, or raises.
        summary: What it does, on one line; may be empty.
        origin: Where it comes from, in words.
        schema: A JSON Schema, draft-07, of the inputs that it takes; None if it takes any.
        accepts: Returns whether an input satisfies the schema; None if there is none.
        written: The function as it was written, if `function` is not that.
        package: The name and version of the installed package that provides it, if one does.
        returns: The schema of its outputs, as `schemas.contracts.write_schema` writes it; None if
            it may return anything.
    """

    function: Callable[[Any], Any]
    summary: str
    origin: str
    schema: Mapping[str, Any] | None = None
    accepts: Callable[[Json], bool] | None = None
    written: Callable[[Any], Any] | None = None
    package: tuple[str, str] | None = None
    returns: str | None = None

    @property
    def original(self) -> Callable[[Any], Any]:
        """Return the function as it was written."""
        return self.written or self.function


# Where another process finds what is given: a module or file; or a function, by the name of its
# action, its module and its qualified name in that, which are empty if only this process has it.
Address: TypeAlias = str | tuple[str, str, str]


class Known(dict[str, Action]):
    """Actions by name.

    Attributes:
        addresses: Where another process finds those that are not built in.
    """

    addresses: tuple[Address, ...] = ()


@overload
def action(function: Function, /) -> Function: ...
@overload
def action(
    *,
    name: str | None = None,
    schema: dict[str, Any] | None = None,
    returns: dict[str, Any] | None = None,
) -> Callable[[Function], Function]: ...
def action(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    schema: dict[str, Any] | None = None,
    returns: dict[str, Any] | None = None,
) -> Any:
    """Mark a function as an action, to be loaded by `--actions` or `run_workflow(actions=...)`.

    Use it as `@action` or `@action(...)`. The function itself is not changed, and can be called as
    before. It is given the step's input and returns a JSON value; whatever it raises fails the
    attempt. The first line of its docstring documents the action.

    Args:
        function: What performs the action.
        name: The action's name in a config; by default the function's name.
        schema: A JSON Schema, draft-07, of the inputs that it takes; by default it takes any input.
            An input that does not satisfy it fails the attempt, and the function is not called.
            `driftflow check` warns about such an input.
        returns: A JSON Schema, draft-07, of what it returns; by default that may be anything. An
            output that does not satisfy it fails the attempt with `ContractBroken`.

    Raises:
        TypeError: If the function has no name and none is given.
    """

    def mark(function: Function) -> Function:
        if name is None and not hasattr(function, "__name__"):
            raise TypeError(f"{function!r} has no name: pass one with `name=`")
        called = function.__name__ if name is None else name
        setattr(function, _MARK, (called, schema, returns))
        return function

    return mark if function is None else mark(function)


def find_mark(thing: object) -> Mark | None:
    """Return the name and the schemas by which `action` marked a thing; None if it did not.

    The thing's own `__getattr__` is not asked: it may be a proxy that answers to everything.
    """
    from inspect import getattr_static

    mark = getattr_static(thing, _MARK, None)
    return mark if type(mark) is tuple else None


def summarize(function: Callable[[Any], Any]) -> str:
    """Return the first line of the function's docstring; empty if it has none."""
    text = function.__doc__
    return text.strip().partition("\n")[0] if isinstance(text, str) else ""


def make_performer(actions: Mapping[str, Action]) -> Callable[[str, Json, float | None], Json]:
    """Return a function that performs an action, once, in the present thread.

    It takes the action's name, the input, and how long it may take, which nothing here can enforce;
    it returns the output. It raises ValueError if there
    is no such action, TypeError if the output is no JSON value, ContractBroken if it breaks the
    action's contract, and whatever the action raises.

    Args:
        actions: What steps can name.
    """
    functions = {name: action.function for name, action in actions.items()}

    def perform(name: str, value: Json, _seconds: float | None) -> Json:
        try:
            function = functions[name]
        except KeyError:
            raise ValueError(f"unknown action: {name!r}") from None
        output: Json = function(value)
        return output if type(output) is str else _copy_output(output)

    if actions is ACTIONS:
        return perform
    from driftflow.forks import bind_here

    contracts = {name: action.returns for name, action in actions.items() if action.returns}
    return bind_here(_hold_to(contracts, perform) if contracts else perform)


def _hold_to(
    contracts: Mapping[str, str], perform: Callable[[str, Json, float | None], Json]
) -> Callable[[str, Json, float | None], Json]:
    """Return what performs actions, and raises ContractBroken for an output that breaks one."""
    from driftflow.schemas.contracts import require_contract

    def perform_to_contract(name: str, value: Json, seconds: float | None) -> Json:
        output = perform(name, value, seconds)
        if name in contracts:
            require_contract(contracts[name], output)
        return output

    return perform_to_contract


def _copy_output(output: Json) -> Json:
    try:
        return copy_json(output)
    except TypeError as error:
        raise TypeError(f"the output is {error}") from None


def echo(value: Json) -> Json:
    """Returns the input unchanged."""
    return value


def upper(value: Json) -> Json:
    """Returns the input, a string, in upper case."""
    if isinstance(value, str):
        return value.upper()
    raise _refuse("upper", value)


def lower(value: Json) -> Json:
    """Returns the input, a string, in lower case."""
    if isinstance(value, str):
        return value.lower()
    raise _refuse("lower", value)


def reverse(value: Json) -> Json:
    """Returns the input, a string, reversed."""
    if isinstance(value, str):
        return value[::-1]
    raise _refuse("reverse", value)


def _refuse(name: str, value: Json) -> TypeError:
    return TypeError(f"{name} takes a string, not {type_name(value)}")


def _is_string(value: Json) -> bool:
    return type(value) is str


ACTIONS = Known(
    {
        "echo": Action(echo, summarize(echo), BUILT_IN),
        **{
            function.__name__: Action(function, summarize(function), BUILT_IN, _STRING, _is_string)
            for function in (upper, lower, reverse)
        },
    }
)
