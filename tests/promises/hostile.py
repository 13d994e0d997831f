"""Whatever a config holds: it is refused with a report, soon and in little memory."""

from __future__ import annotations

import codecs
import json
import random
import subprocess
import sys
from contextlib import suppress
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from support.command import CHECKOUT, EXAMPLES, invoke, packages_stay, process_environment

from driftflow.config import load_config
from promises import Promise, Verdict
from promises.forgery import is_safe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Processor seconds, as of a machine that counts to ten million in `_COUNTING`. What takes longer is
# tried again, beside such counting: the processor time of a slow or busy machine says little alone.
_SECONDS = 1
_COUNTING = 0.3
_TRIES = 5
_MIB = 100
_SEED = 1
_CASES = sorted((CHECKOUT / "tests" / "cases").glob("*/*.json"))
_COMMANDS: list[tuple[str, ...]] = [
    ("--config",),
    ("check",),
    ("check", "--format", "json"),
    ("check", "--format", "github"),
]
# Of these alone, over and over; and the same in an array.
_UNITS = [
    *"[]{}\",:\\'-+.e109NaN_\t \n\r\0\x7f/#é😀\u2028\u202e",
    *('{"a":', '"a":', "[{", "[]", "{}", "{},", '""', '"",', '\\"', '"\\', '"a" ', "1,", "1 "),
    *("/**/", "/*", "//", "//\n", "#\n", "\r\n", "/* */,", ",\n", ",]", "[1,],", "[,", ",}"),
    *("NaN,", "1e999,", "true", "nul", "=", "<<<<<<< ", "---\n", "a: b\n", "a = 1\n", "[a]\n"),
    *("1a", "a b ", '"\n', "\\u", '"a', "\x1b[31m", "\uff08", "..."),
]
# So many of these as the steps of a workflow.
_STEPS = [
    *("{}", "1", "[]", '{"name":1,"action":2}', '{"name":"","action":""}', '{"nme":"a"}'),
    '{"name":"a","action":"nope"}',
    '{"name":"a","action":"upper","input":1}',
    '{"name":"a","action":"echo","prority":1}',
    '{"name":"a","action":"echo","name":"b"}',
    '{"name":"a","action":"echo",}',
    '{"name":"a","action":"echo","input":NaN}',
    '{"name":"a","action":"echo","input":{"from":"b"}}',
    '{"name":"a","action":"echo","input":{"from":3}}',
    '{"name":"a","action":"echo","input":{"param":"b"}}',
]
# Starts a process from a small one: it would count the memory of the one that starts it as its own.
_MEASURE = """
import json, os, signal, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
signal.alarm(60)
_, status, usage = os.wait4(pid, 0)
seconds = usage.ru_utime + usage.ru_stime  # of the processor, whatever else goes on
figures = os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024
print(json.dumps(figures), file=sys.stderr)
"""


class _Measured(NamedTuple):
    """What came of a command in a process of its own."""

    status: int
    seconds: float
    mib: float
    output: bytes


