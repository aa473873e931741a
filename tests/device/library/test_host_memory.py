"""What is asked of a waiting thread; host memory that is not there; pinned and registered memory."""

from __future__ import annotations

import os
import signal

import pytest

from rocverify.device.hip.calls import Answer
from rocverify.device.hip.errors import HipError
from tests.device.library.clients import build_c, run_c, run_python
from tests.device.library.fake_device import DEVICE_START, SHARED_START, fake_device

DEVICE = DEVICE_START + 0x1000
MIB = 1 << 20


def reads_all(call, caller):
    """Reads what a copy to the device is of, and keeps its digest as the code's low bits."""
    try:
        data = call.payload if call.inline else caller.read_host(call.args[1], call.args[2])
    except HipError:
        return Answer(1)
    return Answer(0) if data == bytes(i % 251 for i in range(call.args[2])) else Answer(999)


def writes_all(call, caller):
    """Writes what a copy from the device gives."""
    data = bytes(i % 251 for i in range(call.args[2]))
    if call.args[2] <= 100:
        return Answer(payload=data)
    try:
        caller.write_host(call.args[0], data)
    except HipError:
        return Answer(1)
    return Answer(0)


def copies(call, caller):
    """Either of both, by the direction."""
    return reads_all(call, caller) if call.args[3] == 1 else writes_all(call, caller)


SIZES = [1, 100, 32768, 32769, 4 * MIB, 4 * MIB + 1, 21 * MIB + 5]


@pytest.mark.long
def test_copies_of_all_sizes():
    with fake_device(
        {"hipMemcpy": lambda call, caller: (writes_all, reads_all)[call.args[3] == 1](call, caller)}
    ) as device:
        run = run_python(
            f"""
            for size in {SIZES}:
                data = (bytes(range(251)) * (size // 251 + 1))[:size]
                room = ctypes.create_string_buffer(size)
                print(hip.hipMemcpy(pointer({DEVICE}), data, c_size_t(size), 1), end=" ")
                print(hip.hipMemcpy(room, pointer({DEVICE}), c_size_t(size), 2), room.raw == data)
            """,
            device.path,
        )
    assert run.stdout == "0 0 True\n" * len(SIZES), run.stderr
    inline = [call.inline for call in device.only.named("hipMemcpy") if call.args[3] == 1]
    assert inline == [size <= 32768 for size in SIZES]


@pytest.mark.parametrize("size", [8, 40000])
@pytest.mark.parametrize("address", [0, 16, DEVICE])
def test_copies_of_wild_host_pointers_are_refused(address, size):
    with fake_device(
        {"hipMemcpy": lambda call, caller: (writes_all, reads_all)[call.args[3] == 1](call, caller)}
    ) as device:
        run = run_python(
            f"""
            print(hip.hipMemcpy(pointer({DEVICE}), pointer({address}), c_size_t({size}), 1))
            print(hip.hipMemcpy(pointer({address}), pointer({DEVICE}), c_size_t({size}), 2))
            """,
            device.path,
        )
    assert run.stdout == "1\n1\n", run.stderr
    assert len(device.only.named("hipMemcpy")) == 2, "the device process has seen both"


@pytest.mark.parametrize("function", ["hipHostMalloc", "hipMallocManaged"])
def test_pinned_memory_is_the_shared_files(function):
    def allocate(_call, _caller):
        os.pwrite(device.only.backend.shared_file, b"from the device", 8192)
        return Answer(values=(SHARED_START + 8192,))

    def free(_call, _caller):
        assert os.pread(device.only.backend.shared_file, 13, 8192) == b"from the host"
        return Answer(0)

    with fake_device({function: allocate, "hipFree": free, "hipHostFree": free}) as device:
        run = run_python(
            f"""
            p = c_void_p()
            print(hip.{function}(byref(p), c_size_t(5000), 1), hex(p.value), string_at(p, 15))
            ctypes.memmove(p, b"from the host", 13)
            print(hip.{"hipFree" if function == "hipMallocManaged" else "hipHostFree"}(p), flush=True)
            string_at(p, 1)
            """,
            device.path,
        )
    assert run.stdout == f"0 {SHARED_START + 8192:#x} b'from the device'\n0\n"
    assert run.returncode == -signal.SIGSEGV, "freed pages are only addresses again"
    assert "the host read pinned memory that is freed" in run.stderr


