"""Native code: the runtime library, and translated kernels through llvmlite's JIT.

Both are cached by content, so that a second process starts with machine code.
"""

from __future__ import annotations

import ctypes
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import llvmlite
import llvmlite.binding as llvm

from rocverify.device.emulator import abi
from rocverify.errors import ToolchainError
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.lowering.program import Translation

SOURCES = Path(__file__).parents[1] / "runtime"
TIMEOUT_S = 120
FLAGS = (
    "-std=c11", "-O3", "-march=native", "-ffreestanding", "-fPIC", "-shared", "-nostdlib",
    "-fvisibility=hidden",
)  # fmt: skip
CODE_LEVEL, QUICK_LEVEL = 1, 0
"""LLVM's level of code generation. What the translator writes leaves nothing for passes on IR to gain, and
level 2 makes no faster code of it. Level 0 takes half of the time and makes the code half as large again: it
is for kernels that were compiled without optimisation, and for long ones."""
LARGE_IR = 8 << 20
"""Bytes of IR (15,000 to 25,000 machine instructions) from which on code is generated at level 0: some of
what level 1 does takes more than linear time in the length of a function."""


@cache
def host_description() -> str:
    """CPU and features that native code is made for, with the version of LLVM that makes it."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.get_host_cpu_name()} {features} llvm{llvm.llvm_version_info} {llvmlite.__version__}"


class Runtime:
    """The compiled runtime (runtime/*.c): `run` is rt_run, and its functions are known to the JIT."""

    _lock = threading.Lock()
    _loaded: Runtime | None = None

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.run = library.rt_run
        self.run.argtypes, self.run.restype = [ctypes.c_void_p], ctypes.c_int
        self.layout = library.rt_layout
        self.layout.argtypes, self.layout.restype = [ctypes.c_uint32], ctypes.c_uint64
        self.accesses = library.rt_san_accesses
        self.accesses.argtypes, self.accesses.restype = [ctypes.c_void_p] * 2 + [ctypes.c_uint64] * 2, None
        for name in self.functions():
            llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)

    @staticmethod
    def functions() -> tuple[str, ...]:
        """The functions that translated code calls, by name."""
        from rocverify.device.emulator.translate.access_forms import LOADS, STORES

        spaces = ("global", "lds", "scratch", "flat")
        return (
            *(f"rt_{space}_load_{name}" for space in spaces for name in LOADS),
            *(f"rt_{space}_store_{name}" for space in spaces for name in STORES),
            *("rt_scalar_load", "rt_atomic_b32", "rt_atomic_b64", "rt_over_limit", "rt_trap", "rt_wmma"),
            *("rt_directed", "rt_buffer_addresses", "rt_buffer_load_rest", "rt_buffer_store_rest"),
            *("rt_scalar_buffer_load", "rt_san_load", "rt_san_store", "rt_san_atomic", "rt_san_scalar_load"),
            *("rt_lds_exchange_two", "rt_lds_exchange_if", "rt_lds_count"),
            *("rt_san_undefined", "rt_san_barrier", "rt_san_fence"),
            *(f"rt_count_{space}" for space in spaces),
        )

    @classmethod
    def load(cls, clang: Path, linker: Path, cache: ContentCache) -> Runtime:
        """The runtime of this process, compiled if it is in no cache.

        Raises ToolchainError with the compiler's words if it cannot be compiled or loaded.
        """
        with cls._lock:
            if cls._loaded is None:
                cls._loaded = cls(_open_library(_library(clang, linker, cache)))
                _check_layout(cls._loaded)
            return cls._loaded

    @classmethod
    def loaded(cls) -> Runtime:
        """The runtime that this process has loaded."""
        assert cls._loaded is not None
        return cls._loaded


def _check_layout(runtime: Runtime) -> None:
    for index, expected in enumerate(abi.LAYOUT):
        if runtime.layout(index) != expected:
            raise ToolchainError(
                f"the runtime's layout {index} is {runtime.layout(index)}, not {expected}",
                where="rocverify/device/emulator/abi.py",
                hint="runtime.h and abi.py have come apart: this is a bug in rocverify",
            )


def _library(clang: Path, linker: Path, cache: ContentCache) -> bytes:
    sources = sorted(SOURCES.glob("*.[ch]"))
    key = digest_of("runtime", host_description(), *FLAGS, *(source.read_bytes() for source in sources))
    return cache.get(key, lambda: _compile(clang, linker, [s for s in sources if s.suffix == ".c"]))


def _compile(clang: Path, linker: Path, sources: list[Path]) -> bytes:
    from rocverify.store.tools import run_tool  # not where it was compiled before

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "runtime.so"
        command = [clang, "-x", "c", *FLAGS, f"--ld-path={linker}", "-o", output, *sources]
        done = run_tool([str(word) for word in command], timeout_s=TIMEOUT_S)
        if done.returncode:
            raise ToolchainError(
                f"{clang.name} cannot compile the emulator's runtime:\n{done.log.strip()}",
                hint="the emulator needs a clang with an x86-64 or AArch64 target",
            )
        return output.read_bytes()


def _open_library(data: bytes) -> ctypes.CDLL:
    """Loads from a private file: what lies in the cache may be replaced while we run."""
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(data)
        file.flush()
        try:
            return ctypes.CDLL(file.name)
        except OSError as error:
            raise ToolchainError(
                f"the emulator's runtime cannot be loaded: {error}",
                hint="is the folder for temporary files mounted noexec? set TMPDIR to another",
            ) from None


class Jit:
    """Compiles LLVM IR to machine code in this process."""

    def __init__(self, cache: ContentCache) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _set_options()
        self._cache = cache
        self._lock = threading.Lock()
        self._machines = {level: _target_machine(level) for level in (CODE_LEVEL, QUICK_LEVEL)}
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machines[CODE_LEVEL])

    def compile(self, key: str, name: str, make: Callable[[], Translation]) -> int:
        """The address of function `name`; `make` translates it if `key` is new."""
        with self._lock:
            data = self._cache.get(digest_of(key, host_description()), lambda: self._object(make()))
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
            self._engine.finalize_object()
            address = int(self._engine.get_function_address(name))
        if not address:
            raise ToolchainError(
                f"the translation of {name} holds no such function", hint="report it as a bug"
            )
        return address

    def _object(self, made: Translation) -> bytes:
        module = llvm.parse_assembly(made.ir)
        _check_calls(module)
        level = QUICK_LEVEL if made.unoptimized or len(made.ir) >= LARGE_IR else CODE_LEVEL
        return bytes(self._machines[level].emit_object(module))


def _check_calls(module: llvm.ModuleRef) -> None:
    """ToolchainError for a call of what nobody provides: the linker would make it a call of address 0."""
    provided = set(Runtime.functions())
    for function in module.functions:
        name = function.name
        if function.is_declaration and not name.startswith("llvm.") and name not in provided:
            raise ToolchainError(
                f"translated code calls {name}, which the runtime does not list",
                where="Runtime.functions in rocverify/device/emulator/launch/native.py",
                hint="report it as a bug in rocverify",
            )


@cache
def _set_options() -> None:
    """Loop strength reduction takes a quarter of the time and gains nothing for loops over strips of lanes,
    whose addresses are base plus scaled index as they are."""
    llvm.set_option("rocverify", "-disable-lsr")


def _target_machine(level: int) -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=level,
        reloc="default",
        codemodel="jitdefault",
        jit=True,
    )
