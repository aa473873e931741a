"""The runtime of this process: machine code of its bitcode, whose functions translated kernels call."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.jit import host_description, target_machine
from rocverify.device.emulator.launch.runtime_code import bitcode, sources_digest
from rocverify.errors import ToolchainError
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of
from rocverify.store.user_folders import user_cache

LEVEL = 2
"""LLVM's level of code generation; what passes on IR do was done when the bitcode was made."""


class Runtime:
    """`run` is rt_run; the functions that translated code calls are known to LLVM's JIT."""

    _lock = threading.Lock()
    _loaded: Runtime | None = None

    def __init__(self, code: bytes) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine(LEVEL))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.run = self._function("rt_run", ctypes.c_int, ctypes.c_void_p)
        self.layout = self._function("rt_layout", ctypes.c_uint64, ctypes.c_uint32)
        addresses = [ctypes.c_uint64] * 2
        self.accesses = self._function("rt_san_accesses", None, ctypes.c_void_p, ctypes.c_void_p, *addresses)
        for name in self.functions():
            llvm.add_symbol(name, self.address(name))

    def address(self, name: str) -> int:
        """Where a function of the runtime lies."""
        address = int(self._engine.get_function_address(name))
        if not address:
            raise ToolchainError(f"the emulator's runtime has no {name}", hint="report it as a bug")
        return address

    def _function(self, name: str, result: Any, *parameters: Any) -> Callable[..., Any]:
        function: Callable[..., Any] = ctypes.CFUNCTYPE(result, *parameters)(self.address(name))
        return function

    @staticmethod
    def functions() -> tuple[str, ...]:
        """The functions that translated code calls, by name."""
        from rocverify.device.emulator.translate.access_forms import LOADS, STORES

        spaces = ("global", "lds", "scratch", "flat")
        return (
            *(f"rt_{space}_load_{name}" for space in spaces for name in LOADS),
            *(f"rt_{space}_store_{name}" for space in spaces for name in STORES),
            *("rt_scalar_load", "rt_atomic_b32", "rt_atomic_b64", "rt_over_limit", "rt_trap", "rt_wmma"),
            *("rt_scalar_load_narrow", "rt_wmma_rdna4", "rt_mfma", "rt_mfma_shadow"),
            *("rt_directed", "rt_buffer_addresses", "rt_buffer_load_rest", "rt_buffer_store_rest"),
            *("rt_scalar_buffer_load", "rt_san_load", "rt_san_store", "rt_san_atomic", "rt_san_scalar_load"),
            *("rt_lds_exchange_two", "rt_lds_exchange_if", "rt_lds_count"),
            *("rt_san_undefined", "rt_san_barrier", "rt_san_wave_barrier", "rt_san_fence"),
            *(f"rt_count_{space}" for space in spaces),
        )

    @classmethod
    def load(cls, clang: Path | None) -> Runtime:
        """The runtime of this process, made if it is not in the user's cache; clang makes its bitcode where
        none was installed. Raises ToolchainError if it cannot be made."""
        with cls._lock:
            if cls._loaded is None:
                cls._loaded = cls(machine_code(clang, ContentCache(user_cache() / "runtime")))
                _check_layout(cls._loaded)
            return cls._loaded

    @classmethod
    def loaded(cls) -> Runtime:
        """The runtime that this process has loaded."""
        assert cls._loaded is not None
        return cls._loaded


def machine_code(clang: Path | None, cache: ContentCache) -> bytes:
    """An object file of the runtime for this CPU."""

    def made() -> bytes:
        return bytes(target_machine(LEVEL).emit_object(llvm.parse_bitcode(bitcode(clang))))

    return cache.get(digest_of(sources_digest(), host_description(), str(LEVEL)), made)


def _check_layout(runtime: Runtime) -> None:
    for index, expected in enumerate(abi.LAYOUT):
        if runtime.layout(index) != expected:
            raise ToolchainError(
                f"the runtime's layout {index} is {runtime.layout(index)}, not {expected}",
                where="rocverify/device/emulator/abi.py",
                hint="runtime.h and abi.py have come apart: this is a bug in rocverify",
            )
