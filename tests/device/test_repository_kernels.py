"""This repository's own kernels and wrappers on the emulated GPU, traced: the whole way through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.checks.context import CheckContext
from rocverify.device.trace.events import Category
from rocverify.settings import Settings
from tests.fakes.hip_device import FakeSession
from tests.fakes.in_process import in_process


@pytest.fixture(scope="module")
def session(repo_root: Path, own_cache: Path, toolchain: Any) -> Iterator[FakeSession]:
    assert toolchain
    context = CheckContext(repo_root, Settings(device="emulator", cache_dir=str(own_cache)))
    with in_process(context) as opened:
        yield opened
    context.close()


def rotated(x: np.ndarray, positions: np.ndarray, theta: float = 10_000.0) -> np.ndarray:
    """Half-split rotary embedding in float64, straight from its definition."""
    half = x.shape[-1] // 2
    angle = positions[:, None] * theta ** (-np.arange(half) / half)
    turn = np.exp(1j * angle)[:, None, :]
    z = (x[..., :half] + 1j * x[..., half:]) * turn
    return np.concatenate([z.real, z.imag], axis=-1)


@pytest.mark.parametrize("shape", [(1, 1, 2), (5, 3, 8), (33, 2, 64)])
def test_rope_through_its_wrapper(session: FakeSession, shape: tuple[int, int, int]) -> None:
    hip = session.hip
    x = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    positions = np.arange(shape[0])[::-1].copy()
    _, pointer = hip.hipMalloc(x.nbytes)
    hip.hipMemcpy(pointer, x, x.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
    tensor = pointer.configure(typestr="float32", shape=shape)
    with session.tracer.record() as events:
        session.load("kernels.rope:apply_rope_device")(tensor, positions, max_seq_len=64)
    result = np.empty_like(x)
    hip.hipMemcpy(result, pointer, x.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
    hip.hipFree(pointer)
    assert np.abs(result - rotated(x, positions)).max() < 1e-6
    assert [e.kernel for e in events if e.category is Category.LAUNCH] == ["rope_kernel"]
    assert not [e for e in events if e.category is Category.D2H]
    assert {e.category for e in events} >= {Category.H2D, Category.ALLOC, Category.FREE, Category.SYNC}
    assert all((e.call_site or "").startswith("kernels/") for e in events)


def test_a_pointer_shifted_by_one_element_is_a_fault(session: FakeSession) -> None:
    hip = session.hip
    _, pointer = hip.hipMalloc(2 * 4 * 4)
    tensor = session.load("kernels.tensor:DeviceTensor")(int(pointer) + 4, (2, 1, 4), "float32")
    with pytest.raises(Exception, match="hipErrorIllegalAddress"):
        session.load("kernels.rope:apply_rope_device")(tensor, np.arange(2), max_seq_len=4)
    fault = session.device.last_fault()
    assert fault is not None
    assert fault.kernel == "rope_kernel"
    assert "past the end of" in (fault.allocation or "")
    session.device.clear_fault()
    assert hip.hipFree(pointer)[0].name == "hipSuccess"
