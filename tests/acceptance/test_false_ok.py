"""What an action does to its process never makes a run look better than it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import workflows
from support.command import gone, process_environment, spawn, wait_for

from driftflow.parallel.descendants import list_children

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = """
import ctypes, os, sys
import driftflow

WAYS = {"os": os.fork, "C": ctypes.CDLL(None).fork}

@driftflow.action
def fork(value):
    way, end = value
    child = WAYS[way]()
    if child:
        os.waitpid(child, 0)
        return "paid"
    if end == "raise":
        raise ValueError("in the child")
    if end == "exit":
        sys.exit(0)
    if end == "interrupt":
        raise KeyboardInterrupt
    return "paid twice"

@driftflow.action
def note(path):
    with open(path, "a") as file:
        file.write("noted\\n")
    return "noted"
"""


ENDS = ("return", "raise", "exit", "interrupt")


@pytest.mark.parametrize(
    ("flags", "options", "ways"),
    [
        ({}, (), ("os", "C")),
        ({}, ("--enforce-timeout",), ("os", "C")),
        # A fork in C would leave Python's lock to a thread that the copy does not have.
        ({"parallel": True}, ("--jobs", "2"), ("os",)),
    ],
)
def test_a_process_that_an_action_forks_has_no_part_in_the_run(
    flags: dict[str, bool], options: tuple[str, ...], ways: tuple[str, ...], tmp_path: Path
) -> None:
    """However it comes back: nothing is done, printed or recorded twice."""
    (tmp_path / "acts.py").write_text(ACTIONS)
    forks = [
        {"name": f"{way} {end}", "action": "fork", "input": [way, end], "priority": 1}
        for way in sorted(ways)
        for end in sorted(ENDS)
    ]
    last = {"name": "z", "action": "note", "input": str(tmp_path / "notes")}
    config = workflows.save(tmp_path, *forks, last, flags={"audit": True, **flags})
    done = spawn("--config", config, "--actions", "./acts.py", *options, cwd=tmp_path)
    lines = [*(f"OK {step['name']}: paid" for step in forks), "OK z: noted"]
    assert (done.status, done.stdout.splitlines()) == (0, lines)
    assert (tmp_path / "notes").read_text() == "noted\n"
    records = [
        json.loads(line) for line in (tmp_path / "driftflow.audit.json").read_text().splitlines()
    ]
    assert [record["seq"] for record in records] == [*range(len(records))]
    assert Counter(record["event"] for record in records)["run_finished"] == 1


def test_a_process_that_an_output_or_an_error_forks_has_no_part_in_the_run(
    tmp_path: Path,
) -> None:
    """Their code is the action's, too."""
    (tmp_path / "acts.py").write_text(f"""{ACTIONS}
class Output(dict):
    def items(self):
        os.fork()
        return super().items()

class Error(Exception):
    def __str__(self):
        os.fork()
        return "no"

@driftflow.action
def give(_):
    return Output(a=1)

@driftflow.action
def fail(_):
    raise Error
""")
    config = workflows.save(
        tmp_path,
        {"name": "a", "action": "give", "priority": 3},
        {"name": "b", "action": "fail", "priority": 2, "optional": True},
        {"name": "c", "action": "note", "input": str(tmp_path / "notes")},
        flags={"audit": True},
    )
    done = spawn("--config", config, "--actions", "./acts.py", cwd=tmp_path)
    assert done == (1, 'OK a: {"a":1}\nFAIL b: no\nOK c: noted\n', "")
    assert (tmp_path / "notes").read_text() == "noted\n"
    records = (tmp_path / "driftflow.audit.json").read_text().splitlines()
    assert [json.loads(record)["seq"] for record in records] == [*range(9)]


def end_of_record(folder: Path) -> str | None:
    """The status in the last record of the audit, if it is the end of a run."""
    last = (folder / "driftflow.audit.json").read_text().splitlines()[-1]
    status: str | None = json.loads(last).get("status")
    return status


ENDINGS = """
import ctypes, os, sys, threading, time
from itertools import chain

import driftflow

C = ctypes.CDLL(None)
if os.environ.get("AT_ONCE"):
    C.exit(0)

WAYS = {
    "exit": lambda: C.exit(0),
    "thread": lambda: threading.Thread(target=C.exit, args=[0]).start() or time.sleep(600),
    "_exit": lambda: os._exit(0),
    "exec": lambda: os.execvp("true", ["true"]),
}

@driftflow.action
def end(way):
    return WAYS[way]()

@driftflow.action
def hold(path):
    # The folder is made in the middle of the one call that goes on for long.
    return sum(chain(map(bool, map(os.mkdir, [path])), range(10**10)))
"""


