"""Memory, buffers and LDS on RDNA 2: the tests of RDNA 3, with this folder's machine and assembler."""

from __future__ import annotations

import pytest

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

pytestmark = pytest.mark.long
