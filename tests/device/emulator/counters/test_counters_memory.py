"""Segments, bytes and LDS bank conflicts: patterns known by hand, and random ones against a NumPy model
that spreads every access into bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.counters.counting import APERTURES, Prober, counting_machine

ALL = {32: (1 << 32) - 1, 64: (1 << 64) - 1}
LDS_BYTES, DATA_BYTES = 1 << 15, 1 << 16

GLOBAL = {
    "global_load_u8 v20, v[10:11], off": ("load", 1),
    "global_load_b32 v20, v[10:11], off": ("load", 4),
    "global_load_b96 v[20:22], v[10:11], off": ("load", 12),
    "global_load_b128 v[20:23], v[10:11], off": ("load", 16),
    "global_store_b16 v[10:11], v4, off": ("store", 2),
    "global_store_b64 v[10:11], v[4:5], off": ("store", 8),
    "global_atomic_add_u32 v[10:11], v4, off": ("atomic", 4),
    "global_atomic_add_u64 v[20:21], v[10:11], v[4:5], off glc": ("atomic", 8),
}
LDS = {
    "ds_load_u8 v20, v10": ("load", 1),
    "ds_load_u16 v20, v10": ("load", 2),
    "ds_load_b32 v20, v10": ("load", 4),
    "ds_load_b64 v[20:21], v10": ("load", 8),
    "ds_load_b96 v[20:22], v10": ("load", 12),
    "ds_load_b128 v[20:23], v10": ("load", 16),
    "ds_store_b8 v10, v4": ("store", 1),
    "ds_store_b32 v10, v4": ("store", 4),
    "ds_store_b64 v10, v[4:5]": ("store", 8),
    "ds_store_b128 v10, v[4:7]": ("store", 16),
    "ds_add_u32 v10, v4": ("atomic", 4),
    "ds_add_rtn_u64 v[20:21], v10, v[4:5]": ("atomic", 8),
}


@pytest.fixture(scope="module")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    made = counting_machine(toolchain, translations)
    yield made
    made.close()


@pytest.fixture(scope="module")
def prober(machine: Machine, assembler: Assembler) -> Prober:
    return Prober(machine, assembler)


# ---- the model


def active_lanes(lanes: int, active: int) -> list[int]:
    return [lane for lane in range(lanes) if active >> lane & 1]


def model_segments(addresses: list[int], active: int, size: int) -> int:
    lanes = np.array([addresses[lane] for lane in active_lanes(len(addresses), active)], np.int64)
    return len(np.unique((lanes[:, None] + np.arange(size)) // 128))


def model_passes(addresses: list[int], active: int, size: int, kind: str) -> tuple[int, int]:
    """All passes, and those beyond one for each group of lanes."""
    together = {8: 16, 12: 8, 16: 8}.get(size, 32)
    passes = groups = 0
    for first in range(0, len(addresses), together):
        lanes = [lane for lane in active_lanes(len(addresses), active) if first <= lane < first + together]
        if not lanes:
            continue
        touched = {
            (lane if kind == "atomic" else -1, (addresses[lane] + byte) // 4)
            for lane in lanes
            for byte in range(size)
        }
        banks = np.array([dword % 32 for _, dword in touched])
        passes += int(np.bincount(banks).max())
        groups += 1
    return passes, passes - groups


# ---- by hand


@pytest.mark.parametrize(
    ("access", "stride", "passes", "conflicts"),
    [
        ("ds_load_b32 v20, v10", 4, 1, 0),
        ("ds_load_b32 v20, v10", 8, 2, 1),
        ("ds_load_b32 v20, v10", 128, 32, 31),
        ("ds_load_b32 v20, v10", 132, 1, 0),
        ("ds_load_b32 v20, v10", 0, 1, 0),
        ("ds_load_u8 v20, v10", 1, 1, 0),
        ("ds_store_b32 v10, v4", 64, 16, 15),
        ("ds_store_b32 v10, v4", 0, 1, 0),
        ("ds_load_b64 v[20:21], v10", 8, 2, 0),
        ("ds_load_b64 v[20:21], v10", 16, 4, 2),
        ("ds_load_b64 v[20:21], v10", 128, 32, 30),
        ("ds_load_b128 v[20:23], v10", 16, 4, 0),
        ("ds_load_b128 v[20:23], v10", 64, 16, 12),
        ("ds_load_b128 v[20:23], v10", 144, 4, 0),
        ("ds_load_b128 v[20:23], v10", 0, 4, 0),
        ("ds_load_2addr_b32 v[20:21], v10 offset1:1", 8, 4, 2),
        ("ds_load_2addr_b32 v[20:21], v10 offset1:32", 4, 2, 0),
        ("ds_load_2addr_b64 v[20:23], v10 offset1:1", 16, 8, 4),
        ("ds_add_u32 v10, v4", 4, 1, 0),
        ("ds_add_u32 v10, v4", 0, 32, 31),
        ("ds_add_rtn_u64 v[20:21], v10, v[4:5]", 8, 2, 0),
    ],
)
def test_lds_patterns_of_a_wave32(
    prober: Prober, access: str, stride: int, passes: int, conflicts: int
) -> None:
    seen = prober.run(access, [stride * lane for lane in range(32)], ALL[32])
    assert (seen.lds_passes, seen.lds_conflict_passes) == (passes, conflicts)
    assert seen.lds_accesses == (2 if "2addr" in access else 1)
    assert seen.lds_conflict_ratio == conflicts / passes


@pytest.mark.parametrize(
    ("stride", "active", "passes", "conflicts"),
    [
        (4, ALL[64], 2, 0),
        (128, ALL[64], 64, 62),
        (128, 0b11111, 5, 4),
        (128, 1 << 40 | 1 << 50, 2, 1),
        (128, 1 | 1 << 40, 2, 0),
        (4, 0, 0, 0),
    ],
)
def test_lds_patterns_of_a_wave64(
    prober: Prober, stride: int, active: int, passes: int, conflicts: int
) -> None:
    """The halves are served one after the other; lanes that are off ask for nothing."""
    seen = prober.run("ds_load_b32 v20, v10", [stride * lane for lane in range(64)], active)
    assert (seen.lds_passes, seen.lds_conflict_passes) == (passes, conflicts)
    assert seen.lds_load_bytes == 4 * active.bit_count()
    assert seen.lds_accesses == (1 if active else 0)


@pytest.mark.parametrize(
    ("access", "offset", "stride", "active", "segments"),
    [
        ("global_load_b32 v20, v[10:11], off", 0, 4, ALL[32], 1),
        ("global_load_b32 v20, v[10:11], off", 4, 4, ALL[32], 2),
        ("global_load_b32 v20, v[10:11], off", 0, 8, ALL[32], 2),
        ("global_load_b32 v20, v[10:11], off", 0, 128, ALL[32], 32),
        ("global_load_b32 v20, v[10:11], off", 0, 0, ALL[32], 1),
        ("global_load_b32 v20, v[10:11], off", 0, 128, 0b10101, 3),
        ("global_load_b32 v20, v[10:11], off", 126, 256, ALL[32], 64),
        ("global_load_b128 v[20:23], v[10:11], off", 0, 16, ALL[32], 4),
        ("global_store_b64 v[10:11], v[4:5], off", 0, 8, ALL[64], 4),
        ("global_atomic_add_u32 v[10:11], v4, off", 0, 0, ALL[64], 1),
        ("global_load_b32 v20, v[10:11], off", 0, 4, 0, 0),
    ],
)
def test_segments_of_known_patterns(
    prober: Prober, access: str, offset: int, stride: int, active: int, segments: int
) -> None:
    lanes = 64 if active == ALL[64] else 32
    base = aligned(prober) + offset
    seen = prober.run(access, [base + stride * lane for lane in range(lanes)], active)
    assert seen.global_segments == segments
    assert seen.global_bytes == active.bit_count() * GLOBAL[access][1]
    assert seen.transferred_bytes == 128 * segments


def aligned(prober: Prober) -> int:
    return prober.data + -prober.data % 128


def test_flat_accesses_are_told_apart_by_their_apertures(prober: Prober) -> None:
    base = aligned(prober)
    addresses = [base + 4 * lane for lane in range(10)]
    addresses += [APERTURES["lds"] + 128 * lane for lane in range(12)]
    addresses += [APERTURES["scratch"] + 4 * lane for lane in range(10)]
    seen = prober.run("flat_load_b32 v20, v[10:11]", addresses, ALL[32] & ~1)
    assert (seen.global_load_bytes, seen.global_segments, seen.global_accesses) == (36, 1, 1)
    assert (seen.lds_load_bytes, seen.lds_passes, seen.lds_conflict_passes) == (48, 12, 11)
    assert (seen.scratch_load_bytes, seen.scratch_accesses) == (40, 1)
    assert seen.instructions.flat_load == 1
    assert (seen.global_atomic_lanes, seen.lds_atomic_lanes) == (0, 0)


def test_atomics_count_their_lanes(prober: Prober) -> None:
    seen = prober.run("ds_add_u32 v10, v4", [4 * lane for lane in range(32)], 0b111)
    assert (seen.lds_atomic_lanes, seen.lds_atomic_bytes, seen.instructions.lds_atomic) == (3, 12, 1)
    base = aligned(prober)
    seen = prober.run("global_atomic_add_u32 v[10:11], v4, off", [base] * 32, 0b11011)
    assert (seen.global_atomic_lanes, seen.global_atomic_bytes, seen.instructions.global_atomic) == (4, 16, 1)


def test_scratch_bytes(prober: Prober) -> None:
    seen = prober.run("scratch_store_b64 v10, v[4:5], off", [8 * (lane % 4) for lane in range(32)], 0xFF)
    assert (seen.scratch_store_bytes, seen.scratch_accesses, seen.global_bytes) == (64, 1, 0)


# ---- at random


@st.composite
def patterns(draw: st.DrawFn, limit: int, size: int, alignment: int) -> tuple[list[int], int]:
    """Offsets of all lanes and EXEC: strided, scattered over little or much memory, or mostly equal."""
    lanes = draw(st.sampled_from([32, 64]))
    active = draw(
        st.one_of(
            st.integers(0, ALL[lanes]),
            st.just(ALL[lanes]),
            st.integers(0, 64).map(lambda n: ((1 << n) - 1) & ALL[lanes]),
        )
    )
    top = (limit - size) // alignment
    if draw(st.booleans()):
        start, stride = draw(st.integers(0, top)), draw(st.integers(0, 200))
        return [(start + stride * lane) % (top + 1) * alignment for lane in range(lanes)], active
    reach = draw(st.sampled_from([1, 8, 100, top]))
    return [alignment * draw(st.integers(0, min(reach, top))) for _ in range(lanes)], active


@pytest.mark.drawn(3, fast=3)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("access", LDS)
def test_bank_conflicts_against_the_model(prober: Prober, access: str, data: st.DataObject) -> None:
    kind, size = LDS[access]
    offsets, active = data.draw(patterns(LDS_BYTES, size, size if kind == "atomic" else 1))
    seen = prober.run(access, offsets, active)
    assert (seen.lds_passes, seen.lds_conflict_passes) == model_passes(offsets, active, size, kind)
    assert getattr(seen, f"lds_{kind}_bytes") == size * active.bit_count() == seen.lds_bytes


@pytest.mark.drawn(3, fast=3)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("access", GLOBAL)
def test_segments_against_the_model(prober: Prober, access: str, data: st.DataObject) -> None:
    kind, size = GLOBAL[access]
    offsets, active = data.draw(patterns(DATA_BYTES, size, size if kind == "atomic" else 1))
    addresses = [prober.data + offset for offset in offsets]
    seen = prober.run(access, addresses, active)
    assert getattr(seen, f"global_{kind}_segments") == model_segments(addresses, active, size)
    assert getattr(seen, f"global_{kind}_bytes") == size * active.bit_count() == seen.global_bytes
    assert seen.global_segments == getattr(seen, f"global_{kind}_segments")
