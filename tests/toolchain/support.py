"""Small projects and kernels for the toolchain's tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.locate import SEARCH, rocm_compilers, rocm_roots
from rocverify.toolchain.manifest import ManifestEntry

# Without HIP's own headers a compilation takes a tenth of a second instead of one.
BARE = ("-nogpuinc", "-nogpulib")
BARE_KERNEL = """\
extern "C" __attribute__((global)) void fill(float* x, int n) {
  if (n > 0) x[__builtin_amdgcn_workitem_id_x()] = VALUE;
}
"""

# Asked before any test points the search elsewhere.
ROCM_IS_HERE = any(True for root in rocm_roots(SEARCH) for _ in rocm_compilers(root))


def find_toolchain(name: str) -> Toolchain:
    """The toolchain of one compiler, which this suite requires.

    Only where a real ROCm is installed, and nothing is fetched from the distribution, may it be absent.
    """
    try:
        return Toolchain.discover(Settings(), prefer=name)
    except CompilerNotFoundError as error:
        if ROCM_IS_HERE:
            pytest.skip(f"a real ROCm is installed and {name} is not")
        pytest.fail(f"the test suite needs {name} (run scripts/bootstrap.sh test): {error}")


@dataclass(frozen=True)
class Project:
    """A temporary project with one kernel source, `kernels/k.hip`."""

    root: Path
    toolchain: Toolchain

    @property
    def cache(self) -> Path:
        return self.root / ".rocverify/cache"

    def builder(self) -> Builder:
        """A builder as a new process would make it: nothing remembered but the cache."""
        return Builder(self.root, self.toolchain, self.cache)

    def write(self, name: str, text: str) -> Path:
        """Writes a source, dated back: one as new as its compilation would count as changing under it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        then = path.stat().st_mtime_ns - 10_000_000_000
        os.utime(path, ns=(then, then))
        return path

    def entry(self, *flags: str, source: str = "kernels/k.hip") -> ManifestEntry:
        return ManifestEntry(source, ("fill",), "K_HSACO", flags=flags, line=4)
