"""Programs are run without a shell, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from support.command import gone, process_environment, wait_for

from driftflow.actions.registry import resolve_actions
from driftflow.checking.warnings import PACKS
from driftflow.packs import process
from driftflow.parallel import processes

if TYPE_CHECKING:
    from pathlib import Path

    from driftflow.reading.document import Json

COMMAND = resolve_actions([process])["command"]
NOBODY = 2**22 + 1  # no process has so high a number


def run(value: Json) -> Any:
    """What the action gives, its input held against its schema as in a run."""
    return COMMAND.function(value)


def python(code: str, *words: str, **more: Json) -> Any:
    """Run a Python program by the action."""
    return run({"argv": [sys.executable, "-c", code, *words], **more})


def refusal(value: Json) -> str:
    """Why the action fails."""
    with pytest.raises((OSError, TypeError, ValueError)) as caught:
        run(value)
    return str(caught.value)


def test_the_pack_holds_what_a_check_says_of_it() -> None:
    """With a line of explanation."""
    assert {*resolve_actions([process])} - {*resolve_actions(())} == PACKS[
        "driftflow.packs.process"
    ]
    assert COMMAND.summary.endswith(".")


def test_standard_output_is_the_output() -> None:
    """As it stands, in UTF-8."""
    assert run(["printf", "%s", "é\n\n"]) == "é\n\n"
    assert run(["true"]) == ""
    assert python("print('out'); import sys; print('err', file=sys.stderr)") == "out\n"


def test_there_is_no_shell() -> None:
    """What means something to one is passed on."""
    words = ["$HOME", "*", "a b", "; exit 3", '"', "`ls`", ""]
    assert python("import sys; print(sys.argv[1:])", *words) == f"{words}\n"


def test_a_program_is_given_input_folder_and_environment(tmp_path: Path) -> None:
    """What it does not read does not matter; its variables come beside those that there are."""
    assert run({"argv": ["cat"], "stdin": "é" * 100_000}) == "é" * 100_000
    assert run({"argv": ["true"], "stdin": "x" * 1_000_000}) == ""
    assert run(["cat"]) == ""
    assert run({"argv": ["pwd"], "cwd": str(tmp_path)}) == f"{tmp_path}\n"
    code = "import os; print(os.environ['A'], os.environ['PATH'])"
    assert python(code, env={"A": "b"}) == f"b {os.environ['PATH']}\n"


def test_both_streams_are_drained_as_it_runs() -> None:
    """More than any pipe holds, on both, and more input than it has read yet."""
    code = (
        "import sys\n"
        "for _ in range(100):\n"
        "    print('o' * 9999, flush=True)\n"
        "    print('e' * 9999, file=sys.stderr, flush=True)\n"
        "print(len(sys.stdin.read()))\n"
    )
    assert python(code, stdin="i" * 500_000).splitlines()[-1] == "500000"


FIELDS = "`argv`, `stdin`, `cwd` and `env`"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["false"], "exit status 1"),
        (["sh", "-c", "echo no >&2; echo out; exit 42"], "exit status 42: no"),
        (["sh", "-c", "kill -TERM $$"], "killed by SIGTERM"),
        (["sh", "-c", "echo so long >&2; kill -9 $$"], "killed by SIGKILL: so long"),
        (["sh", "-c", "printf '\\377' >&2; exit 1"], "exit status 1: \ufffd"),
        (["no-such-program"], "no-such-program: No such file or directory"),
        (["/"], "/: Permission denied"),
        ({"argv": ["true"], "cwd": "no-such-folder"}, "no-such-folder: No such file or directory"),
        (["printf", "\\377"], "its output is not UTF-8: byte 0xff"),
        (["a\0b"], "embedded null byte"),
        ("ls -l", "command takes an array or an object, not a string"),
        ([], "the value must not be empty"),
        (["sleep", 1], "`[1]` must be a string, not an integer"),
        ({"argv": []}, "`argv` must not be empty"),
        ({"args": ["ls"]}, "missing required field `argv` (write `argv` instead of `args`)"),
        (
            {"argv": ["ls"], "shell": True},
            (
                "unknown field `shell` "
                "(the allowed fields are `argv`, `stdin`, `cwd`, `env` and `grace_seconds`)"
            ),
        ),
        ({"argv": ["ls"], "env": {"A": 1}}, "`env.A` must be a string, not an integer"),
    ],
)
def test_a_failure_is_told(value: Json, message: str) -> None:
    """How the program ended, and what it said about it."""
    assert refusal(value) == message


def test_a_program_that_is_not_there_is_a_file_that_is_not_found() -> None:
    """So a config can name the type of the error."""
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run(["no-such-program"])


def test_the_end_of_standard_error_is_shown() -> None:
    """Where the reason stands; what was cut off is marked."""
    code = "import sys; sys.stderr.write('a' * 2000 + 'b' * 1000 + '\\n'); sys.exit(1)"
    shown = "a" * 999 + "b" * 1000
    assert refusal([sys.executable, "-c", code]) == f"exit status 1: …{shown}"
    code = "import sys; sys.stderr.write('b' * 2000); sys.exit(1)"
    assert refusal([sys.executable, "-c", code]) == f"exit status 1: {'b' * 2000}"


IN_BACKGROUND = "import subprocess, sys; p = subprocess.Popen(['sleep', '600']{}); print(p.pid)"
# What a program may start: in its group; out of it; out of it and with no parent left.
LEFT_BEHIND = [
    IN_BACKGROUND.format(""),
    IN_BACKGROUND.format(", start_new_session=True"),
    IN_BACKGROUND.format(", start_new_session=True, stdout=2"),
    "import subprocess, sys\n"
    "code = "
    + repr(IN_BACKGROUND.format(", start_new_session=True, stderr=1") + "; sys.stdout.flush()")
    + "\n"
    "subprocess.run([sys.executable, '-c', code], start_new_session=True)\n",
]


@pytest.mark.parametrize("status", [0, 3])
@pytest.mark.parametrize("code", LEFT_BEHIND)
def test_what_it_started_is_gone_when_the_attempt_is_over(code: str, status: int) -> None:
    """Whether it succeeded or not; an attempt that waited for it would not end for long."""
    ended = f"{code}\nsys.stdout.flush(); sys.exit({status})"
    if status:
        shown = refusal(["sh", "-c", '"$0" -c "$1" >&2', sys.executable, ended])
        pid = int(shown.removeprefix("exit status 3: "))
    else:
        pid = int(python(ended))
    assert gone(pid)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor does it wait for the program."""
    code = "import os, time; print(os.getpid(), file=open('pid', 'w')); time.sleep(600)"
    script = (
        "import signal; signal.signal(2, signal.default_int_handler)\n"
        "from driftflow.packs.process import command\n"
        f"command({[sys.executable, '-c', code]})"
    )
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import signal; signal.signal(2, signal.default_int_handler); {script}",
        ],
        cwd=tmp_path,
        env=process_environment(),
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text() != "")
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert errors.rstrip().endswith(b"KeyboardInterrupt")
    assert gone(int((tmp_path / "pid").read_text()))


