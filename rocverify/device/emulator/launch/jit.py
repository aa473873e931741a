"""Translated kernels as machine code, through llvmlite's JIT.

They are cached by content, so that a second process starts with machine code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import llvmlite
import llvmlite.binding as llvm

from rocverify.errors import ToolchainError
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.lowering.program import Translation

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


class Jit:
    """Compiles LLVM IR to machine code in this process."""

    def __init__(self, cache: ContentCache) -> None:
        _set_options()
        self._cache = cache
        self._lock = threading.Lock()
        self._machines = {level: target_machine(level) for level in (CODE_LEVEL, QUICK_LEVEL)}
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
    from rocverify.device.emulator.launch.runtime import Runtime

    provided = set(Runtime.functions())
    for function in module.functions:
        name = function.name
        if function.is_declaration and not name.startswith("llvm.") and name not in provided:
            raise ToolchainError(
                f"translated code calls {name}, which the runtime does not list",
                where="Runtime.functions in rocverify/device/emulator/launch/runtime.py",
                hint="report it as a bug in rocverify",
            )


@cache
def _set_options() -> None:
    """Loop strength reduction takes a quarter of the time and gains nothing for loops over strips of lanes,
    whose addresses are base plus scaled index as they are."""
    llvm.set_option("rocverify", "-disable-lsr")


def target_machine(level: int) -> llvm.TargetMachine:
    """Makes machine code for the CPU that is there, at one of LLVM's levels of code generation."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=level,
        reloc="default",
        codemodel="jitdefault",
        jit=True,
    )
