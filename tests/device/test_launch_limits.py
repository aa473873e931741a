"""What launches are refused, with HIP's error and in words."""

from __future__ import annotations

import pytest

from rocverify.device.launch_limits import Triple, lds_bytes, refusal, refusals
from rocverify.toolchain.code_metadata import KernelMetadata, read_record


def kernel(**fields: int) -> KernelMetadata:
    known = {
        ".name": "k",
        ".symbol": "k.kd",
        ".kernarg_segment_size": 0,
        ".kernarg_segment_align": 8,
        ".group_segment_fixed_size": 1024,
        ".private_segment_fixed_size": 0,
        ".wavefront_size": 32,
        ".sgpr_count": 16,
        ".vgpr_count": 24,
        ".max_flat_workgroup_size": 1024,
    }
    return read_record(KernelMetadata, {**known, **fields})


@pytest.mark.parametrize(
    ("grid", "block", "shared", "error", "words"),
    [
        ((0, 1, 1), (1, 1, 1), 0, "hipErrorInvalidConfiguration", "is empty"),
        ((1, 1, 1), (1, 0, 1), 0, "hipErrorInvalidConfiguration", "is empty"),
        ((1, 65536, 1), (1, 1, 1), 0, "hipErrorInvalidConfiguration", "65536 workgroups along y"),
        ((1, 1, 70000), (1, 1, 1), 0, "hipErrorInvalidConfiguration", "70000 workgroups along z"),
        ((1 << 31, 1, 1), (1, 1, 1), 0, "hipErrorInvalidConfiguration", "along x, at most 2147483647"),
        ((1 << 27, 1, 1), (32, 1, 1), 0, "hipErrorInvalidConfiguration", "4294967296 work-items along x"),
        ((1, 1, 1), (1025, 1, 1), 0, "hipErrorInvalidConfiguration", "has 1025 work-items"),
        ((1, 1, 1), (32, 33, 1), 0, "hipErrorInvalidConfiguration", "has 1056 work-items"),
        ((1, 1, 1), (1, 1, 1), 64513, "hipErrorInvalidValue", "64513 bytes of dynamic LDS and 1024 static"),
    ],
)
def test_what_is_refused(grid: Triple, block: Triple, shared: int, error: str, words: str) -> None:
    refused = refusal(kernel(), "gfx1100", grid, block, shared)
    assert refused is not None
    assert refused.error == error
    assert words in refused.reason


@pytest.mark.parametrize(
    ("grid", "block", "shared"),
    [
        ((1, 1, 1), (1, 1, 1), 64512),
        (((1 << 27) - 1, 65535, 65535), (32, 32, 1), 0),
        ((2**31 - 1, 1, 1), (1, 1, 1024), 0),
    ],
)
def test_the_most_that_is_possible(grid: Triple, block: Triple, shared: int) -> None:
    assert refusal(kernel(), "gfx1100", grid, block, shared) is None


def test_a_kernel_compiled_for_less() -> None:
    refused = refusal(kernel(**{".max_flat_workgroup_size": 256}), "gfx1100", (1, 1, 1), (257, 1, 1))
    assert refused is not None
    assert refused.error == "hipErrorLaunchFailure"
    assert "k takes at most 256" in refused.reason


def test_all_that_is_wrong_is_named() -> None:
    found = list(refusals(kernel(), "gfx1100", (1, 65536, 65536), (2048, 1, 1), 1 << 20))
    assert [one.error for one in found] == ["hipErrorInvalidConfiguration"] * 3 + ["hipErrorInvalidValue"]


def test_a_cooperative_launch_fits_on_the_device() -> None:
    most = 96  # two workgroups of 1024 work-items a WGP
    assert refusal(kernel(), "gfx1100", (most, 1, 1), (1024, 1, 1), cooperative=True) is None
    refused = refusal(kernel(), "gfx1100", (most + 1, 1, 1), (1024, 1, 1), cooperative=True)
    assert refused is not None
    assert refused.error == "hipErrorCooperativeLaunchTooLarge"
    assert (
        refusal(kernel(), "gfx1100", (13, 1, 1), (1024, 1, 1), cooperative=True, compute_units=6) is not None
    )


def test_lds_by_target() -> None:
    assert (lds_bytes("gfx1100"), lds_bytes("gfx950"), lds_bytes("gfx90a")) == (65536, 163840, 65536)
