"""Whether a document satisfies the config's schema: a fast yes or no, without the reasons.

Compiled from schema/driftflow.schema.json by `make acceptor`: not to be edited.
"""

from __future__ import annotations

from typing import Any


def accepts(value: Any) -> bool:
    return (
        type(value) is dict
        and "name" in value
        and "steps" in value
        and (type(value["name"]) is str and len(value["name"]) >= 1)
        and (
            "max_attempts" not in value
            or (
                (
                    type(value["max_attempts"]) is int
                    or (type(value["max_attempts"]) is float and value["max_attempts"].is_integer())
                )
                and value["max_attempts"] >= 1
            )
        )
        and ("backoff" not in value or accepts_1(value["backoff"]))
        and ("params" not in value or accepts_2(value["params"]))
        and accepts_3(value["steps"])
        and ("requires" not in value or accepts_4(value["requires"]))
        and ("flags" not in value or accepts_5(value["flags"]))
        and ("storage" not in value or accepts_6(value["storage"]))
        and (
            "timeout_seconds" not in value
            or (
                (type(value["timeout_seconds"]) is int or type(value["timeout_seconds"]) is float)
                and value["timeout_seconds"] > 0
            )
        )
    )


def accepts_1(value: Any) -> bool:
    return (
        type(value) is dict
        and (
            "delay_seconds" not in value
            or (
                (type(value["delay_seconds"]) is int or type(value["delay_seconds"]) is float)
                and value["delay_seconds"] >= 0
            )
        )
        and (
            "factor" not in value
            or (
                (type(value["factor"]) is int or type(value["factor"]) is float)
                and value["factor"] >= 1
            )
        )
        and (
            "max_delay_seconds" not in value
            or (
                (
                    type(value["max_delay_seconds"]) is int
                    or type(value["max_delay_seconds"]) is float
                )
                and value["max_delay_seconds"] >= 0
            )
        )
        and ("jitter" not in value or type(value["jitter"]) is bool)
    )


def accepts_2(value: Any) -> bool:
    return type(value) is dict and all(
        (type(value[name]) is dict or type(value[name]) is bool) for name in value
    )


def accepts_3(value: Any) -> bool:
    return type(value) is list and all(map(accepts_7, value))


def accepts_4(value: Any) -> bool:
    return type(value) is list and all(map(accepts_8, value))


def accepts_5(value: Any) -> bool:
    return (
        type(value) is dict
        and ("audit" not in value or type(value["audit"]) is bool)
        and ("metrics" not in value or type(value["metrics"]) is bool)
        and ("parallel" not in value or type(value["parallel"]) is bool)
    )


def accepts_6(value: Any) -> bool:
    return type(value) is dict and (
        "path" not in value or (type(value["path"]) is str and len(value["path"]) >= 1)
    )


def accepts_7(value: Any) -> bool:
    return (
        type(value) is dict
        and (
            True
            if (type(value) is dict and "use" in value)
            else (type(value) is dict and "action" in value)
        )
        and "name" in value
        and (type(value["name"]) is str and len(value["name"]) >= 1)
        and ("action" not in value or (type(value["action"]) is str and len(value["action"]) >= 1))
        and ("use" not in value or (type(value["use"]) is str and len(value["use"]) >= 1))
        and ("params" not in value or accepts_9(value["params"]))
        and (
            "priority" not in value
            or (
                type(value["priority"]) is int
                or (type(value["priority"]) is float and value["priority"].is_integer())
            )
        )
        and ("after" not in value or accepts_10(value["after"]))
        and ("optional" not in value or type(value["optional"]) is bool)
        and (
            "max_attempts" not in value
            or (
                (
                    type(value["max_attempts"]) is int
                    or (type(value["max_attempts"]) is float and value["max_attempts"].is_integer())
                )
                and value["max_attempts"] >= 1
            )
        )
        and ("backoff" not in value or accepts_11(value["backoff"]))
        and (
            "timeout_seconds" not in value
            or (
                (type(value["timeout_seconds"]) is int or type(value["timeout_seconds"]) is float)
                and value["timeout_seconds"] > 0
            )
        )
        and ("retry_on" not in value or accepts_12(value["retry_on"]))
        and ("when" not in value or accepts_13(value["when"]))
        and (
            "returns" not in value
            or (type(value["returns"]) is dict or type(value["returns"]) is bool)
        )
        and ("sensitive" not in value or type(value["sensitive"]) is bool)
    )


def accepts_8(value: Any) -> bool:
    return type(value) is str and len(value) >= 1


def accepts_9(value: Any) -> bool:
    return type(value) is dict


def accepts_10(value: Any) -> bool:
    return type(value) is list and all(map(accepts_14, value))


def accepts_11(value: Any) -> bool:
    return (
        type(value) is dict
        and (
            "delay_seconds" not in value
            or (
                (type(value["delay_seconds"]) is int or type(value["delay_seconds"]) is float)
                and value["delay_seconds"] >= 0
            )
        )
        and (
            "factor" not in value
            or (
                (type(value["factor"]) is int or type(value["factor"]) is float)
                and value["factor"] >= 1
            )
        )
        and (
            "max_delay_seconds" not in value
            or (
                (
                    type(value["max_delay_seconds"]) is int
                    or type(value["max_delay_seconds"]) is float
                )
                and value["max_delay_seconds"] >= 0
            )
        )
        and ("jitter" not in value or type(value["jitter"]) is bool)
    )


def accepts_12(value: Any) -> bool:
    return type(value) is list and all(map(accepts_15, value))


def accepts_13(value: Any) -> bool:
    return (
        type(value) is dict
        and "value" in value
        and "is" in value
        and (type(value["is"]) is dict or type(value["is"]) is bool)
    )


def accepts_14(value: Any) -> bool:
    return type(value) is str and len(value) >= 1


def accepts_15(value: Any) -> bool:
    return type(value) is str and len(value) >= 1