@pytest.mark.parametrize("options", [(), ("--print-json",)])
@pytest.mark.parametrize("way", ["exit", "thread", "_exit", "exec"])
def test_a_process_that_an_action_ends_is_no_success(
    way: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """Python hears of none of these; what was printed stays, and the record is closed."""
    (tmp_path / "acts.py").write_text(ENDINGS)
    first = {"name": "a", "input": "done", "priority": 1}
    config = workflows.save(
        tmp_path, first, {"name": "b", "action": "end", "input": way}, flags={"audit": True}
    )
    done = spawn("--config", config, "--actions", "./acts.py", *options, cwd=tmp_path)
    said = "error: the process ended unexpectedly: exit status 0\n"
    assert done == (1, "" if options else "OK a: done\n", said)
    assert end_of_record(tmp_path) == "interrupted"


def test_a_process_that_a_file_forks_as_it_is_loaded_has_no_part_in_the_run(
    tmp_path: Path,
) -> None:
    """Nor has one that it forks and that goes on to raise."""
    (tmp_path / "acts.py").write_text(f"import os\nCHILD = os.fork()\n{ACTIONS}")
    config = workflows.save(tmp_path, {"name": "a", "action": "note", "input": "notes"})
    done = spawn("--config", config, "--actions", "./acts.py", cwd=tmp_path)
    assert done == (0, "OK a: noted\n", "")
    assert (tmp_path / "notes").read_text() == "noted\n"


@pytest.mark.parametrize("options", [(), ("--print-json",)])
def test_no_result_goes_into_a_file_of_an_action(options: tuple[str, ...], tmp_path: Path) -> None:
    """Which may have the number of stdout by then: it is not delivered, and that is told."""
    (tmp_path / "acts.py").write_text(
        "import os\nimport driftflow\n"
        "@driftflow.action\n"
        "def usurp(path):\n"
        "    os.close(1)\n"
        "    assert os.open(path, os.O_WRONLY | os.O_CREAT) == 1\n"
    )
    config = workflows.save(tmp_path, {"action": "usurp", "input": str(tmp_path / "mine")})
    done = spawn("--config", config, "--actions", "./acts.py", *options, cwd=tmp_path)
    said = "error: the output could not be written: an action has closed it\n"
    assert done == (3, "", said)
    assert (tmp_path / "mine").read_text() == ""


def test_a_stderr_that_an_action_has_put_in_place_is_its_own(tmp_path: Path) -> None:
    """What we say goes where it did."""
    (tmp_path / "acts.py").write_text(
        "import os, sys\nimport driftflow\n"
        "@driftflow.action\n"
        "def close(_):\n"
        "    sys.stderr = open(os.devnull, 'w')\n"
        "    sys.stderr.close()\n"
        "    os.close(1)\n"
    )
    config = workflows.save(tmp_path, {"action": "close"})
    said = "error: the output could not be written: an action has closed it\n"
    assert spawn("--config", config, "--actions", "./acts.py", cwd=tmp_path) == (3, "", said)


@pytest.mark.parametrize("command", [("check",), ("plan", "--config"), ("--config",)])
def test_no_command_succeeds_whose_process_ends_as_it_loads_actions(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    """A check in CI would let anything pass."""
    (tmp_path / "acts.py").write_text(ENDINGS)
    config = workflows.save(tmp_path, {"action": "no"})
    done = spawn(*command, config, "--actions", "./acts.py", cwd=tmp_path, environ={"AT_ONCE": "1"})
    said = "error: the process ended unexpectedly: exit status 0\n"
    assert done == (1, "", said)


def test_a_second_signal_is_death_at_once_in_the_middle_of_a_call(tmp_path: Path) -> None:
    """Though Python's lock is held; and the record is closed."""
    (tmp_path / "acts.py").write_text(ENDINGS)
    begun = tmp_path / "begun"
    config = workflows.save(
        tmp_path, {"name": "h", "action": "hold", "input": str(begun)}, flags={"audit": True}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "driftflow", "--config", config, "--actions", "./acts.py"],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(begun.exists)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)  # at once it would count as one
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == -signal.SIGTERM
    records = [
        json.loads(line) for line in (tmp_path / "driftflow.audit.json").read_text().splitlines()
    ]
    assert [record["seq"] for record in records] == [0, 1, 2, 3]
    assert records[2]["error"] == "interrupted; its outcome is unknown"
    assert (records[3]["event"], records[3]["status"]) == ("run_finished", "interrupted")


def test_a_second_signal_closes_the_record_of_built_in_actions_too(tmp_path: Path) -> None:
    """The first one waits for a stdout that nobody reads."""
    steps = [{"name": name, "input": "x" * 60_000} for name in "abc"]
    config = workflows.save(tmp_path, *steps, flags={"audit": True})
    audit = tmp_path / "driftflow.audit.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "driftflow", "--config", config],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
    )
    wait_for(lambda: audit.exists() and audit.read_text().count("step_finished") == 2)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)  # at once it would count as one
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert end_of_record(tmp_path) == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_the_record_is_closed_whatever_kills_the_process(number: int, tmp_path: Path) -> None:
    """A signal that an action has given back to the system, for instance."""
    (tmp_path / "acts.py").write_text(
        "import os, signal\nimport driftflow\n"
        "@driftflow.action\n"
        "def die(number):\n"
        "    if number == signal.SIGTERM:\n"
        "        signal.signal(number, signal.SIG_DFL)\n"
        "    os.kill(os.getpid(), number)\n"
    )
    config = workflows.save(tmp_path, {"action": "die", "input": number}, flags={"audit": True})
    done = spawn("--config", config, "--actions", "./acts.py", cwd=tmp_path)
    assert done.status == -number
    assert end_of_record(tmp_path) == "interrupted"


