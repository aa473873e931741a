"""The library's connection: made, refused, lost, forked, ended."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rocverify.device.hip.calls import Answer
from rocverify.device.process import protocol
from tests.device.library.clients import build_c, environment, run_c, run_python, start_python
from tests.device.library.fake_device import fake_device


def lines_of_ours(text: str) -> list[str]:
    """What the library said on stderr."""
    return [line for line in text.splitlines() if line.startswith("rocverify: ")]


def test_without_a_device_process_calls_return_no_device_and_say_so_once():
    run = run_python("print(hip.hipDeviceSynchronize(), hip.hipDeviceSynchronize())", None)
    assert run.stdout == "100 100\n"
    assert lines_of_ours(run.stderr) == [
        "rocverify: this is rocverify's HIP library, but no device process is there: "
        "run the program with `rocverify exec`"
    ]


def test_a_program_that_makes_no_call_says_nothing():
    run = run_python("pass", None)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_socket_that_is_gone(tmp_path):
    run = run_python("print(hip.hipDeviceSynchronize())", str(tmp_path / "gone"))
    assert run.stdout == "100\n"
    (line,) = lines_of_ours(run.stderr)
    assert "cannot be reached" in line


def test_a_path_that_no_socket_can_have():
    run = run_python("print(hip.hipDeviceSynchronize())", "/" + "x" * 200)
    assert run.stdout == "100\n"
    (line,) = lines_of_ours(run.stderr)
    assert "107 bytes" in line


@pytest.mark.parametrize(
    ("welcome", "words"),
    [
        ({"magic": 0x56434F52, "version": 99}, "version 99"),
        ({"magic": 7, "version": protocol.numbers()["RV_VERSION"]}, "is not a device process"),
        (
            {
                "magic": 0x56434F52,
                "version": protocol.numbers()["RV_VERSION"],
                "error": 2,
                "words": b"the disk is full",
            },
            "the disk is full",
        ),
    ],
)
def test_a_welcome_that_refuses(tmp_path, welcome, words):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen()

        def refuse() -> None:
            connection, _ = listening.accept()
            connection.recv(4096)
            connection.send(protocol.layout("rv_welcome").pack(**welcome))
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        run = run_python("print(hip.hipDeviceSynchronize(), hip.hipDeviceSynchronize())", path)
        thread.join()
    code = welcome.get("error", 100)
    assert run.stdout == f"{code} {code}\n"
    (line,) = lines_of_ours(run.stderr)
    assert words in line


def test_the_end_is_told():
    with fake_device() as device:
        run = run_python("print(hip.hipDeviceSynchronize())", device.path)
        assert device.only.closed.wait(10)
    assert (run.stdout, run.stderr) == ("0\n", "")
    assert [call.name for call in device.only.calls if call.name != "rv_site"] == [
        "hipDeviceSynchronize",
        "rv_bye",
    ]


def test_the_device_process_ends_between_calls():
    with fake_device() as device:
        client = start_python(
            "print(hip.hipDeviceSynchronize()); input(); print(hip.hipFree(None), hip.hipFree(None))",
            device.path,
        )
        assert client.stdout.readline() == "0\n"
    out, err = client.communicate("\n", timeout=60)
    assert out == "4 4\n"
    assert client.returncode == 0
    (line,) = lines_of_ours(err)
    assert "the device process has ended" in line


SLOW_DEVICE = """
import time
from tests.device.library.fake_device import fake_device

def wait(*_):
    print("called", flush=True)
    time.sleep(60)

with fake_device({"hipDeviceSynchronize": wait}) as device:
    print(device.path, flush=True)
    time.sleep(60)
