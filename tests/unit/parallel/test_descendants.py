"""What a process has started is found, and ended: with time to clean up, and whatever it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.command import gone, process_environment, wait_for

from driftflow.parallel import descendants
from driftflow.parallel.descendants import (
    claim_orphans,
    end_all,
    find_descendants,
    find_keeper,
    list_children,
    list_earlier,
    look_at,
)

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 0x7FFFFFFF


def adopting(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process that adopts the orphans of what it starts."""
    begin = (
        "import os, subprocess, sys, time\n"
        "from functools import partial\n"
        "from driftflow.parallel.descendants import *\n"
        "adopt_orphans()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{begin}{script}"],
        cwd=folder,
        env=process_environment(),
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )


def test_what_lived_before_is_left_out_with_its_own() -> None:
    """What an earlier attempt has left running, for instance; however soon the next one begins."""
    begin = "while read line; do sleep 600 & done; sleep 600"
    before = list_earlier(os.getpid())
    old = subprocess.Popen(["/bin/sh", "-c", begin], stdin=subprocess.PIPE)
    assert old.stdin is not None
    earlier = list_earlier(os.getpid())
    new = subprocess.Popen(["/bin/sleep", "600"])
    try:
        with old.stdin:
            old.stdin.write(b"go\n")
        wait_for(lambda: len(list_children(old.pid)) == 2)
        same_session = earlier._replace(sessions=frozenset())
        assert find_descendants(os.getpid(), but=same_session) == [new.pid]
        assert {*list_children(old.pid)} < {*find_descendants(os.getpid())}
        assert find_descendants(old.pid, os.getpid()).count(old.pid) == 0
    finally:
        end_all(lambda: find_descendants(os.getpid(), but=before._replace(sessions=frozenset())), 9)
        old.wait()
        new.wait()


def test_who_is_in_a_session_that_was_there_goes_back_to_what_lived_before() -> None:
    """Though its parent is lost; nobody else can get into it."""
    script = "(read line; exec sleep 600) <&0 & exec sleep 600"
    argv = ["/bin/sh", "-c", script]
    old = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
    assert old.stdin is not None
    try:
        with old.stdin:
            wait_for(lambda: list_children(old.pid))
            earlier = list_earlier(os.getpid())
            assert old.pid in earlier.sessions
            look = look_at(old.pid)
            assert look is not None
            assert earlier.has(-1, look._replace(began=-1))
            assert not earlier.has(-1, look._replace(began=-1, session=-1))
            assert not earlier.has(old.pid, look._replace(began=-1, session=-1))
    finally:
        os.killpg(old.pid, signal.SIGKILL)
        old.wait()


def test_a_process_that_has_ended_is_no_longer_found() -> None:
    """Though nobody has waited for it."""
    here = {*find_descendants(os.getpid())}
    process = subprocess.Popen(["/bin/true"])
    wait_for(lambda: (look := look_at(process.pid)) and look.state == "Z")
    assert process.pid in list_children(os.getpid())
    assert {*find_descendants(os.getpid())} == here
    process.wait()
    assert look_at(process.pid) is None
    assert list_children(process.pid) == []


def test_processes_have_time_to_clean_up(tmp_path: Path) -> None:
    """Also one that is stopped. Who does not listen is killed."""
    before = list_earlier(os.getpid())._replace(sessions=frozenset())
    trap = "trap 'sleep 0.1 && echo clean > clean; exit' TERM"
    tidy = subprocess.Popen(["/bin/sh", "-c", f"{trap}; kill -STOP $$; sleep 600"], cwd=tmp_path)
    deaf = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo; sleep 600"], stdout=-1)
    assert deaf.stdout is not None
    with deaf.stdout:
        deaf.stdout.readline()
    wait_for(lambda: (look := look_at(tidy.pid)) and look.state == "T")
    end_all(lambda: find_descendants(os.getpid(), but=before), grace=1)
    assert (tidy.wait(), deaf.wait()) == (0, -signal.SIGKILL)
    assert (tmp_path / "clean").read_text() == "clean\n"


