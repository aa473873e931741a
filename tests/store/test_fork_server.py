"""Processes that a fork server starts: what they are given, how their end is told, and what outlives whom."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rocverify.store import fork_server, forking
from rocverify.store.fork_server import ForkedProcess, ForkServers

COMMAND = """
import importlib.util, json, os, signal, socket, sys, time
spec = importlib.util.spec_from_file_location("forking", sys.argv[1])
forking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(forking)
with open(int(sys.argv[-2])) as file:
    content = file.read()
request = forking.serve(socket.socket(fileno=int(sys.argv[-1])))
if request is None:
    sys.exit()
exec(request.arguments["code"])
"""
"""A server whose processes execute what they are asked to."""

TELL = """
facts = {"environment": dict(os.environ), "folder": os.getcwd(), "content": content, "session": os.getsid(0),
         "pid": os.getpid(), "open": sorted(int(one) for one in os.listdir("/proc/self/fd"))}
os.write(request.files[0], json.dumps(facts).encode())
"""


@pytest.fixture
def servers() -> ForkServers:
    return ForkServers(lambda: ("-P", "-c", COMMAND, str(forking.__file__)), lambda: b"content")


def forked(servers: ForkServers, code: str, *files: int, **more: str) -> ForkedProcess:
    environment = {**os.environ, **more}
    return servers.fork({"code": code}, environment=environment, output=(1, 2), files=files)


def told(servers: ForkServers, **more: str) -> dict[str, Any]:
    """What a process tells of itself."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = forked(servers, TELL, theirs.fileno(), **more)
        facts: dict[str, Any] = json.loads(ours.makefile().read())
    assert process.wait(10) == 0
    assert facts["pid"] == process.pid
    process.let_go()
    return facts


def there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def state_of(pid: int) -> list[str]:
    """What the kernel tells of a process behind its name: its state, its parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def server_of(process: ForkedProcess) -> int:
    return int(state_of(process.pid)[1])


def test_a_process_has_what_was_asked_for_and_nothing_of_its_server(
    servers: ForkServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told(servers, ONLY_FIRST="1")
    monkeypatch.chdir(tmp_path)
    second = told(servers, ONLY_SECOND="2")
    assert (first["content"], second["folder"]) == ("content", str(tmp_path))
    assert first["environment"]["ONLY_FIRST"] == "1"
    assert second["environment"]["ONLY_SECOND"] == "2"
    assert "ONLY_FIRST" not in second["environment"]
    for facts in (first, second):
        assert facts["session"] == facts["pid"]
    # Standard input, output, error, the file asked for, and the folder being listed.
    assert len(second["open"]) <= 5


@pytest.mark.parametrize(
    ("code", "expected"), [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9), ("pass", 0)]
)
def test_how_a_process_ended_is_told(servers: ForkServers, code: str, expected: int) -> None:
    process = forked(servers, code)
    assert process.wait(10) == process.poll() == expected
    assert there(process.pid)  # its number is its own until nobody asks any more
    process.let_go()
    assert told(servers)["pid"] != process.pid
    assert not there(process.pid)


def test_waiting_ends_in_time_and_a_group_is_ended_by_force(servers: ForkServers) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = forked(
            servers, "os.fork()\nos.write(request.files[0], b'.')\ntime.sleep(60)", theirs.fileno()
        )
    with ours:
        assert ours.recv(1) + ours.recv(1) == b".."
        assert process.poll() is None
        with pytest.raises(TimeoutError):
            process.wait(0.05)
        process.kill(group=True)
        assert process.wait(10) == -signal.SIGKILL
        assert ours.recv(1) == b""  # the other one is gone, too
    process.kill()
    process.let_go()


def test_a_server_that_was_killed_is_started_anew(servers: ForkServers) -> None:
    asleep = forked(servers, "time.sleep(60)")
    server = server_of(asleep)
    os.kill(server, signal.SIGKILL)
    assert asleep.wait(10) == -signal.SIGKILL
    assert told(servers)["content"] == "content"
    asleep.let_go()


STOP = "os.kill(os.getppid(), signal.SIGSTOP)\n"


def test_a_server_that_its_process_has_stopped_goes_on(servers: ForkServers) -> None:
    stops = forked(servers, STOP + "time.sleep(1)\nos._exit(7)")
    server = server_of(stops)
    while state_of(server)[0] != "T":
        time.sleep(0.01)
    assert told(servers)["content"] == "content"
    os.kill(server, signal.SIGSTOP)
    assert stops.wait(20) == 7
    stops.let_go()
    servers._started.clear()


def test_a_stopped_server_and_its_processes_end_with_the_one_who_asked() -> None:
    """As where a run is ended by SIGKILL, with nobody left to wake the server."""
    asks = (
        "import os, sys, time\n"
        "from rocverify.store.fork_server import ForkServers\n"
        "servers = ForkServers(lambda: ('-P', '-c', *sys.argv[1:3]))\n"
        "code = sys.argv[3] + 'time.sleep(60)'\n"
        "request = {'environment': dict(os.environ), 'output': (1, 2), 'files': ()}\n"
        "process = servers.fork({'code': code}, **request)\n"
        "server = int(open(f'/proc/{process.pid}/stat').read().rpartition(')')[2].split()[1])\n"
        "while open(f'/proc/{server}/stat').read().rpartition(')')[2].split()[0] != 'T': time.sleep(0.01)\n"
        "print(process.pid, server, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", asks, COMMAND, str(forking.__file__), STOP]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        ended = [os.pidfd_open(int(pid)) for pid in asking.stdout.readline().split()]
        asking.kill()
    for one in ended:
        assert select.select([one], [], [], 20)[0]
        os.close(one)


def test_variables_that_count_at_the_start_have_a_server_of_their_own(servers: ForkServers) -> None:
    hashed = [told(servers, PYTHONHASHSEED=seed)["environment"]["PYTHONHASHSEED"] for seed in ("1", "2", "1")]
    assert hashed == ["1", "2", "1"]
    assert len(servers._started) == 2


def test_a_forked_copy_of_the_asking_process_asks_the_same_server(servers: ForkServers) -> None:
    told(servers)
    pid = os.fork()
    if not pid:
        process = forked(servers, "os._exit(5)")
        os._exit(process.wait(10))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    assert told(servers)["content"] == "content"


def test_a_server_ends_with_those_who_can_ask_it(servers: ForkServers) -> None:
    process = forked(servers, "time.sleep(60)")
    server = server_of(process)
    process.kill()
    process.wait(10)
    process.let_go()
    servers._started.clear()
    assert not there(server)
    assert fork_server._END_S > 1


@pytest.mark.parametrize("ends", ["the one who asked", "the server"])
def test_nothing_outlives_those_who_can_ask(servers: ForkServers, ends: str) -> None:
    """As where a run is ended by SIGKILL: what was forked for it would go on for ever."""
    ours, theirs = socket.socketpair()
    code = "os.write(request.files[0], str(os.getppid()).encode() + b' ')\nwhile True: pass"
    with ours, theirs:
        process = forked(servers, code, theirs.fileno())
        assert process.pid
        server = int(ours.recv(20))
        ended = os.pidfd_open(process.pid)
        if ends == "the server":
            os.kill(server, signal.SIGKILL)
        else:
            process.let_go()
        assert select.select([ended], [], [], 20)[0]
        os.close(ended)
        process.let_go()
    servers._started.clear()