def begin_to_wait(folder: Path, loaded: str, program: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """A run whose step waits for a file, from the moment that it does."""
    (folder / "acts.py").write_text(
        "import os, signal, time\nimport driftflow\n"
        f"{loaded}\n"
        "@driftflow.action\n"
        "def wait(_):\n"
        "    open('begun', 'w').close()\n"
        "    while not os.path.exists('go'):\n"
        "        time.sleep(0.01)\n"
    )
    workflows.save(folder, {"name": "a", "action": "wait"}, flags={"audit": True})
    process = subprocess.Popen(
        [*program, "-m", "driftflow", "--config", "config.json", "--actions", "./acts.py"],
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.PIPE,
    )
    wait_for((folder / "begun").exists)
    return process


@pytest.mark.parametrize(
    "loaded",
    [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
    ],
)
def test_what_a_file_does_to_signals_as_it_is_loaded_is_undone(loaded: str, tmp_path: Path) -> None:
    """Only what the caller ignores or blocks stays so."""
    process = begin_to_wait(tmp_path, loaded, (sys.executable,))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert end_of_record(tmp_path) == "interrupted"


def test_a_signal_that_the_caller_has_blocked_does_nothing(tmp_path: Path) -> None:
    """As with any other program."""
    block = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); "
    program = (
        sys.executable,
        "-c",
        f"{block}os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])",
    )
    process = begin_to_wait(tmp_path, "", program)
    process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    assert process.communicate(timeout=60)[0] == b"OK a: null\n"
    assert process.returncode == 0
    assert end_of_record(tmp_path) == "ok"


