"""The actions: what a step can name, and how a Python function becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, overload

from driftflow.reading.document import Json, copy_json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Function = TypeVar("Function", bound=Callable[[Any], Any])
    Mark: TypeAlias = tuple[str, dict[str, Any] | None]

BUILT_IN = "built-in"

# The attribute of a function by which `action` marks it.
_MARK = "__driftflow_action__"
_STRING = {"type": "string"}


class Action(NamedTuple):
    """What a step can name.

    Attributes:
        function: Takes the step's input, an own copy; gives a JSON value, or raises.
        summary: What it does, on one line; may be empty.
        origin: Where it comes from, in words.
        schema: A JSON Schema, draft-07, of the inputs that it takes; None for any.
        accepts: Whether it takes an input, by that schema; None if it takes any.
    """

    function: Callable[[Any], Any]
    summary: str
    origin: str
    schema: Mapping[str, Any] | None = None
    accepts: Callable[[Json], bool] | None = None


@overload
def action(function: Function, /) -> Function: ...
@overload
def action(
    *, name: str | None = None, schema: dict[str, Any] | None = None
) -> Callable[[Function], Function]: ...
def action(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    schema: dict[str, Any] | None = None,
) -> Any:
    """Make a function an action, to be loaded by `--actions` or by `run_workflow(actions=...)`.

    The function stays what it is, and can be called as before. It is given the input of the step
    and returns a JSON value; whatever it raises fails the attempt. The first line of its docstring
    documents the action. It is used as `@action` or `@action(...)`.

    Args:
        function: What performs the action.
        name: What steps call it; the function's name by default.
        schema: A JSON Schema, draft-07, of the inputs that it takes; any by default. An input
            that breaks it fails the attempt, and the function is not called. `driftflow check`
            foretells it.
    """

    def mark(function: Function) -> Function:
        if name is None and not hasattr(function, "__name__"):
            raise TypeError(f"{function!r} has no name of its own: give it one by `name=`")
        setattr(function, _MARK, (function.__name__ if name is None else name, schema))
        return function

    return mark if function is None else mark(function)


def mark_of(thing: object) -> Mark | None:
    """What `action` noted about it, a name and a schema; None for what is not marked.

    Without asking the thing, which may be a proxy of something that is not there yet.
    """
    from inspect import getattr_static

    mark = getattr_static(thing, _MARK, None)
    return mark if type(mark) is tuple else None


def summary_of(function: Callable[[Any], Any]) -> str:
    """The first line of its docstring; empty where there is none."""
    text = function.__doc__
    return text.strip().partition("\n")[0] if isinstance(text, str) else ""


def performer(actions: Mapping[str, Action]) -> Callable[[str, Json], Json]:
    """What makes an attempt here and now: from an action's name and an input to the output.

    It raises ValueError if there is no such action, TypeError if what the action returns is no
    JSON value, and whatever the action raises.

    Args:
        actions: What steps can name.
    """
    functions = {name: action.function for name, action in actions.items()}

    def perform(name: str, value: Json) -> Json:
        try:
            function = functions[name]
        except KeyError:
            raise ValueError(f"unknown action: {name!r}") from None
        output: Json = function(value)
        return output if type(output) is str else _own(output)

    return perform


def _own(output: Json) -> Json:
    try:
        return copy_json(output)
    except TypeError as error:
        raise TypeError(f"the output is {error}") from None


def echo(value: Json) -> Json:
    """Gives the input back, whatever it is."""
    return value


def upper(value: Json) -> Json:
    """Gives the input, a string, in upper case."""
    return _text("upper", value).upper()


def lower(value: Json) -> Json:
    """Gives the input, a string, in lower case."""
    return _text("lower", value).lower()


def reverse(value: Json) -> Json:
    """Gives the input, a string, back to front."""
    return _text("reverse", value)[::-1]


def _text(name: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} takes a string, not {type_name(value)}")


def _is_text(value: Json) -> bool:
    return type(value) is str


ACTIONS: dict[str, Action] = {
    "echo": Action(echo, summary_of(echo), BUILT_IN),
    **{
        function.__name__: Action(function, summary_of(function), BUILT_IN, _STRING, _is_text)
        for function in (upper, lower, reverse)
    },
}