def _corpus(noise: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Configs by what is wrong with them.

    Args:
        noise: Bytes of what is no JSON from the start.
        size: Bytes of what is JSON at least for a good part.
    """
    yield from _shaped(size)
    yield from _encoded(noise, size)
    yield from _noise(noise, size)
    yield from _steps_and_fields(size)


def _of_step(value: str) -> bytes:
    return f'{{"name":"n","steps":[{{"name":"a","action":"echo","input":{value}}}]}}'.encode()


def _shaped(size: int) -> Iterator[tuple[str, bytes]]:
    """Nesting, numbers, keys that stand twice, and JSON that is no workflow."""
    for depth in (129, 900, size // 10):
        yield f"{depth} levels", _of_step("[" * depth + "]" * depth)
        yield f"{depth} objects", b'{"a":' * depth + b"1" + b"}" * depth
        yield f"{depth} of both", b'[{"a":' * depth + b"1" + b"}]" * depth
    nines = "9" * size
    for number in ("NaN", "Infinity", "-Infinity", "1e400", "-1e999", "9" * 5000, nines):
        yield f"{number[:9]}", _of_step(number)
    for number in (f"0.{nines}", f"{nines}.5", f"1e{nines}", f"0.{'0' * size}1"):
        yield f"digits: {number[:3]}", _of_step(number)
    yield "two equal keys", b'{"name":"a","name":"b","steps":[]}'
    yield "many equal keys", b"{" + b",".join([b'"a":1'] * (size // 6)) + b"}"
    keys = ",".join(f'"{number % (size // 16)}":1' for number in range(size // 8))
    yield "all keys twice", f"{{{keys}}}".encode()
    yield "long key twice", f'{{"{"k" * size}":1,"{"k" * size}":2}}'.encode()
    for value in ("1", "{}", '"word"', "[]"):
        yield f"no workflow: {value}", f"[{f'{value},' * (size // len(value))}1]".encode()
    yield "a fault at the end", b"[" + b"1," * (size // 2) + b"1] x"
    yield "a comma at the end", b"[" + b"1," * (size // 2) + b"]"
    yield "a long string", json.dumps("x" * size).encode()
    for field in ("name", "action"):
        step = {"name": "s", "action": "echo", field: "\x1b😀" * (size // 18)}
        yield f"a long {field}", json.dumps({"name": "n", "steps": [step]}).encode()
    yield "a step that is not there", _of_step(json.dumps({"from": "x" * size}))


def _encoded(noise: int, size: int) -> Iterator[tuple[str, bytes]]:
    """What is not UTF-8, or is with a mark."""
    good = _of_step('"@"')
    yield "byte-order mark", codecs.BOM_UTF8 + good
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield encoding, good.decode().encode(encoding)
    yield "much UTF-16", ("\ufeff" + "x" * (noise // 2)).encode("utf-16-le")
    for wrong in (b"\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"\0", b"\\ud800", b"\xf4\x90\x80\x80"):
        yield f"in a string: {wrong!r}", good.replace(b"@", wrong)
    yield "wrong bytes", b"\xff" * noise
    yield "a wrong byte at the end", b"x" * size + b"\xff"
    yield from {"empty": b"", "blanks": b" \t\r\n ", "only a mark": codecs.BOM_UTF8}.items()


def _noise(noise: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Much of what is no JSON."""
    chance = random.Random(_SEED)  # noqa: S311 - the same each time
    yield "bytes", chance.randbytes(noise)
    yield "letters", bytes(chance.choices(range(32, 127), k=noise))
    words = ['"a"', "1", "null", "-1e5", "NaN", "//", "/*", "*/", "#", "[1,]", *'[]{},:" \n\\']
    yield "tokens", "".join(chance.choices(words, k=noise // 2)).encode()
    yield "a list", f"[{','.join(chance.choices(words[:5], k=size // 5))}]".encode()
    yield "an unterminated string", b'{"name": "' + b"x" * noise
    yield "a line end in a string", b'{"name": "' + b"x" * noise + b'\n"}'
    for unit in _UNITS:
        piece = unit.encode()
        yield f"only {unit!a}", piece * (noise // len(piece))
        yield f"an array of {unit!a}", b"[" + piece * (size // len(piece)) + b"]"


def _steps_and_fields(size: int) -> Iterator[tuple[str, bytes]]:
    """Workflows in which everything is wrong."""
    for step in _STEPS:
        steps = ",\n".join([step] * (size // len(step)))
        yield f"steps {step}", f'{{"name":"n","steps":[{steps}]}}'.encode()
    fields = ",".join(f'"nme{number}":1' for number in range(size // 16))
    yield "fields", f'{{"name":"n","steps":[],{fields}}}'.encode()
    yield "fields of a step", f'{{"name":"n","steps":[{{{fields}}}]}}'.encode()
    yield "flags", f'{{"name":"n","steps":[],"flags":{{{fields}}}}}'.encode()
    yield "names read", _of_step(json.dumps({"from": [str(n) for n in range(size // 10)]}))


def _mutated(text: bytes, chance: random.Random) -> bytes:
    """The text with some of it flipped, doubled, removed or replaced."""
    for _ in range(chance.randint(1, 4)):
        start, end = sorted(chance.randrange(len(text) + 1) for _ in "se")
        piece = text[start : min(end, start + 40)]
        others = [b"", piece * 2, bytes([chance.randrange(256)]), *_TOKENS]
        text = text[:start] + chance.choice(others) + text[start + len(piece) :]
    return text


_TOKENS = [
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"//", b"/*", b"#", b"\\", b"\n", b"\x1b[31m"),
    *(b"null", b"true", b"NaN", b"1e999", b"-1", b"0.5", b'""', b"[]", b"{}", b'{"from":"fetch"}'),
    *(b'{"param":[]}', b'"\\ud800"', "\u2028".encode(), b"[" * 200, b"9" * 5000),
]


def _is_quick(path: Path) -> bool:
    """Whether a run of the config is soon over: few attempts, no waits."""
    with suppress(Exception):  # which the command is to show
        plan = load_config(path, {})
        return plan.max_attempts < 10 and plan.backoff is None
    return True


def _complaints(path: Path, command: tuple[str, ...]) -> list[str]:
    """What is wrong with how a command takes a config, in this process."""
    try:
        outcome = invoke(*command, path, cwd=path.parent, environ={"DRIFTFLOW_FLAGS": "audit"})
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return [f"{type(error).__name__}: {error}"[:200]]
    good = outcome.status in ({0, 1} if command[0] == "check" else {0, 1, 2})
    safe = is_safe(outcome.stdout) and is_safe(outcome.stderr)
    return [f"status {outcome.status}"] * (not good) + ["control characters"] * (not safe)


@packages_stay()
def trial(folder: Path, *, noise: int, size: int, mutations: int, alone: bool) -> Verdict:
    """Try the corpus, in processes of their own if so asked, and then the mutations, in this one.

    Args:
        folder: An empty folder.
        noise: Bytes of what is no JSON.
        size: Bytes of what is JSON for a good part.
        mutations: How many good and wrong configs are mutated.
        alone: Whether time and memory are measured, and judged.
    """
    path = folder / "config.json"
    wrong: list[str] = []
    seconds, mib, number = (0.0, ""), (0.0, ""), 0
    for name, data in _corpus(noise, size):
        path.write_bytes(data)
        number += 1
        report = _COMMANDS[1 + number % 3]
        for command in [_COMMANDS[0], report] if alone else [_COMMANDS[number % 4]]:
            if not alone:
                wrong += [f"{name}: {what}" for what in _complaints(path, command)]
                continue
            measured = _measured_well(folder, *command, str(path))
            seconds = max(seconds, (measured.seconds, f"{' '.join(command)}, {name}"))
            mib = max(mib, (measured.mib, f"{' '.join(command)}, {name}"))
            wrong += [f"{command[0]}, {name}: {what}" for what in _judged(measured)]
    chance = random.Random(_SEED)  # noqa: S311 - the same each time
    texts = [file.read_bytes() for file in [*EXAMPLES, *_CASES]]
    for place in range(mutations):
        path.write_bytes(_mutated(chance.choice(texts), chance))
        command = _COMMANDS[place % len(_COMMANDS)]
        if command[0] == "check" or _is_quick(path):
            wrong += [f"mutation {place}: {what}" for what in _complaints(path, command)]
    for special in ("/dev/zero", "/dev/null", str(folder), "a\x1b[31m\nOK x: y", "", "a\0b"):
        for command in _COMMANDS:
            wrong += _complaints_of_name(folder, special, command)
    figure = f"{number} corpus cases, {mutations} mutations"
    if alone:
        figure += f"; worst {seconds[0]:.2f} s ({seconds[1]}), {mib[0]:.0f} MiB ({mib[1]})"
    return Verdict(not wrong, "; ".join([figure, *wrong[:10]]))


def _complaints_of_name(folder: Path, name: str, command: tuple[str, ...]) -> list[str]:
    try:
        outcome = invoke(*command, name, cwd=folder)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return [f"{name!a}: {type(error).__name__}: {error}"]
    refused = outcome.status == (1 if command[0] == "check" else 2)
    safe = is_safe(outcome.stdout) and is_safe(outcome.stderr)
    return [] if refused and safe else [f"{command} {name!a}: {outcome.status}"]


def _measured(folder: Path, *arguments: str) -> _Measured:
    command = [sys.executable, "-m", "driftflow", *arguments]
    output = folder / "output"
    with output.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MEASURE, *command],
            cwd=folder,
            env=process_environment({"DRIFTFLOW_FLAGS": "audit"}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            check=True,
        )
    errors, _, figures = done.stderr.rstrip(b"\n").rpartition(b"\n")
    status, seconds, mib = json.loads(figures)
    return _Measured(status, seconds, mib, output.read_bytes() + errors)


def _measured_well(folder: Path, *arguments: str) -> _Measured:
    """What a command takes; if that is too long, the least of some tries, beside such counting."""
    measured = _measured(folder, *arguments)
    for _ in range(_TRIES):
        if measured.seconds >= _SECONDS:
            again = _measured(folder, *arguments)
            seconds = min(measured.seconds, again.seconds / _slowness())
            measured = again._replace(seconds=seconds)
    return measured


def _slowness() -> float:
    """How many times as long as there this machine takes just now; at least 1."""
    started, number = process_time(), 0
    while number < 1_000_000:
        number += 1
    return max(1.0, (process_time() - started) * 10 / _COUNTING)


def _judged(measured: _Measured) -> list[str]:
    """What is wrong with what came of a command."""
    faults = {
        f"status {measured.status}": measured.status not in {0, 1, 2},
        "a traceback": b"Traceback" in measured.output,
        "control characters": not is_safe(measured.output.decode()),
        f"{measured.seconds:.2f} s": measured.seconds >= _SECONDS,
        f"{measured.mib:.0f} MiB": measured.mib >= _MIB,
    }
    return [fault for fault, found in faults.items() if found]


PROMISES: list[Promise] = [
    Promise(
        "HOSTILE-1",
        "A hostile config is refused with a report, without a traceback",
        f"each of 16 MiB of noise or 512 KiB of JSON in < {_SECONDS} s and < {_MIB} MiB",
        trial,
        short={"noise": 1 << 12, "size": 1 << 12, "mutations": 200, "alone": False},
        long={"noise": 1 << 24, "size": 1 << 19, "mutations": 40000, "alone": True},
    )
]
