"""The toolchain that cases are compiled with."""

from __future__ import annotations

import pytest

from rocverify.toolchain.discover import Toolchain
from tests.toolchain.support import find_toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return find_toolchain("clang-19")