def test_nothing_begins_that_cannot_be_given_its_input(tmp_path: Path) -> None:
    """Half a character is no text in UTF-8."""
    refusal({"argv": ["touch", "begun"], "cwd": str(tmp_path), "stdin": "\ud800"})
    assert not (tmp_path / "begun").exists()


def test_a_program_has_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt at a terminal is not for it; and it is killed, whatever is found."""
    assert python("import os; print(os.getsid(0) == os.getpgid(0) == os.getpid())") == "True\n"
    monkeypatch.setattr(processes, "find_marked", lambda *_: [])
    left = int(python(IN_BACKGROUND.format("")))
    wait_for(lambda: gone(left))  # it was killed, and nobody has looked whether it has ended


def test_a_run_that_a_step_starts_is_gone_with_it(tmp_path: Path) -> None:
    """What its own programs have left behind is the outer program's as well."""
    inner = {"argv": ["sh", "-c", "setsid sleep 600 & echo $! > pid; sleep 600"]}
    code = f"from driftflow.packs.process import command; command({inner})"
    argv: Json = ["sh", "-c", '"$0" -c "$1" & while ! test -s pid; do sleep 0.01; done', ""]
    assert isinstance(argv, list)
    argv[3:] = [sys.executable, code]
    assert run({"argv": argv, "cwd": str(tmp_path), "env": {**process_environment()}}) == ""
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_whose_end_could_not_be_known_is_not_started(tmp_path: Path) -> None:
    """A program of one's own may ignore its children. To try again would do it again."""
    script = (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from driftflow.packs.process import command\n"
        "try:\n"
        "    command(['touch', 'begun'])\n"
        "except ChildProcessError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=process_environment(),
        check=True,
        capture_output=True,
    )
    told = b"not started: SIGCHLD is ignored, so its exit status could not be read\n"
    assert done.stdout == told
    assert not (tmp_path / "begun").exists()


@pytest.fixture(params=["watched", "waited for"])
def _means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An end is known by either means: the second one where the system lacks the first."""
    if request.param == "waited for":
        monkeypatch.delattr("os.waitid")


@pytest.mark.usefixtures("_means")
@pytest.mark.parametrize(("script", "told"), [("exit 3", "exit status 3"), ("kill $$", "SIGTERM")])
def test_an_end_that_other_code_takes_is_still_no_success(
    script: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just after it was seen: `Popen` calls that status 0."""

    def take_and_end(program: subprocess.Popen[bytes], *others: Any) -> None:
        with suppress(ChildProcessError):
            os.waitpid(program.pid, 0)
        end(program, *others)

    end = processes.end
    monkeypatch.setattr(process, "end", take_and_end)
    assert refusal(["sh", "-c", script]).endswith(told)


@pytest.mark.usefixtures("_means")
def test_an_end_that_other_code_has_taken_before_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the program cannot be called a success."""

    def start_and_take(*given: Any) -> subprocess.Popen[bytes]:
        program = start(*given)
        os.waitpid(program.pid, 0)
        return program

    start = process._start  # noqa: SLF001
    monkeypatch.setattr(process, "_start", start_and_take)
    told = "its exit status is not known: other code in this process has already waited for it"
    assert refusal(["true"]) == told


def test_what_cannot_be_found_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that left its group and forgot its environment may hold the output open."""
    monkeypatch.setattr(process, "PATIENCE", 0.2)
    code = (
        "import subprocess\n"
        "p = subprocess.Popen(['sleep', '600'], start_new_session=True, env={})\n"
        "print(p.pid, file=open('pid', 'w'))"
    )
    told = refusal({"argv": [sys.executable, "-c", code], "cwd": str(tmp_path)})
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert told == "a process that it started is still running and keeps its output open"