def registering(device):
    """Answers that take in registered pages and look at them."""
    offsets = iter(range(0, 1 << 30, MIB))
    seen = {}

    def register(_call, _caller):
        return Answer(values=(next(offsets),))

    def registered(call, _caller):
        address, size, offset = call.args[:3]
        seen[address] = (size, offset)
        return Answer(0)

    def look(_call, _caller):
        ((size, offset),) = seen.values()
        data = os.pread(device().only.backend.shared_file, size, offset)
        at = data.index(b"contents")
        os.pwrite(device().only.backend.shared_file, b"kernel's", offset + at)
        return Answer(0)

    return {"hipHostRegister": register, "rv_host_registered": registered, "hipDeviceSynchronize": look}


def test_registered_memory_keeps_its_contents_both_ways():
    with fake_device(registering(lambda: device)) as device:
        run = run_python(
            """
            room = ctypes.create_string_buffer(20000)
            at = ctypes.addressof(room) + 5001
            ctypes.memmove(at, b"contents", 8)
            print(hip.hipHostRegister(pointer(at), c_size_t(100), 0), string_at(at, 8))
            print(hip.hipDeviceSynchronize(), string_at(at, 8))
            print(hip.hipHostRegister(pointer(at), c_size_t(100), 0))
            print(hip.hipHostUnregister(pointer(at)), string_at(at, 8))
            """,
            device.path,
        )
    assert run.stdout == "0 b'contents'\n0 b\"kernel's\"\n712\n0 b\"kernel's\"\n", run.stderr
    (call,) = device.only.named("hipHostRegister")
    assert call.args[0] % 4096 == 0
    assert call.args[1] % 4096 == 0
    (gone,) = device.only.named("hipHostUnregister")
    assert gone.args == call.args[:1]


STACK = """
#include <stdio.h>
#include <string.h>
int hipHostRegister(void *, unsigned long, unsigned);
int hipHostUnregister(void *);
int hipDeviceSynchronize(void);
int main(void) {
    char room[100] = "contents";
    printf("%d ", hipHostRegister(room, sizeof room, 0));
    printf("%d ", hipDeviceSynchronize());
    printf("%s ", room);
    printf("%d ", hipHostUnregister(room));
    printf("%s", room);
}
"""


def test_memory_of_the_stack_is_registered(tmp_path):
    program = build_c(tmp_path, STACK)
    with fake_device(registering(lambda: device)) as device:
        run = run_c(program, device.path)
    assert (run.returncode, run.stdout) == (0, "0 0 kernel's 0 kernel's")