"""


def test_the_device_process_is_killed_during_a_call():
    server = subprocess.Popen(
        [sys.executable, "-c", SLOW_DEVICE],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    path = server.stdout.readline().strip()
    client = start_python("print(hip.hipDeviceSynchronize(), hip.hipDeviceSynchronize())", path)
    assert server.stdout.readline() == "called\n"
    server.kill()
    server.wait()
    server.stdout.close()
    out, err = client.communicate(timeout=60)
    assert out == "4 4\n"
    assert len(lines_of_ours(err)) == 1
    Path(path).unlink()
    Path(path).parent.rmdir()


def test_each_thread_has_a_connection_of_its_own_which_ends_with_it():
    with fake_device() as device:
        run = run_python(
            """
            def work():
                for _ in range(20):
                    assert hip.hipDeviceSynchronize() == 0
            threads = [threading.Thread(target=work) for _ in range(8)]
            for t in threads: t.start()
            for t in threads: t.join()
            while len(os.listdir("/proc/self/task")) > 1: pass  # Python is done with a thread before it ends
            print(len(os.listdir("/proc/self/fd")))
            hip.hipDeviceSynchronize()
            print(len(os.listdir("/proc/self/fd")))
            """,
            device.path,
        )
    before, after = map(int, run.stdout.split())
    assert after == before + 1, "the main thread's connection is the only new one"
    assert len({call.slot for call in device.only.named("hipDeviceSynchronize")}) == 9
    assert len(device.only.named("hipDeviceSynchronize")) == 161


def test_a_child_of_fork_is_refused_and_the_parent_goes_on():
    with fake_device() as device:
        run = run_python(
            """
            hip.hipDeviceSynchronize()
            child = os.fork()
            if child == 0:
                print(hip.hipDeviceSynchronize(), hip.hipDeviceSynchronize(), flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(hip.hipDeviceSynchronize())
            """,
            device.path,
        )
        assert device.only.closed.wait(10)
    assert run.stdout == "3 3\n0\n"
    (line,) = lines_of_ours(run.stderr)
    assert "forked" in line


def test_a_child_of_fork_that_calls_exec_is_a_client_of_its_own():
    with fake_device() as device:
        run = run_python(
            """
            hip.hipDeviceSynchronize()
            child = os.fork()
            if child == 0:
                os.execv(sys.executable, [sys.executable, "-c",
                    "import ctypes; print(ctypes.CDLL('libamdhip64.so.7').hipDeviceSynchronize())"])
            os.waitpid(child, 0)
            """,
            device.path,
        )
    assert run.stdout == "0\n"
    assert len(device.contexts) == 2


def test_a_child_that_outlives_its_parent_does_not_keep_it_alive():
    with fake_device() as device:
        client = start_python(
            """
            import time
            hip.hipDeviceSynchronize()
            if os.fork() == 0:
                os.close(0), os.close(1), os.close(2)
                time.sleep(30)
            os._exit(0)
            """,
            device.path,
        )
        client.communicate(timeout=60)
        assert device.only.closed.wait(10)


def test_requests_are_in_order_when_the_ring_is_full(tmp_path):
    program = build_c(
        tmp_path,
        """
        #include <stdint.h>
        int rv_post(int, const uint64_t *, unsigned, const void *, uint32_t, unsigned);
        int hipDeviceSynchronize(void);
        static char payload[5000];
        int main(void) {
            for (uint64_t i = 0; i < 2000; i++)
                if (rv_post(2, &i, 1, payload, i % sizeof payload, 0)) return 1;
            return hipDeviceSynchronize();
        }
        """,
    )
    with fake_device() as device:
        assert run_c(program, device.path).returncode == 0
    posted = device.only.named(protocol.calls()[2])
    assert [call.args for call in posted] == [(i,) for i in range(2000)]
    assert all(len(call.payload) == i % 5000 for i, call in enumerate(posted))


def test_a_full_ring_of_a_device_process_that_is_stopped_is_noticed():
    stuck = threading.Event()

    def block(*_):
        stuck.wait(60)

    with fake_device({"hipLaunchHostFunc": block}) as device:
        client = start_python(
            """
            args = (c_uint64 * 2)(1, 2)
            number = int(sys.stdin.readline())
            codes = [hip.rv_post(number, args, 2, b"x" * 30000, 30000, 0) for _ in range(60)]
            print(codes[-1])
            """,
            device.path,
        )
        client.stdin.write(f"{protocol.calls().index('hipLaunchHostFunc')}\n")
        client.stdin.flush()
        while not device.contexts or not device.only.calls:
            pass
        device.server.sessions[0].ring.stop()
        out, err = client.communicate(timeout=60)
        stuck.set()
    assert out == "4\n"
    assert len(lines_of_ours(err)) == 1


def test_attach_and_detach():
    with fake_device() as one, fake_device() as two:
        run = run_python(
            f"""
            print(hip.hipDeviceSynchronize())
            print(hip.rv_attach({two.path!r}.encode(), 0), hip.hipFree(None))
            print(hip.rv_attach(b"/nowhere", 0), hip.hipFree(None))
            print(hip.rv_detach(), hip.hipDeviceSynchronize())
            """,
            one.path,
        )
        assert [context.closed.wait(10) for context in [*one.contexts, *two.contexts]] == [True] * 3
    assert run.stdout == "0\n0 0\n100 100\n0 0\n"
    assert [call.name for call in two.only.calls if call.name != "rv_site"] == ["hipFree", "rv_bye"]


def test_addresses_that_are_taken(tmp_path):
    program = build_c(
        tmp_path,
        """
        #include <stdio.h>
        #include <sys/mman.h>
        int hipDeviceSynchronize(void);
        int main(void) {
            mmap((void *)0x700000001000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            printf("%d\\n", hipDeviceSynchronize());
        }
        """,
    )
    with fake_device() as device:
        run = run_c(program, device.path)
    assert run.stdout == "205\n"
    (line,) = lines_of_ours(run.stderr)
    assert "cannot be reserved" in line


def test_an_address_space_limit():
    with fake_device() as device:
        run = subprocess.run(
            ["bash", "-c", f"ulimit -v 4000000; exec {sys.executable} -c \"import ctypes; "
             "print(ctypes.CDLL('libamdhip64.so.7').hipDeviceSynchronize())\""],
            env=environment(device.path), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert run.stdout == "205\n"
    assert "ulimit -v" in lines_of_ours(run.stderr)[0]


def test_errors_are_the_threads_last_error():
    with fake_device({"hipDeviceSynchronize": lambda *_: Answer(719)}) as device:
        run = run_python(
            """
            print(hip.hipDeviceSynchronize(), hip.hipPeekAtLastError())
            def other(): print(hip.hipPeekAtLastError())
            t = threading.Thread(target=other); t.start(); t.join()
            print(hip.hipGetLastError(), hip.hipGetLastError())
            """,
            device.path,
        )
    assert run.stdout == "719 719\n0\n719 0\n"
