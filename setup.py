"""What pyproject.toml cannot say: a wheel carries rocverify's HIP library, built here by the C compiler, and
the emulator's runtime as LLVM bitcode, made here by clang.

Without a compiler, or on another machine than Linux on x86-64, the wheel is plain Python, and what is missing
is built at first use. Editable installations build at first use too.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))

from rocverify.device.library_build.build import write_prebuilt
from rocverify.device.library_build.compiler import find_compiler
from rocverify.errors import CompilerNotFoundError
from rocverify.toolchain.locate import SEARCH, clang_for_c


def can_build() -> bool:
    """Whether the library can be built for this machine."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return False
    try:
        find_compiler()
    except CompilerNotFoundError as error:
        print(f"warning: the wheel will not carry the HIP library: {error}", file=sys.stderr)
        return False
    return True


class BuildWithLibrary(build_py):
    """Adds the built library to the package."""

    def run(self) -> None:
        """Builds the package, and what a wheel carries besides."""
        super().run()
        if not self.editable_mode and can_build():
            write_prebuilt(Path(self.build_lib) / "rocverify/device/library/prebuilt")
        clang = None if self.editable_mode else clang_for_c(SEARCH)
        if clang is not None:
            from rocverify.device.emulator.launch import runtime_code  # LLVM, which nothing else needs

            folder = Path(self.build_lib) / "rocverify/device/emulator/runtime/prebuilt"
            runtime_code.write_prebuilt(folder, clang)
        elif not self.editable_mode:
            print("warning: no clang: the wheel will not carry the emulator's runtime", file=sys.stderr)


class PlatformWheel(bdist_wheel):
    """Any Python 3, but one platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """Interpreter, ABI and platform: py3-none, and the platform where there is a library."""
        tag: tuple[str, str, str] = super().get_tag()
        return tag if self.root_is_pure else ("py3", "none", tag[2])


class WithLibrary(Distribution):
    """Of one platform, if the library is built."""

    def has_ext_modules(self) -> bool:
        """Whether the library can be built here."""
        return can_build()


setup(distclass=WithLibrary, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
