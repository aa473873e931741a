"""The C compiler that builds our libraries, and what it is called with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import CompilerNotFoundError, ToolchainError

TIMEOUT_S = 120.0
FLAGS = (
    "-std=gnu11", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing",
    "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-Wno-builtin-declaration-mismatch", "-pthread",
)  # fmt: skip
LINK_FLAGS = (
    "-shared", "-pthread", "-Wl,-z,defs", "-Wl,-z,nodelete", "-Wl,-z,relro", "-Wl,-Bsymbolic-functions",
    "-Wl,--build-id=none", "-Wl,--enable-new-dtags",
)  # fmt: skip
STUB_FLAGS = ("-O1", "-g0")
"""Thousands of functions of one line: what takes least time."""
INSTALL_HINT = "install a C compiler: on Debian, apt-get install gcc libc6-dev (or clang-19 lld-19 libc6-dev)"


@dataclass(frozen=True, slots=True)
class CCompiler:
    """A C compiler that can link a shared library; `link_options` are what it needs for that."""

    path: Path
    link_options: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What tells this compiler from another, without running it: path, size and time of its program."""
        stat = self.path.resolve().stat()
        return f"{self.path.resolve()} {stat.st_size} {stat.st_mtime_ns} {' '.join(self.link_options)}"

    def compile(self, source: Path, target: Path, include: Path, flags: Sequence[str] = ()) -> None:
        """Compiles one source; ToolchainError with the compiler's words if it is refused."""
        options = [*FLAGS, *flags, "-I", str(include), "-c", str(source), "-o", str(target)]
        self._run(options, source.name)

    def link(self, objects: Sequence[Path], target: Path, options: Sequence[str]) -> None:
        """Links a shared library."""
        files = [str(path) for path in objects]
        self._run([*LINK_FLAGS, *self.link_options, *files, *options, "-o", str(target)], target.name)

    def _run(self, options: Sequence[str], where: str) -> None:
        from rocverify.store.tools import run_tool  # not where nothing is built

        run = run_tool([str(self.path), *options], timeout_s=TIMEOUT_S)
        if run.returncode:
            words = (run.log or run.output).strip()
            raise ToolchainError(
                f"{self.path.name} could not build rocverify's HIP library:\n{words}",
                where=where,
                hint=f"{INSTALL_HINT}; if one is installed, please report this",
            )


def find_compiler() -> CCompiler:
    """$CC, cc, gcc or clang of the PATH, else the clang of the HIP toolchain.

    Raises CompilerNotFoundError that says what to install.
    """
    named = os.environ.get("CC")
    for name in (*((named,) if named else ()), "cc", "gcc", "clang"):
        if found := shutil.which(name):
            return CCompiler(Path(found))
    from rocverify.toolchain import locate  # seldom needed

    for root in locate.rocm_roots(locate.SEARCH):
        for compiler in locate.rocm_compilers(root):
            return CCompiler(compiler.with_name("clang"), ("-fuse-ld=lld",))
    for compiler in locate.system_compilers(locate.SEARCH):
        return CCompiler(compiler.with_name(compiler.name.replace("++", "")), ("-fuse-ld=lld",))
    raise CompilerNotFoundError("no C compiler to build rocverify's HIP library with", hint=INSTALL_HINT)