def test_neighbours_on_one_page_are_registered_each():
    with fake_device(registering(lambda: device)) as device:
        run = run_python(
            """
            room = ctypes.create_string_buffer(b"x" * 40000)
            page = (ctypes.addressof(room) + 4095) // 4096 * 4096
            first, second, third = pointer(page + 100), pointer(page + 5000), pointer(page + 9000)
            print(hip.hipHostRegister(first, c_size_t(6000), 0), end=" ")   # pages 0 and 1
            print(hip.hipHostRegister(second, c_size_t(100), 0), end=" ")   # page 1
            print(hip.hipHostRegister(third, c_size_t(9000), 0), end=" ")   # pages 2 to 4
            print(hip.hipHostRegister(pointer(page), c_size_t(30000), 0))   # pages 0 to 7
            print([hip.hipHostUnregister(p) for p in (first, third, second, pointer(page), first)])
            print(room.raw == b"x" * 40000 + bytes(1))
            """,
            device.path,
        )
    assert run.stdout == "0 0 0 0\n[0, 0, 0, 0, 0]\nTrue\n", run.stderr
    sizes = [call.args[1] // 4096 for call in device.only.named("hipHostRegister")]
    assert sizes == [2, 3, 3]
    assert len(device.only.named("hipHostUnregister")) == 4, "the fifth is the device process's to refuse"


def test_registering_what_is_not_there_is_judged_by_the_device_process():
    with fake_device({"hipHostRegister": lambda *_: Answer(1)}) as device:
        run = run_python("print(hip.hipHostRegister(pointer(4096), c_size_t(100), 0))", device.path)
    assert run.stdout == "1\n", run.stderr


def test_callbacks_and_prints():
    def launch(_call, caller):
        (functions,) = device.only.named("hipMallocPitch")
        caller.print("stdout", "from a kernel\n")
        caller.print("stderr", "its errors\n")
        caller.callback(0, functions.args[0], 0x1234, 0, 0)
        caller.callback(1, functions.args[1], 0x5678, 0x77, 600)
        return Answer(0)

    with fake_device({"hipDeviceSynchronize": launch, "hipMallocPitch": lambda *_: Answer(1)}) as device:
        run = run_python(
            """
            def host(user): print("host function", hex(user), hip.hipFree(None), flush=True)
            def stream(stream, code, user): print("callback", hex(stream), code, hex(user), flush=True)
            one = ctypes.CFUNCTYPE(None, c_void_p)(host)
            two = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p)(stream)
            address = lambda f: c_size_t(ctypes.cast(f, c_void_p).value)
            hip.hipMallocPitch(byref(c_void_p()), byref(c_size_t()), address(one), address(two))
            print(hip.hipDeviceSynchronize())
            """,
            device.path,
        )
    assert run.stdout == "from a kernel\nhost function 0x1234 801\ncallback 0x77 600 0x5678\n0\n", run.stderr
    assert "its errors\n" in run.stderr
    assert "which HIP does not allow" in run.stderr


ACCESS = """
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
int hipDeviceSynchronize(void);
static void theirs(int s) { (void)s; puts("the program's own"); exit(7); }
int main(int argc, char **argv) {
    volatile char *device = (char *)0x700000001000;
    if (argc > 2) signal(SIGSEGV, theirs);
    hipDeviceSynchronize();
    if (argv[1][0] == 'w') device[5] = 1;
    else if (argv[1][0] == 'r') return device[5];
    else return *(volatile char *)16;
}
"""


@pytest.mark.parametrize("how", ["write", "read"])
def test_the_host_touches_device_memory(tmp_path, how):
    answers = {"rv_host_access": lambda call, _: Answer(payload=f"words {call.args}".encode())}
    program = build_c(tmp_path, ACCESS)
    with fake_device(answers) as device:
        run = run_c(program, device.path, how)
        assert device.only.closed.wait(10)
    assert run.returncode == -signal.SIGSEGV
    assert run.stderr == f"rocverify: words {(DEVICE + 5, int(how == 'write'))}\n"
    frames = device.only.site(device.only.named("rv_host_access")[0])
    assert frames[0][3] == "main"


def test_the_programs_own_handler_is_behind_ours(tmp_path):
    program = build_c(tmp_path, ACCESS)
    with fake_device() as device:
        run = run_c(program, device.path, "read", "own")
        other = run_c(program, device.path, "other", "own")
        plain = run_c(program, device.path, "other")
    assert (run.returncode, run.stdout) == (7, "the program's own\n")
    assert "the host read device memory" in run.stderr
    assert (other.returncode, other.stdout, other.stderr) == (7, "the program's own\n", "")
    assert (plain.returncode, plain.stderr) == (-signal.SIGSEGV, "")
