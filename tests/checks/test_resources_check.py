"""resources: limits on what a code object takes, and the occupancy that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.base import Outcome
from rocverify.checks.registry import CHECKS
from rocverify.device.emulator.isa.occupancy import occupancy
from rocverify.errors import SourceError, ToolchainError
from rocverify.records import CheckVerdict
from rocverify.toolchain.code_metadata import KernelMetadata, read_record
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]
BARE = 'flags = ["-O3", "-nogpuinc", "-nogpulib"]\n'
MANIFEST = '[[kernel]]\nsource = "kernels/k.hip"\nsymbols = ["lean", "greedy"]\nenv = "K"\n' + BARE
# `lean` writes one value a lane; `greedy` keeps 8 KiB of LDS and an array that cannot live in registers.
SOURCE = """\
#define LDS __attribute__((shared))
#define KERNEL extern "C" __attribute__((global)) void
KERNEL lean(float* x) { x[__builtin_amdgcn_workitem_id_x()] = 1.0f; }
KERNEL __attribute__((amdgpu_flat_work_group_size(256, 256))) greedy(float* x, const int* at, int n) {
  static LDS float tile[2048];
  volatile float kept[64];
  unsigned lane = __builtin_amdgcn_workitem_id_x();
  for (int i = 0; i < n; ++i) { kept[at[i] & 63] = x[i]; tile[(lane + i) & 2047] = x[i]; }
  __builtin_amdgcn_s_barrier();
  x[lane] = kept[at[n] & 63] + tile[at[lane] & 2047];
}
"""
RAW: dict[str, Any] = {"source": "kernels/rope.hip", "symbols": ["rope_kernel"]}


@pytest.fixture
def check(project: Make) -> Callable[..., Outcome]:
    made = project({"kernels/kernels.toml": MANIFEST, "kernels/k.hip": SOURCE})
    return lambda **params: made.check("resources", **{"source": "kernels/k.hip", **params})


def test_within_the_limits(check: Callable[..., Outcome]) -> None:
    limits = {
        "vgprs": 16,
        "sgprs": 32,
        "lds_bytes": 0,
        "spills": 0,
        "scratch_bytes": 0,
        "min_occupancy_waves": 16,
    }
    outcome = check(symbols=["lean"], limits=limits)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    row = outcome.evidence["targets"]["gfx1100"]["kernels"]["lean"]
    assert row["occupancy"]["waves"] == 16
    assert "vgprs 16, sgprs 32, lds_bytes 0, spills 0" in outcome.message


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"vgprs": 1}, r"greedy takes \d+ VGPRs on gfx1100, at most 1 are allowed"),
        ({"sgprs": 1}, r"greedy takes \d+ SGPRs on gfx1100, at most 1"),
        ({"lds_bytes": 8191}, r"greedy takes 8192 bytes of LDS on gfx1100, at most 8191"),
        ({"scratch_bytes": 255}, r"greedy takes (25[6-9]|2[6-9]\d) bytes of scratch on gfx1100, at most 255"),
    ],
)
def test_beyond_a_limit(check: Callable[..., Outcome], limits: dict[str, int], said: str) -> None:
    outcome = check(symbols=["greedy"], limits=limits)
    assert outcome.verdict is CheckVerdict.FAILED
    assert outcome.hint is not None
    assert outcome.hint.startswith("use fewer registers or less LDS")
    import re

    assert re.match(said, outcome.message)


def test_all_kernels_of_the_manifest_are_looked_at(check: Callable[..., Outcome]) -> None:
    outcome = check(limits={"lds_bytes": 0})
    assert [f.kernel for f in outcome.findings] == ["greedy"]
    assert set(outcome.evidence["targets"]["gfx1100"]["kernels"]) == {"lean", "greedy"}


def test_a_kernel_that_is_not_there_fails(check: Callable[..., Outcome]) -> None:
    outcome = check(symbols=["gone"], limits={"vgprs": 256})
    assert "has no gone: it has greedy, lean" in outcome.message


def test_a_source_that_the_manifest_lacks_is_a_gap(check: Callable[..., Outcome]) -> None:
    with pytest.raises(SourceError, match=r"has no entry for kernels/other\.hip"):
        check(source="kernels/other.hip", limits={"vgprs": 256})


def test_an_occupancy_that_nobody_can_compute_decides_nothing(check: Callable[..., Outcome]) -> None:
    with pytest.raises(ToolchainError, match="occupancy on gfx904 is not known"):
        check(symbols=["lean"], limits={"min_occupancy_waves": 1}, targets=["gfx904"])
    assert check(symbols=["lean"], limits={"vgprs": 64}, targets=["gfx90a"]).verdict is CheckVerdict.PASSED


def test_a_contract_shows_how_the_kernel_is_launched(rope: Project) -> None:
    params = {**RAW, "contract": "kernels.contracts.rope:Rope", "limits": {"min_occupancy_waves": 8}}
    outcome = rope.check("resources", **params, dims={"heads": 3, "head_dim": 64})
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    row = outcome.evidence["targets"]["gfx1100"]["kernels"]["rope_kernel"]
    assert row["occupancy"]["workgroup"] == 128  # 32 pairs in x, and heads up to a power of two in y
    other = rope.check("resources", **{**params, "symbols": ["rope_interleaved_kernel"]})
    assert "Rope does not launch rope_interleaved_kernel" in other.message


@dataclass
class Case:
    """Registers, work-items and LDS, and the waves that a SIMD holds by AMD's own tables."""

    vgprs: int
    workgroup: int
    lds: int
    waves: float
    by: str
    target: str = "gfx1100"
    wave: int = 32
    wgp: int | None = 1


