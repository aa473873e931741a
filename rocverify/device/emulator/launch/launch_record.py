"""The launch record that workers read, and what makes a launch impossible."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.family import InitialState
from rocverify.device.emulator.isa.occupancy import resident_workgroups
from rocverify.device.emulator.isa.targets import TARGETS
from rocverify.device.emulator.load.kernarg import Geometry
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.excerpt import Excerpt
from rocverify.device.launch_limits import MULTIPROCESSORS, refusal
from rocverify.errors import DeviceError, UnsupportedInstructionError

DYNAMIC_STACK_BYTES = 16384
"""Scratch per lane for a kernel whose stack the compiler could not bound, as ROCm reserves it."""

SCRATCH_SGPRS = ("private_segment_buffer", "flat_scratch_init")
"""User SGPRs that say where scratch lies. As a buffer it begins at address 0, where nothing else lies."""

MAX_GROUPS = 1 << 63

MAX_RESIDENT_SCRATCH = 1 << 30
"""Bytes of scratch that the workgroups that run at a time may have in all."""


MOST_VGPRS = 256
"""Vector registers of a wave beside AGPRs."""


def refused_user_sgprs(initial: InitialState) -> tuple[str, ...]:
    """What no compiler asks for where waves know their scratch."""
    return () if initial.scratch_descriptor else SCRATCH_SGPRS


def check_launch(kernel: LoadedKernel, geometry: Geometry) -> None:
    """DeviceError for a geometry that no device of the target could run, and for what this one cannot."""
    target, metadata = TARGETS[kernel.module.metadata.target], kernel.metadata
    refused = refusal(
        metadata,
        target.name,
        geometry.grid,
        geometry.block,
        geometry.shared_bytes,
        cooperative=geometry.cooperative,
    )
    problem, scratch = None, _group_scratch(kernel, geometry)
    if refused is not None:
        problem = f"{refused.reason} (HIP gives {refused.error})"
    elif kernel.lanes not in target.wave_sizes:
        problem = f"waves of {kernel.lanes} lanes on {target.name}"
    elif metadata.scratch_bytes > target.scratch_bytes:
        problem = f"{metadata.scratch_bytes} bytes of scratch for a work-item"
    elif geometry.group_count >= MAX_GROUPS:
        problem = f"{geometry.group_count} workgroups"
    elif geometry.cooperative and geometry.group_count * scratch > MAX_RESIDENT_SCRATCH:
        problem = (
            f"{geometry.group_count} workgroups of a cooperative launch with {scratch} bytes of scratch each"
        )
    if problem:
        raise DeviceError(problem, where=kernel.name, hint="correct the launch geometry")


def _group_scratch(kernel: LoadedKernel, geometry: Geometry) -> int:
    """Bytes of scratch that a workgroup has."""
    return scratch_of(kernel) * -(-geometry.block_size // kernel.lanes) * kernel.lanes


def _resident(kernel: LoadedKernel, geometry: Geometry) -> int:
    """How many workgroups of a launch run at a time, at most."""
    if geometry.cooperative:
        return geometry.group_count
    target = kernel.module.metadata.target
    each = resident_workgroups(kernel.metadata, target, geometry.block_size, geometry.shared_bytes)
    scratch = _group_scratch(kernel, geometry)
    bounds = [each * MULTIPROCESSORS, geometry.group_count]
    if scratch:
        bounds.append(MAX_RESIDENT_SCRATCH // scratch)
    return max(min(bounds), 1)


def scratch_of(kernel: LoadedKernel) -> int:
    """Bytes of scratch that a workitem has, a multiple of 16."""
    scratch = kernel.metadata.scratch_bytes
    if kernel.descriptor.uses_dynamic_stack or kernel.metadata.uses_dynamic_stack:
        scratch = max(scratch, DYNAMIC_STACK_BYTES)
    return -(-scratch // 16) * 16


def lds_of(kernel: LoadedKernel, geometry: Geometry) -> int:
    """Bytes of LDS that a workgroup of the launch has: static and dynamic."""
    return kernel.metadata.lds_bytes + geometry.shared_bytes


def excerpt_limit(kernel: LoadedKernel, geometry: Geometry, chosen: Sequence[int] | None) -> int:
    """Instructions that a wave of an excerpt may execute; DeviceError for a launch that is too large."""
    groups = geometry.group_count if chosen is None else len(chosen)
    waves = groups * -(-geometry.block_size // kernel.lanes)
    limit = Excerpt.limit(waves)
    if geometry.cooperative or not limit:
        what = "a cooperative launch" if geometry.cooperative else f"{waves:,} waves"
        raise DeviceError(f"{what} cannot be executed in part", where=kernel.name)
    return limit


def launch_record(
    kernel: LoadedKernel,
    geometry: Geometry,
    compiled: int,
    memory: DeviceMemory,
    instruction_limit: int,
    pointers: dict[str, int],
    chosen: Sequence[int] | None = None,
) -> tuple[abi.Launch, object]:
    """The record, and what must be kept alive while it is in use. `pointers` are the addresses that user
    SGPRs may ask for, by the name of the descriptor's field; `chosen` the workgroups that run (None: all)."""
    descriptor, lanes, initial = kernel.descriptor, kernel.lanes, kernel.family.initial
    table = memory.table()
    numbers = None if chosen is None else (ctypes.c_uint64 * len(chosen))(*chosen)
    launch = abi.Launch(
        ranges=ctypes.addressof(table),
        range_count=len(memory),
        run=compiled,
        code_base=kernel.module.image.base,
        group_count=geometry.group_count if chosen is None else len(chosen),
        chosen=None if numbers is None else ctypes.addressof(numbers),
        grid=geometry.grid,
        block=geometry.block,
        lanes=lanes,
        waves_per_group=-(-geometry.block_size // lanes),
        wave_bytes=abi.VGPR_OFFSET + abi.VGPRS * lanes * 4,
        vgpr_count=_vector_registers(kernel),
        user_sgpr_count=descriptor.user_sgpr_count,
        group_id_mask=initial.group_id_mask(descriptor.group_id_mask),
        id_vgprs=0 if initial.packed_ids else descriptor.workitem_axes,
        scratch_sgpr=initial.scratch_descriptor and descriptor.private_segment,
        lds_bytes=lds_of(kernel, geometry),
        scratch_bytes=scratch_of(kernel),
        instruction_limit=instruction_limit,
        mode=descriptor.initial_mode(initial),
        resident=_resident(kernel, geometry),
        cooperative=geometry.cooperative,
    )
    for index, value in enumerate(_user_sgprs(kernel, pointers)):
        launch.user_sgpr[index] = value
    return launch, (table, numbers)


def _vector_registers(kernel: LoadedKernel) -> int:
    """How many vector registers hold something as a wave starts; with AGPRs, all."""
    return abi.VGPRS if kernel.metadata.agprs else min(max(kernel.metadata.vgprs, 1), MOST_VGPRS)


def _user_sgprs(kernel: LoadedKernel, pointers: dict[str, int]) -> list[int]:
    values: list[int] = []
    for name, count in kernel.descriptor.user_sgprs(kernel.family.initial):
        value = pointers.get(name, kernel.metadata.scratch_bytes if count == 1 else 0)
        if name in refused_user_sgprs(kernel.family.initial):
            raise UnsupportedInstructionError(
                f"the kernel wants {name}", where=kernel.name, hint="run on a GPU (--device amd)"
            )
        values += [value >> 32 * i & 0xFFFFFFFF for i in range(count)]
    if len(values) > 32:
        raise DeviceError(f"{len(values)} user SGPRs", where=kernel.name)
    return values