def test_nobody_is_waited_for_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look that finds nothing is not the last: a process may be becoming another program.

    Or its parent is just gone. So it still has its time to clean up.
    """
    looks: list[list[int]] = [[], [NOBODY], [], [NOBODY], [], [], [NOBODY]]
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda *call: sent.append(call))
    end_all(lambda: looks.pop(0), grace=60)
    told = [(NOBODY, signal.SIGTERM), (NOBODY, signal.SIGCONT)]
    assert (sent, looks) == (told, [[NOBODY]])


DEAF = "trap : TERM; while sleep 1; do :; done"


@pytest.mark.parametrize(
    "argv",
    [
        ["setsid", "sleep", "600"],
        ["setsid", "sh", "-c", "sleep 600 & sleep 600 &"],
        ["sh", "-c", f"setsid sh -c '{DEAF}' & setsid sleep 600 &"],
    ],
)
def test_nothing_leaves_the_tree_of_a_process_that_adopts_orphans(
    argv: list[str], tmp_path: Path
) -> None:
    """By a session of its own, without an environment, by the loss of its parent."""
    script = f"""
subprocess.Popen(["env", "-i", "PATH=/usr/bin:/bin", *{argv}])
while not (found := find_descendants(os.getpid())): time.sleep(0.01)
end_all(partial(find_descendants, os.getpid()), 0.1)
print(*found)
"""
    pids = [int(word) for word in adopting(script, tmp_path).stdout.split()]
    assert pids
    assert all(map(gone, pids))


def test_what_forks_and_exits_without_end_is_caught(tmp_path: Path) -> None:
    """Each of its processes lives for a moment only."""
    code = "import os\nwhile not os.fork(): open('alive', 'w').close()"
    script = f"""
subprocess.Popen([sys.executable, '-c', {code!r}], start_new_session=True).wait()
while not os.path.exists('alive'): time.sleep(0.01)
end_all(partial(find_descendants, os.getpid()), 0.1)
os.unlink('alive')
time.sleep(0.3)
print(os.path.exists('alive'), len(find_descendants(os.getpid())))
"""
    assert adopting(script, tmp_path).stdout == "False 0\n"


def test_no_process_is_looked_for_in_the_proc_of_another_system() -> None:
    """Its numbers are others' here: in a container that has that of the system outside."""
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a container")
    script = (
        "import os, subprocess\n"
        "from driftflow.parallel.descendants import *\n"
        "with subprocess.Popen(['cat'], stdin=subprocess.PIPE) as child:\n"
        "    print(os.getpid(), list_children(1), [*list_processes()], look_at(1),"
        " look_at(child.pid))\n"
    )
    done = subprocess.run(
        [*inside, sys.executable, "-c", script],
        env=process_environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "1 [] [] None None\n"


def test_what_began_late_is_told_when_nobody_cleans_up_with_it(tmp_path: Path) -> None:
    """A shell may start the next program of its script just as it is told to end."""
    script = (
        "from driftflow.parallel import descendants\n"
        "argv = ['/bin/sh', '-c', 'trap \"sleep 600 & exit\" TERM; echo; read line']\n"
        "process = subprocess.Popen(argv, stdin=-1, stdout=-1)\n"
        "process.stdout.readline()\n"
        "sent = []\n"
        "def note_and_send(pid, number):\n"
        "    sent.append(number)\n"
        "    os.kill(pid, number)\n"
        "descendants._send = note_and_send\n"
        "end_all(lambda: find_descendants(os.getpid()), 20)\n"
        "print(sent.count(signal.SIGTERM), sent.count(signal.SIGKILL))\n"
    )
    assert adopting(script, tmp_path).stdout == "2 0\n"


def test_a_process_has_a_keeper_if_it_claims_the_orphans_that_its_parent_adopts(
    tmp_path: Path,
) -> None:
    """What it forks has none, for its orphans are not told from others; nor has any other."""
    script = """
keeper = os.getpid()
def fork():
    if os.fork():
        os.wait()
        os._exit(0)
def tell():
    print(find_keeper() == keeper, find_keeper() == 0, flush=True)
claim_orphans()
tell()
fork()
tell()
claim_orphans()
tell()
fork()
tell()
claim_orphans()
tell()
"""
    told = ["False True", "False True", "True False", "False True", "False True"]
    assert adopting(script, tmp_path).stdout.splitlines() == told
    claim_orphans()
    assert find_keeper() == 0


def test_a_grace_is_announced_to_whoever_wants_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """And to nobody, if nobody does."""
    told: list[float] = []
    descendants.announce_grace(1.0)
    monkeypatch.setattr(descendants, "_announce", None)
    descendants.let_grace_be_announced(told.append)
    descendants.announce_grace(2.0)
    assert told == [2.0]
