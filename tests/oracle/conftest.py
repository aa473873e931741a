"""A session on the in-process device, for contracts whose wrappers and kernels the tests write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hip_device import FakeDevice, FakeHip, FakeSession, FakeTracer, Kernel

MakeSession = Callable[..., FakeSession]


@pytest.fixture
def make_session(tmp_path: Path) -> Iterator[MakeSession]:
    """make_session(kernels={symbol: function}, wrappers={"module:name": function}) -> session."""
    with ExitStack() as stack:

        def make(kernels: dict[str, Kernel], wrappers: dict[str, Any]) -> FakeSession:
            device = FakeDevice(FakeHip(kernels))
            tracer = FakeTracer(device)
            stack.enter_context(tracer.install())
            return FakeSession(device, tracer, tmp_path, wrappers)

        yield make
