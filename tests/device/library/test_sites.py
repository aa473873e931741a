"""Call sites: native frames, Python's frames, each chain told once."""

from __future__ import annotations

import subprocess

from tests.device.library.clients import build_c, run_c, run_python
from tests.device.library.fake_device import fake_device

CALLS = """
int hipDeviceSynchronize(void);
int hipFree(void *);
__attribute__((noinline)) int inner(void) { return hipDeviceSynchronize() + 1; }
__attribute__((noinline)) int left(void) { return inner() + 1; }
__attribute__((noinline)) int right(void) { return inner() + 1; }
__attribute__((noinline)) int deep(int n) { return n ? deep(n - 1) + 1 : hipDeviceSynchronize(); }
int main(void) {
    for (int i = 0; i < 3; i++) {
        left();
        right();
    }
    hipFree(0);
    hipFree(0);
    deep(30);
}
"""


def test_each_chain_of_callers_has_a_number(tmp_path):
    program = build_c(tmp_path, CALLS, "-O0")
    with fake_device() as device:
        run_c(program, device.path)
    context = device.only
    calls = context.named("hipDeviceSynchronize")
    chains = [[frame[3] for frame in context.site(call)][:3] for call in calls[:6]]
    assert chains == [["inner", "left", "main"], ["inner", "right", "main"]] * 3
    assert len({call.site for call in calls}) == 3
    one, two = context.named("hipFree")
    assert one.site != two.site, "two lines of one function"
    frames = context.site(calls[6])
    assert [frame[3] for frame in frames] == ["deep"] * 12


def test_offsets_are_of_the_call_in_the_elf_file(tmp_path):
    for flags in (["-O2"], ["-O1", "-no-pie"], ["-O2", "-fomit-frame-pointer"]):
        program = build_c(tmp_path, CALLS, *flags)
        with fake_device() as device:
            run_c(program, device.path)
        frame = device.only.site(device.only.named("hipFree")[1])[0]
        assert frame[:2] == ["N", str(program)]
        line = subprocess.run(
            ["addr2line", "-e", frame[1], "0x" + frame[2]], capture_output=True, text=True, check=True
        ).stdout
        assert line.split()[0].endswith("program.c:14")


def test_python_frames():
    with fake_device() as device:
        run = run_python(
            """
            def inner():
                hip.hipDeviceSynchronize()
                hip.hipDeviceSynchronize()
            def outer():
                inner()
            for _ in range(3):
                outer()
            """,
            device.path,
        )
    assert run.stderr == ""
    context = device.only
    calls = context.named("hipDeviceSynchronize")
    assert len({call.site for call in calls}) == 2
    frames = context.site(calls[1])
    assert [(kind, path, name) for kind, path, _, name in frames] == [
        ("P", "<string>", "inner"), ("P", "<string>", "outer"), ("P", "<string>", "<module>"),
    ]  # fmt: skip
    lines = [int(frame[2]) for frame in frames]
    first = int(context.site(calls[0])[0][2])
    assert lines[0] == first + 1
    assert lines[1] == first + 3


def test_a_thread_that_python_does_not_know_has_native_frames(tmp_path):
    program = build_c(
        tmp_path,
        """
        #include <pthread.h>
        int hipDeviceSynchronize(void);
        static void *work(void *none) { hipDeviceSynchronize(); return none; }
        void start(void) {
            pthread_t t;
            pthread_create(&t, 0, work, 0);
            pthread_join(t, 0);
        }
        """,
        "-shared", "-fPIC",
    )  # fmt: skip
    with fake_device() as device:
        run = run_python(f"ctypes.CDLL({str(program)!r}).start()", device.path)
    assert run.stderr == ""
    frames = device.only.site(device.only.named("hipDeviceSynchronize")[0])
    assert frames[0][:2] == ["N", str(program)]
