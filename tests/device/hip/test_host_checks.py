"""Mistakes of host code that are found with --sanitize: overwritten uploads, results that nobody waits
for, leaks, handles that have ended, errors that nobody looks at."""

from __future__ import annotations

import pytest

from tests.device.hip.test_host_races import D2H, H2D, N, Program


@pytest.fixture(params=["eager", "lazy", "shuffled"])
def program(request, queued) -> Program:
    return Program(queued(request.param, 5, sanitize=True))


def end(program: Program) -> list[str]:
    """The kinds of findings at the program's end."""
    program.client.answer("rv_bye")
    return sorted(one.kind for one in program.findings(None))


def site(program: Program, back: int = 0) -> str:
    return f"/src/main.cpp:{program.line - back}"


def test_a_program_without_mistakes(program):
    stream, y = program.stream(), program.buffer()
    host = program.client.host.put(bytes(4 * N))
    program.call("hipMemcpyAsync", y, host, 4 * N, H2D, stream)
    program.launch("set", stream, y, 1, N)
    program.call("hipMemcpyAsync", host, y, 4 * N, D2H, stream)
    program.call("hipStreamSynchronize", stream)
    program.call("hipStreamDestroy", stream)
    program.call("hipFree", y)
    assert end(program) == []


@pytest.mark.parametrize("pinned", [True, False])
def test_an_upload_that_is_overwritten_before_somebody_waits(program, pinned):
    client, stream, y = program.client, program.stream(), program.buffer()
    source = program.call("hipHostMalloc", 4 * N, 0) if pinned else client.host.put(bytes(4 * N))
    program.call("hipMemcpyAsync", y, source, 4 * N, H2D, stream)
    made = site(program)
    if pinned:
        client.context.backend.write(source + 8, b"new")
    else:
        client.host.write_host(source + 8, b"new")
    program.call("hipStreamSynchronize", stream)
    (found,) = program.findings("overwritten_upload")
    assert found.site == made
    program.call("hipMemcpyAsync", y, source, 4 * N, H2D, stream)
    program.call("hipStreamSynchronize", stream)
    client.context.backend.write(source, b"later") if pinned else client.host.write_host(source, b"later")
    assert len(program.findings("overwritten_upload")) == 1


def test_an_upload_that_a_host_function_has_seen_done(program):
    client, stream, y = program.client, program.stream(), program.buffer()
    source = client.host.put(bytes(4 * N))
    client.host.callback = lambda *_: client.host.write_host(source, b"new")
    program.call("hipMemcpyAsync", y, source, 4 * N, H2D, stream)
    program.call("hipLaunchHostFunc", stream, 1, 2)
    program.call("hipStreamSynchronize", stream)
    assert program.findings(None) == []


def test_an_upload_of_what_a_host_function_of_the_stream_has_written(program):
    client, stream, y = program.client, program.stream(), program.buffer()
    source = client.host.put(bytes(4 * N))
    client.host.callback = lambda *_: client.host.write_host(source, b"new")
    program.call("hipLaunchHostFunc", stream, 1, 2)
    program.call("hipMemcpyAsync", y, source, 4 * N, H2D, stream)
    program.call("hipStreamSynchronize", stream)
    assert program.findings(None) == []


def test_a_result_that_only_a_free_waits_for(program):
    stream, y = program.stream(), program.buffer()
    host = program.client.host.put(bytes(4 * N))
    program.launch("set", stream, y, 1, N)
    program.call("hipMemcpyAsync", host, y, 4 * N, D2H, stream)
    copied = site(program)
    program.call("hipFree", y)
    freed = site(program)
    assert end(program) == ["missing_synchronize"]
    (found,) = program.findings(None)
    assert (found.site, found.other) == (copied, freed)


def test_a_kernel_that_writes_pinned_memory_and_only_a_free_waits_for(program):
    stream, pinned = program.stream(), program.call("hipHostMalloc", 4 * N, 0)
    program.launch("set", stream, pinned, 1, N)
    launched = site(program)
    program.call("hipHostFree", pinned)
    assert end(program) == ["missing_synchronize"]
    assert program.findings(None)[0].site == launched


def test_a_kernel_on_device_memory_that_only_a_free_waits_for(program):
    y = program.buffer()
    program.launch("set", 0, y, 1, N)
    program.call("hipFree", y)
    assert end(program) == []


def test_work_that_nothing_waits_for(program):
    y = program.buffer()
    program.launch("set", 0, y, 1, N)
    assert end(program) == ["leak", "missing_synchronize"]


def test_memory_that_is_never_freed(program):
    for _ in range(3):
        program.client.ok("hipMalloc", 100, site=program.client.site(99, "P\t/src/main.cpp\t99\tmain"))
    pinned = program.call("hipHostMalloc", 10, 0)
    assert end(program) == ["leak", "leak"]
    first, second = program.findings("leak")
    assert "300 bytes in 3 allocations of hipMalloc" in first.message
    assert first.site == "/src/main.cpp:99"
    assert "hipHostFree" in second.message
    assert pinned


@pytest.mark.parametrize("kind", ["stream", "event"])
def test_a_handle_that_has_ended(program, kind):
    call = {"stream": "hipStreamCreate", "event": "hipEventCreate"}[kind]
    handle = program.call(call)
    program.call({"stream": "hipStreamDestroy", "event": "hipEventDestroy"}[kind], handle)
    ended = site(program)
    used = "hipStreamSynchronize" if kind == "stream" else "hipEventSynchronize"
    number = program.client.site(500, "P\t/src/main.cpp\t500\tmain")
    program.client.fails("hipErrorInvalidHandle", used, handle, site=number)
    (found,) = program.findings(None)
    assert (found.kind, found.site, found.other) == (f"destroyed_{kind}", "/src/main.cpp:500", ended)
    assert used in found.message


def test_an_error_that_nobody_looks_at(program):
    number = program.client.site(500, "P\t/src/main.cpp\t500\tmain")
    program.client.fails("hipErrorInvalidValue", "hipMemcpy", 0, 0, 8, H2D, site=number)
    assert end(program) == ["error_ignored"]
    assert program.findings(None)[0].site == "/src/main.cpp:500"


def test_an_error_that_somebody_looks_at(program):
    program.client.fails("hipErrorInvalidValue", "hipMemcpy", 0, 0, 8, H2D)
    program.client.ok("rv_error_seen")
    assert end(program) == []


def test_nothing_of_this_without_the_sanitizer(queued):
    program = Program(queued("lazy"))
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.launch("set", two, y, 2, N)
    assert end(program) == []


def test_a_copy_that_fails_since_a_kernel_has_faulted_was_waited_for(program):
    y = program.buffer()
    host = program.client.host.put(bytes(4 * N))
    program.launch("set", 0, y + (1 << 32), 1, N)
    assert program.client.answer("hipMemcpy", host, y, 4 * N, D2H).code == 700
    assert end(program) == ["error_ignored", "leak"]