@pytest.mark.parametrize(
    ("flags", "options"),
    [({}, ()), ({"parallel": True}, ("--jobs=2",)), ({}, ("--enforce-timeout",))],
)
def test_orphans_are_waited_for_and_nobody_else(
    flags: dict[str, bool], options: tuple[str, ...], tmp_path: Path
) -> None:
    """In a long run they would use up the numbers; what an action waits for has its end still."""
    (tmp_path / "acts.py").write_text(
        "import os, subprocess, time\n"
        "import driftflow\n"
        "from driftflow.parallel.descendants import list_children, look_at\n"
        "def others():\n"
        "    pids = [*list_children(os.getppid()), *list_children(os.getpid())]\n"
        "    return [look.state for pid in pids if pid != os.getpid() and (look := look_at(pid))]\n"
        "def become(wanted):\n"
        "    until = time.monotonic() + 20\n"
        "    while others() != wanted and time.monotonic() < until:\n"
        "        time.sleep(0.01)\n"
        "    return others() == wanted\n"
        "@driftflow.action\n"
        "def orphan(_):\n"
        "    own = subprocess.Popen(['sh', '-c', 'exit 3'])\n"
        "    for _ in range(9):\n"
        "        os.system('true &')\n"
        "    return [become(['Z']), own.wait(), become([])]\n"
    )
    steps = [{"action": "orphan", "priority": place} for place in range(2)]
    config = workflows.save(tmp_path, *steps, flags=flags, timeout_seconds=60)
    done = spawn("--config", config, "--actions", "./acts.py", *options, cwd=tmp_path)
    assert done == (0, "OK step1: [true,3,true]\nOK step0: [true,3,true]\n", "")


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_process_1_of_a_container_takes_signals_and_waits_for_orphans(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """The system keeps the signals from it that it does not handle, and leaves it the orphans."""
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a container")
    os.mkfifo(tmp_path / "gate")
    (tmp_path / "acts.py").write_text(
        "import glob, os, subprocess, time\n"
        "import driftflow\n"
        "@driftflow.action\n"
        "def wait(_):\n"
        "    subprocess.run(['sh', '-c', 'setsid true & setsid true &'])\n"
        "    time.sleep(0.5)\n"
        "    stats = [open(path).read() for path in glob.glob('/proc/[0-9]*/stat')]\n"
        "    with open('gate', 'w') as gate:\n"
        "        print(os.getpid() > 1, any(') Z' in stat for stat in stats), file=gate)\n"
        "    time.sleep(600)\n"
    )
    config = workflows.save(tmp_path, {"action": "wait"}, flags={"audit": True, **flags})
    words = [sys.executable, "-m", "driftflow", "--config", str(config), "--actions", "./acts.py"]
    process = subprocess.Popen(
        [*inside, *words],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert (tmp_path / "gate").read_text() == "True False\n"
    (child,) = list_children(process.pid)
    os.kill(child, signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (128 + signal.SIGTERM, b"FAIL step0: interrupted\n")
    assert stderr == b"interrupted by SIGTERM\n"


def test_process_1_of_a_container_spares_what_others_have_started_there(tmp_path: Path) -> None:
    """It has their orphans, too: what somebody runs by `docker exec`, say."""
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a container")
    for name in ("ready", "go"):
        os.mkfifo(tmp_path / name)
    steps = [
        {"action": "command", "input": ["sh", "-c", script], "priority": place}
        for place, script in enumerate(["kill -0 $(cat pid)", "echo > ready; read line < go"])
    ]
    words = ["--config", str(workflows.save(tmp_path, *steps))]
    words += ["--actions", "driftflow.packs.process"]
    process = subprocess.Popen(
        [*inside, sys.executable, "-m", "driftflow", *words],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    (tmp_path / "ready").read_text()
    (container,) = list_children(process.pid)
    enter = ["nsenter", f"--target={container}", "--user", "--pid", "--preserve-credentials"]
    leave = "setsid sleep 600 < /dev/null > /dev/null 2>&1 & echo $! > pid"
    subprocess.run([*enter, "sh", "-c", leave], cwd=tmp_path, check=True)
    (tmp_path / "go").write_text("go\n")
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (0, b"OK step1: \nOK step0: \n", b"")


@pytest.mark.parametrize("hold", ["sleep 600 & wait", "kill -STOP $$"])
@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ({}, ()),
        ({"parallel": True}, ()),
        ({}, ("--enforce-timeout",)),
        ({"parallel": True}, ("--enforce-timeout",)),
    ],
)
def test_a_program_that_ends_well_since_it_was_told_to_end_is_no_success(
    flags: dict[str, bool], options: tuple[str, ...], hold: str, tmp_path: Path
) -> None:
    """Half of its output would be taken up by a later run. It cleans up, also if it is stopped."""
    script = f"trap 'touch clean$0; exit 0' TERM; echo half; touch begun$0; {hold}; echo rest"
    steps = [{"action": "command", "input": ["sh", "-c", script, name]} for name in "ab"]
    config = workflows.save(
        tmp_path, *steps, flags={"audit": True, **flags}, timeout_seconds=60, max_attempts=3
    )
    pack = ["--actions", "driftflow.packs.process"]
    process = subprocess.Popen(
        [sys.executable, "-m", "driftflow", "--config", str(config), *pack, *options],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    names = "ab" if flags else "a"
    wait_for(lambda: all((tmp_path / f"begun{name}").exists() for name in names))
    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (-signal.SIGTERM, b"FAIL step0: interrupted\n")
    assert all((tmp_path / f"clean{name}").exists() for name in names)
    audit = tmp_path / "driftflow.audit.json"
    records = [json.loads(line) for line in audit.read_text().splitlines()]
    ended = [record["ok"] for record in records if "ok" in record]
    assert (ended, records[-1]["status"]) == ([False] * len(names), "interrupted")


def test_nothing_outlives_a_program_that_has_succeeded(tmp_path: Path) -> None:
    """One program after the other: also what has left its group, its parent and its environment."""
    hidden = "env -i setsid sh -c 'echo $$ > pid; sleep 600' < /dev/null > /dev/null 2>&1 &"
    script = f"{hidden} while ! test -s pid; do sleep 0.01; done; echo done"
    config = workflows.save(tmp_path, {"action": "command", "input": ["sh", "-c", script]})
    done = spawn("--config", config, "--actions", "driftflow.packs.process", cwd=tmp_path)
    assert done == (0, "OK step0: done\\n\n", "")
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_an_earlier_step_has_left_bears_a_program_that_ends_well(tmp_path: Path) -> None:
    """Also what that starts meanwhile: in its session, or without a parent in a new one."""
    (tmp_path / "acts.py").write_text(
        "import subprocess\n"
        "import driftflow\n"
        "@driftflow.action\n"
        "def leave(_):\n"
        "    subprocess.Popen(['sh', 'leave'], stdout=-3, stderr=-3)\n"
    )
    (tmp_path / "leave").write_text(
        "while ! test -e go; do sleep 0.01; done\n"
        "sleep 600 & echo $! > 1\n"
        "(sleep 600 & echo $! > 2)\n"
        "setsid sh -c 'echo $$ > 3; exec sleep 600' &\n"
        "while ! test -s 3; do sleep 0.01; done\n"
        "touch done\n"
    )
    # By the end of this, the third one has lost its parent.
    marked = "setsid sh -c 'echo $$ > 4; exec sleep 600' < /dev/null > /dev/null 2>&1 &"
    wait = "while ! test -e done -a -s 4; do sleep 0.01; done; sleep 0.1"
    program = ["sh", "-c", f"touch go; {marked} {wait}"]
    config = workflows.save(
        tmp_path, {"action": "leave", "priority": 1}, {"action": "command", "input": program}
    )
    words = ("--actions", "./acts.py", "--actions", "driftflow.packs.process")
    done = spawn("--config", config, *words, cwd=tmp_path)
    *left, ended = [int((tmp_path / name).read_text()) for name in "1234"]
    try:
        assert (done.status, done.stderr) == (0, "")
        assert [gone(pid) for pid in left] == [False] * 3
        assert gone(ended)
    finally:
        for pid in left:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_an_action_that_goes_elsewhere_does_not_move_the_run(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """Its audit, and what lies beside its files, are where they were when it began."""
    (tmp_path / "away").mkdir()
    (tmp_path / "beside.py").write_text("WORD = 'found'\n")
    (tmp_path / "acts.py").write_text(
        "import os\nimport driftflow\n"
        "@driftflow.action\n"
        "def go(folder):\n"
        "    os.chdir(folder)\n"
        "@driftflow.action\n"
        "def late(_):\n"
        "    import beside\n"
        "    return beside.WORD\n"
    )
    config = workflows.save(
        tmp_path,
        {"name": "a", "action": "go", "input": "away", "priority": 1},
        {"name": "b", "action": "late"},
        {"name": "c", "action": "late"},
        flags={"audit": True, **flags},
    )
    done = spawn("--config", config, "--actions", "./acts.py", cwd=tmp_path)
    assert done == (0, "OK a: null\nOK b: found\nOK c: found\n", "")
    last = (tmp_path / "driftflow.audit.json").read_text().splitlines()[-1]
    assert json.loads(last)["status"] == "ok"
    assert [*(tmp_path / "away").iterdir()] == []


def test_what_a_pool_still_does_does_not_keep_a_run_that_a_signal_ends(tmp_path: Path) -> None:
    """The end of its `with` waits for it; the run does not, and its workers end with it."""
    (tmp_path / "acts.py").write_text(
        "import multiprocessing, os, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "import driftflow\n"
        "@driftflow.action\n"
        "def pool(path):\n"
        "    fork = multiprocessing.get_context('fork')\n"
        "    with ProcessPoolExecutor(1, fork) as workers:\n"
        "        workers.submit(time.sleep, 600)\n"
        "        pid = workers.submit(os.getpid)\n"
        "        (worker,) = workers._processes\n"
        "        with open(path, 'w') as file:\n"
        "            file.write(str(worker))\n"
        "        pid.result()\n"
    )
    begun = tmp_path / "begun"
    config = workflows.save(
        tmp_path, {"action": "pool", "input": str(begun)}, flags={"audit": True}
    )
    script = (
        "import sys; from driftflow.running import signals; signals._CLEAN_UP = 0.3\n"
        "from driftflow.__main__ import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "--config", config, "--actions", "./acts.py"],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: begun.exists() and begun.read_text())
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (-signal.SIGTERM, b"FAIL step0: interrupted\n")
    assert stderr == b"interrupted by SIGTERM\n"
    assert gone(int(begun.read_text()))
