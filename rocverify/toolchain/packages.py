"""The Debian packages that make a machine without ROCm able to compile HIP kernels.

`scripts/bootstrap.sh` installs the same names; a test holds the two together.
"""

from __future__ import annotations

DEBIAN_COMPILER_VERSIONS = (19, 15)
HEADERS_PACKAGE = "libamdhip64-dev"
DEVICE_LIBRARIES_PACKAGE = "rocm-device-libs"


def compiler_packages(version: int) -> tuple[str, ...]:
    """The compiler, its linker and its disassembler, of one LLVM version."""
    return (f"clang-{version}", f"lld-{version}", f"llvm-{version}")


def debian_packages(version: int = DEBIAN_COMPILER_VERSIONS[0]) -> tuple[str, ...]:
    """Everything that compiling a kernel needs, with the compiler of one LLVM version."""
    return (*compiler_packages(version), DEVICE_LIBRARIES_PACKAGE, HEADERS_PACKAGE)


def install_hint(packages: tuple[str, ...] = debian_packages()) -> str:
    """What to tell someone on whose machine `packages` are missing."""
    return f"install a ROCm SDK, or on Debian: apt-get install {' '.join(packages)}"
