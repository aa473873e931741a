"""Memory, buffers and LDS on RDNA 4: RDNA 3's tests, with this folder's machine and assembler; own loads."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import test_buffer_semantics, test_memory_semantics
from tests.device.emulator.translate.semantics.test_buffer_semantics import (
    test_buffer_atomics as test_buffer_atomics,
)
from tests.device.emulator.translate.semantics.test_buffer_semantics import (
    test_every_buffer_load as test_every_buffer_load,
)
from tests.device.emulator.translate.semantics.test_buffer_semantics import (
    test_every_buffer_store as test_every_buffer_store,
)
from tests.device.emulator.translate.semantics.test_buffer_semantics import (
    test_scalar_buffer_loads as test_scalar_buffer_loads,
)
from tests.device.emulator.translate.semantics.test_lds_semantics import (
    test_counters as test_counters,
)
from tests.device.emulator.translate.semantics.test_lds_semantics import (
    test_global_memory_by_lane as test_global_memory_by_lane,
)
from tests.device.emulator.translate.semantics.test_lds_semantics import (
    test_lds_instruction as test_lds_instruction,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_atomics_on_one_value_a_lane as test_atomics_on_one_value_a_lane,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_loads_of_every_width_and_space as test_loads_of_every_width_and_space,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_scalar_loads as test_scalar_loads,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_stores_of_every_width_and_space as test_stores_of_every_width_and_space,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_two_addresses_at_once as test_two_addresses_at_once,
)
from tests.device.emulator.translate.semantics.test_memory_semantics import (
    test_two_stores_at_once as test_two_stores_at_once,
)

pytestmark = pytest.mark.drawn(6)


def test_three_dwords(machine: Machine, assembler: Assembler) -> None:
    test_memory_semantics.test_scalar_loads(machine, assembler, 96)
    test_buffer_semantics.test_scalar_buffer_loads(machine, assembler, 96)


@pytest.mark.parametrize(("kind", "size"), [("u", 1), ("i", 1), ("u", 2), ("i", 2)])
def test_scalar_loads_of_less_than_a_dword(
    machine: Machine, assembler: Assembler, kind: str, size: int
) -> None:
    """From every byte of a dword, extended with zeros or the sign."""
    kernel, data = test_memory_semantics.Kernel(), bytes(range(0x70, 0x90)) + bytes(4064)
    for offset in range(8, 20):
        kernel.lines += [f"s_load_{kind}{8 * size} s16, s[4:5], {offset}", "s_waitcnt lgkmcnt(0)"]
        kernel.lines.append("v_mov_b32 v30, s16")
        kernel.put("v30")
    seen, _ = kernel.run(machine, assembler, data)
    expected = [
        int.from_bytes(data[at : at + size], "little", signed=kind == "i") & 0xFFFFFFFF for at in range(8, 20)
    ]
    np.testing.assert_array_equal(seen[:, 0], np.array(expected, np.uint32))
