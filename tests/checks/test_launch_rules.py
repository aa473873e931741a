"""Launch arguments and geometry against a kernel's metadata, on recorded events."""

from __future__ import annotations

import pytest

from rocverify.checks.support.launch_arguments import Block, Expectation, argument_findings, live_blocks
from rocverify.checks.support.launch_geometry import geometry_findings, lds_findings
from rocverify.checks.support.wrapper_launch import foreign_code, wrong_kernel
from rocverify.code.shared_memory import SharedAccess
from rocverify.device.trace.events import Category, LaunchArgument, TraceEvent
from rocverify.errors import RocverifyError
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

X, COS, SIN = Block(0x1000, 400, "x"), Block(0x2000, 100, "cos"), Block(0x3000, 100, "sin")
BLOCKS = [X, COS, SIN]


def pointer(name: str, offset: int) -> KernelArg:
    return KernelArg(name=name, offset=offset, size=8, kind="global_buffer", address_space="global")


def value(name: str, offset: int, size: int = 4) -> KernelArg:
    return KernelArg(name=name, offset=offset, size=size, kind="by_value")


METADATA = KernelMetadata(
    name="rope_kernel",
    symbol="rope_kernel.kd",
    args=(
        pointer("x", 0),
        pointer("cos", 8),
        pointer("sin", 16),
        value("seq", 24),
        value("heads", 28),
        value("head_dim", 32),
        KernelArg(offset=40, size=4, kind="hidden_block_count_x"),
    ),
    kernarg_size=296,
    kernarg_align=8,
    lds_bytes=1024,
    scratch_bytes=0,
    vgprs=12,
    sgprs=18,
    wavefront_size=32,
    max_workgroup_size=256,
)
EXPECTED = Expectation({b.name: b for b in BLOCKS}, {"seq": 5, "heads": 4, "head_dim": 10, "theta": 7})


def ptr(address: int) -> LaunchArgument:
    return LaunchArgument("c_void_p", 8, address)


def uint(number: int) -> LaunchArgument:
    return LaunchArgument("c_uint", 4, number)


GOOD = (ptr(0x1000), ptr(0x2000), ptr(0x3000), uint(5), uint(4), uint(10))


def launch(args: tuple[LaunchArgument, ...] | None = GOOD, **changes: object) -> TraceEvent:
    event = TraceEvent(
        9,
        "hipModuleLaunchKernel",
        Category.LAUNCH,
        "hipSuccess",
        kernel="rope_kernel",
        grid=(5, 1, 1),
        block=(32, 4, 1),
        shared_bytes=0,
        args=args,
        call_site="kernels/runtime.py:64",
        host_function="launch",
    )
    return event._replace(**changes)  # type: ignore[arg-type]


def messages(args: tuple[LaunchArgument, ...] | None, expected: Expectation = EXPECTED) -> list[str]:
    return [f.message for f in argument_findings(launch(args), METADATA, expected, BLOCKS)]


def test_right_arguments_have_no_findings() -> None:
    assert messages(GOOD) == []
    assert messages(GOOD, Expectation()) == []


def test_hip_pythons_own_pointers_and_plain_addresses_are_pointers() -> None:
    others = (LaunchArgument("Pointer", 8, 0x1000), LaunchArgument("c_ulong", 8, 0x2000))
    assert messages((*others, *GOOD[2:])) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (GOOD[:-1], "passes 5 arguments to rope_kernel, which takes 6: x (8 bytes), cos (8 bytes)"),
        ((*GOOD, uint(1)), "passes 4 bytes more than the 6 arguments of"),
        ((), "passes 0 arguments"),
        ((*GOOD[:4], GOOD[5], GOOD[4]), "arguments 5 and 6 are swapped: heads and head_dim"),
        ((GOOD[0], GOOD[2], GOOD[1], *GOOD[3:]), "arguments 2 and 3 are swapped: cos and sin"),
        ((*GOOD[:3], GOOD[5], GOOD[4], GOOD[3]), "arguments 4 and 6 are swapped: seq and head_dim"),
        ((*GOOD[:3], uint(4), uint(10), uint(5)), "argument 4 must be seq (5), c_uint(4) was passed"),
        ((GOOD[3], *GOOD[1:3], GOOD[0], *GOOD[4:]), "argument 1 (x) of rope_kernel is a pointer, c_uint was"),
        (
            (*GOOD[:5], ptr(0x1000)),
            "argument 6 (head_dim) of rope_kernel is a value of 4 bytes, a pointer was",
        ),
        ((*GOOD[:5], LaunchArgument("c_ulong", 8, 10)), "has 4 bytes, c_ulong of 8 bytes was passed"),
        ((*GOOD[:5], LaunchArgument("c_float", 4, 10.0)), "argument 6 must be head_dim (10), c_float(10.0)"),
        ((ptr(0), *GOOD[1:]), "argument 1 (x) of rope_kernel is a pointer, null was passed"),
        ((ptr(0x9000), *GOOD[1:]), "0x9000 lies in no live device allocation"),
        ((LaunchArgument("Pointer", 8, None), *GOOD[1:]), "null was passed"),
    ],
)
def test_wrong_arguments_are_named(args: tuple[LaunchArgument, ...] | None, message: str) -> None:
    found = messages(args)
    assert any(message in text for text in found), found
    assert found[0].startswith("launch: ")