@pytest.mark.parametrize(
    "case",
    [
        # Of 1536 VGPRs in blocks of 24, 96 allow 16 waves and 97 only 12.
        Case(96, 256, 0, 16, "nothing"),
        Case(97, 256, 0, 12, "VGPRs"),
        Case(256, 256, 0, 5, "VGPRs"),
        Case(128, 256, 0, 10, "VGPRs"),
        # Of 1024 in blocks of 16 as gfx1102 has them, 64 allow 16 and 65 only 12.
        Case(64, 256, 0, 16, "nothing", target="gfx1102"),
        Case(65, 256, 0, 12, "VGPRs", target="gfx1102"),
        # A wave64 takes two lanes' worth: half as many, in blocks of 12.
        Case(48, 256, 0, 16, "nothing", wave=64),
        Case(49, 256, 0, 12, "VGPRs", wave=64),
        # 128 KiB of LDS in a WGP: two workgroups of eight waves with 64 KiB, on four SIMDs.
        Case(24, 256, 65536, 4, "LDS"),
        Case(24, 32, 65536, 0.5, "LDS"),
        Case(24, 256, 32769, 6, "LDS"),
        # In CU mode one half has 64 KiB and two SIMDs.
        Case(24, 256, 65536, 4, "LDS", wgp=0),
        # A workgroup of 1024 is 32 waves, two of which fill the 64 slots of a WGP; 768 leave some empty.
        Case(24, 1024, 0, 16, "nothing"),
        Case(24, 768, 0, 12, "workgroup size"),
        # MI200: 512 VGPRs of 64 lanes in blocks of 8, eight waves; MI100: 256 in blocks of 4, ten.
        Case(128, 256, 0, 4, "VGPRs", target="gfx90a", wave=64),
        Case(64, 256, 0, 8, "nothing", target="gfx942", wave=64),
        Case(28, 256, 0, 9, "VGPRs", target="gfx908", wave=64),
        # 64 KiB of LDS in a compute unit; on MI350 160, in blocks of 1280 bytes.
        Case(24, 256, 32768, 2, "LDS", target="gfx942", wave=64),
        Case(24, 256, 32768, 4, "LDS", target="gfx950", wave=64),
        # Of workgroups with more than one wave a WGP holds 32.
        Case(24, 64, 0, 16, "nothing"),
        Case(24, 32, 0, 16, "nothing", wgp=None),
    ],
)
def test_waves_of_a_simd(case: Case) -> None:
    kernel = read_record(
        KernelMetadata,
        {
            ".name": "k", ".symbol": "k.kd", ".kernarg_segment_size": 0, ".kernarg_segment_align": 8,
            ".group_segment_fixed_size": 0, ".private_segment_fixed_size": 0, ".vgpr_count": case.vgprs,
            ".sgpr_count": 16, ".wavefront_size": case.wave, ".max_flat_workgroup_size": 1024,
            ".workgroup_processor_mode": case.wgp,
        },
    )  # fmt: skip
    held = occupancy(kernel, case.target, workgroup=case.workgroup, lds_bytes=case.lds)
    assert (held.waves, held.limited_by) == (case.waves, case.by)


@pytest.mark.parametrize(
    "params", [{"limits": {}}, {"limits": {"vgpr": 3}}, {"limits": {"vgprs": 3}, "dims": {"n": 3}}]
)
def test_parameters_that_limit_nothing_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECKS["resources"].params(source="k.hip", **params)
