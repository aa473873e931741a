"""The rules on a trace, on recorded events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rocverify.checks.support.launch_arguments import Block, Expectation, copies_of, parts_of
from rocverify.checks.support.trace_rules import Call, trace_findings, transfer_evidence, upload_names
from rocverify.device.trace.events import Category, LaunchArgument, TraceEvent
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

X = Block(0x1000, 400, "x")


def arg(name: str, offset: int) -> KernelArg:
    return KernelArg(name=name, offset=offset, size=8, kind="global_buffer")


METADATA = KernelMetadata(
    name="rope_kernel",
    symbol="rope_kernel.kd",
    args=(arg("x", 0), arg("cos", 8), arg("sin.coerce", 16)),
    kernarg_size=24,
    kernarg_align=8,
    lds_bytes=0,
    scratch_bytes=0,
    vgprs=1,
    sgprs=1,
    wavefront_size=32,
    max_workgroup_size=256,
)


def event(category: Category, function: str, **fields: object) -> TraceEvent:
    base = TraceEvent(
        0,
        function,
        category,
        "hipSuccess",
        call_site="kernels/runtime.py:112",
        host_function="uploaded",
        callers=("kernels/rope.py:80 apply_rope_device",),
    )
    return base._replace(**fields)  # type: ignore[arg-type]


def alloc(address: int) -> TraceEvent:
    return event(Category.ALLOC, "hipMalloc", dst=address, bytes=100)


def free(address: int) -> TraceEvent:
    return event(Category.FREE, "hipFree", src=address)


def upload(address: int, size: int = 100) -> TraceEvent:
    return event(Category.H2D, "hipMemcpy", dst=address, src=7, bytes=size)


def download(address: int, size: int = 400) -> TraceEvent:
    return event(Category.D2H, "hipMemcpy", dst=7, src=address, bytes=size)


def launch(*addresses: int, kernel: str = "rope_kernel") -> TraceEvent:
    args = tuple(LaunchArgument("c_void_p", 8, a) for a in addresses or (0x1000, 0x2000, 0x3000))
    return event(Category.LAUNCH, "hipModuleLaunchKernel", kernel=kernel, args=args)


def call(*events: TraceEvent, allow: tuple[str, ...] = ("cos", "sin")) -> Call:
    numbered = [e._replace(seq=i) for i, e in enumerate(events, 1)]
    kernels = {"rope_kernel": METADATA}
    return Call("rope:apply", "rope_kernel", numbered, Expectation({"x": X}), ("x",), kernels, allow)


def messages(*events: TraceEvent, allow: tuple[str, ...] = ("cos", "sin")) -> list[str]:
    return [f.message for f in trace_findings(call(*events, allow=allow))]


TABLES = (alloc(0x2000), upload(0x2000), alloc(0x3000), upload(0x3000))
SYNC = event(Category.SYNC, "hipDeviceSynchronize")


def test_a_clean_trace_has_no_findings() -> None:
    assert messages(*TABLES, launch(), SYNC, free(0x3000), free(0x2000)) == []


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ((), "launched no kernel at all, rope_kernel was expected"),
        ((launch(kernel="other"),), "launched other, rope_kernel was expected"),
        ((launch()._replace(result="hipErrorInvalidValue"),), "launched no kernel at all"),
        (
            (launch()._replace(result="hipErrorInvalidValue"), launch()),
            "returned hipErrorInvalidValue, and rope",
        ),
        ((download(0x1000), launch()), "copies 400 bytes of x from the device to the host before the first"),
        ((launch(), download(0x1000)), "after the last launch"),
        (
            (launch(), download(0x5000, 40), launch()),
            "copies 40 bytes from the device to the host between the",
        ),
        ((launch(), download(0x1000), upload(0x1000, 400)), "sends 400 bytes out again"),
        ((launch(), upload(0x1000, 400)), "uploads 400 bytes into x, the result that lies on the device"),
        ((upload(0x1100), launch()), "into x, the result"),
        ((alloc(0x4000), upload(0x4000), launch()), "uploads 100 bytes that no launch takes as an argument"),
        ((*TABLES, launch(0x5000, 0x2000, 0x3000)), "no launch of rope_kernel was given x"),
        (
            (alloc(0x2000), upload(0x2000), free(0x2000), alloc(0x2000), launch()),
            "no launch takes as an argument",
        ),
        ((launch(), upload(0x2000)), "no launch takes as an argument"),
    ],
)
def test_a_broken_rule_is_named(events: tuple[TraceEvent, ...], message: str) -> None:
    found = messages(*events)
    assert any(message in text for text in found), found


def test_a_status_may_come_back() -> None:
    assert messages(*TABLES, launch(), download(0x5000, 4), SYNC, free(0x3000), free(0x2000)) == []
    assert "copies 4 bytes of x" in messages(*TABLES, launch(), download(0x1000, 4))[0]
    many = [download(0x5000 + 16 * n, 16) for n in range(5)]
    assert "copies 16 bytes from" in messages(*TABLES, launch(), *many)[0]


def test_what_was_copied_on_the_device_is_the_array_too() -> None:
    copied = event(Category.D2D, "hipMemcpyAsync", dst=0x8000, src=0x1000, bytes=400)
    back = event(Category.D2D, "hipMemcpyAsync", dst=0x1000, src=0x9000, bytes=400)
    assert copies_of((copied, back), {"x": X})["x"] == (Block(0x8000, 400, "x"), Block(0x9000, 400, "x"))


def test_parts_of_a_dimension_add_up() -> None:
    def part(count: int) -> TraceEvent:
        return launch()._replace(args=(LaunchArgument("c_uint", 4, count),))

    assert parts_of((part(2), part(3)), ("rows",), {"rows": 5}) == {"rows"}
    assert parts_of((part(2), part(2)), ("rows",), {"rows": 5}) == frozenset()
    assert parts_of((part(5),), ("rows",), {"rows": 5}) == frozenset()


def test_only_named_uploads_are_allowed() -> None:
    (text,) = messages(*TABLES, launch(), allow=("cos",))
    assert "uploads sin (100 bytes), allowed are: cos" in text
    assert len(messages(*TABLES, launch(), allow=())) == 2


def test_a_finding_names_the_function_its_line_and_the_way_to_it() -> None:
    (text, *_) = messages(launch(), download(0x1000))
    assert "uploaded (kernels/runtime.py:112) ← apply_rope_device (kernels/rope.py:80)" in text


def test_queries_that_fail_are_no_errors_that_were_swallowed() -> None:
    query = event(Category.QUERY, "hipPointerGetAttributes")._replace(result="hipErrorInvalidValue")
    stream = event(Category.STREAM, "hipStreamQuery")._replace(result="hipErrorNotReady")
    assert messages(launch(), query, stream) == []


def test_an_upload_into_an_input_of_the_caller_is_told_apart() -> None:
    made = call(launch(), upload(0x9000))
    arrays = {"x": X, "table": Block(0x9000, 100, "table")}
    made = replace(made, expectation=Expectation(arrays))
    assert "into table, the input that lies on the device" in trace_findings(made)[0].message


def test_uploads_are_named_by_the_parameter_they_feed() -> None:
    made = call(*TABLES, launch())
    assert [upload_names(made, e) for e in made.events if e.category is Category.H2D] == [("cos",), ("sin",)]


def test_an_unnamed_parameter_is_named_by_its_position() -> None:
    made = replace(call(*TABLES, launch()), kernels={})
    assert upload_names(made, made.events[1]) == ("argument 2",)


def test_evidence_lists_every_transfer_and_launch_in_order() -> None:
    shown = transfer_evidence(call(*TABLES, launch(), SYNC))
    assert [e.get("launch") or e["what"] for e in shown] == ["cos", "sin", "rope_kernel"]
    assert shown[0]["callers"] == ["kernels/rope.py:80 apply_rope_device"]