def test_arguments_that_cannot_be_seen_are_no_fault() -> None:
    with pytest.raises(RocverifyError, match="packed by hand"):
        messages(None)


def test_the_contracts_order_wins_over_the_compilers_names() -> None:
    order = Expectation(EXPECTED.arrays, EXPECTED.scalars, ("x", "sin", "cos", "seq", "heads", "head_dim"))
    assert messages(GOOD, order) == ["launch: arguments 2 and 3 are swapped: sin and cos"]


def test_values_behind_addresses_are_not_guessed() -> None:
    unseen = tuple(LaunchArgument("Pointer", None, 0x7000 + i) for i in range(6))
    assert all("must be" not in text for text in messages(unseen))


def test_memory_counts_as_live_from_allocation_to_free() -> None:
    def event(seq: int, category: Category, **fields: int) -> TraceEvent:
        return TraceEvent(seq, "f", category, "hipSuccess", **fields)  # type: ignore[arg-type]

    events = [
        event(1, Category.ALLOC, dst=0x10, bytes=4),
        event(2, Category.ALLOC, dst=0x20, bytes=4),
        event(3, Category.FREE, src=0x10),
        event(9, Category.ALLOC, dst=0x30, bytes=4),
        event(4, Category.ALLOC, dst=0x40, bytes=4)._replace(result="hipErrorOutOfMemory"),
    ]
    assert [b.base for b in live_blocks(events, 5, {"x": X})] == [0x1000, 0x20]
    assert [b.base for b in live_blocks(events, 5, {"x": X}, [(0x10, 4), (0x8, 8)])] == [0x8, 0x1000, 0x20]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"block": (32, 9, 1)}, "has 288 work-items, rope_kernel takes at most 256"),
        ({"grid": (0, 1, 1)}, "is empty"),
        ({"block": (0, 1, 1)}, "is empty"),
        ({"grid": (1, 65536, 1)}, "65536 workgroups along y"),
        ({"grid": (2**28, 1, 1), "block": (256, 1, 1)}, "work-items along x"),
        ({"shared_bytes": 64513}, "more than 65536"),
        ({"grid": None}, "cannot be seen"),
    ],
)
def test_impossible_geometry_is_named(changes: dict[str, object], message: str) -> None:
    (finding, *_) = geometry_findings(launch(**changes), METADATA, "gfx1100")
    assert message in finding.message


def test_possible_geometry_is_accepted() -> None:
    assert list(geometry_findings(launch(shared_bytes=64512), METADATA, "gfx1100")) == []


def test_the_right_kernel_of_the_right_code_object() -> None:
    assert wrong_kernel("w", "rope_kernel", [launch()]) == []
    assert "launched no kernel" in wrong_kernel("w", "rope_kernel", [])[0].message
    assert "launched rope_kernel, other was" in wrong_kernel("w", "other", [launch()])[0].message
    assert foreign_code(launch(code_object="ab"), "ab", "rope_kernel") == []
    assert foreign_code(launch(code_object="cd"), "ab", "rope_kernel") != []


ROW = SharedAccess("row[j + 2]", "j < seq", 7, 4, ("+", "seq", 1.0), frozenset({"seq"}))
LANE = SharedAccess("row[threadIdx.x]", "", 8, 8, "threadIdx.x", frozenset())


@pytest.mark.parametrize(
    ("access", "given", "says"),
    [
        (ROW, 28, None),
        (
            ROW,
            27,
            "27 bytes of dynamic LDS; the kernel indexes `row[j + 2]` (j < seq) at k.hip:7, which takes 28",
        ),
        (LANE, 8 * 32, None),
        (LANE, 8 * 32 - 8, "`row[threadIdx.x]` at k.hip:8, which takes 256 (threadIdx.x is 31)"),
        (SharedAccess("row[n]", "", 9, 4, "n", frozenset({"n"})), 0, None),
    ],
)
def test_dynamic_lds_by_the_values_handed_over(access: SharedAccess, given: int, says: str | None) -> None:
    event = launch(shared_bytes=given, block=(32, 1, 1))
    found = [finding.message for finding in lds_findings(event, METADATA, "k.hip", [access])]
    assert len(found) == (says is not None)
    assert says is None or says in found[0]
