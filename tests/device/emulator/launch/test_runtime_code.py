"""The runtime as bitcode: of every machine, for any CPU; who lacks it is told what to do."""

from __future__ import annotations

from pathlib import Path

import llvmlite.binding as llvm
import pytest

from rocverify.device.emulator.launch import runtime_code
from rocverify.device.emulator.launch.runtime import Runtime
from rocverify.errors import ToolchainError
from rocverify.toolchain.discover import Toolchain


@pytest.fixture(scope="module", params=["x86_64", "aarch64"])
def module(request: pytest.FixtureRequest, toolchain: Toolchain) -> tuple[str, llvm.ModuleRef]:
    level = list(runtime_code.LEVELS[request.param])[-1]
    made = runtime_code.made(toolchain.clang, request.param, [level])
    return request.param, llvm.parse_bitcode(made[level])


@pytest.mark.long
def test_bitcode_has_all_functions_and_names_no_cpu(module: tuple[str, llvm.ModuleRef]) -> None:
    machine, code = module
    defined = {one.name for one in code.functions if not one.is_declaration}
    assert defined >= {*Runtime.functions(), "rt_run", "rt_layout", "rt_san_accesses"}
    assert "target-cpu" not in str(code)
    triple = runtime_code.TRIPLES[machine]
    target = llvm.Target.from_triple(triple).create_target_machine(opt=1)
    assert target.emit_object(code)[:4] == b"\x7fELF"


def test_without_a_wheel_and_without_clang_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_code, "PREBUILT", tmp_path)
    with pytest.raises(ToolchainError) as caught:
        runtime_code.bitcode(None)
    assert "no clang" in caught.value.message
    assert "install clang" in (caught.value.hint or "")


def test_the_levels_of_a_machine_end_with_one_that_every_cpu_has() -> None:
    for levels in runtime_code.LEVELS.values():
        assert list(levels.values())[-1] == ()
    assert runtime_code.level_here() in runtime_code.LEVELS[runtime_code._machine()]
