"""What a project under verification may have hipRTC compile: listed flags, headers of its own and the
system's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.device.hip.rtc.gate import RtcGate
from rocverify.device.hip.rtc.program import RtcProgram, RtcResult, compile_program
from rocverify.settings import Settings
from rocverify.toolchain.discover import Toolchain

SOURCE = b'extern "C" __global__ void k(int *x) { *x = 1; }'


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.discover(Settings())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project/include").mkdir(parents=True)
    (tmp_path / "project/include/own.h").write_text("#define OWN 1\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.h").write_text("#define SECRET 1\n")
    return tmp_path / "project"


@pytest.mark.parametrize(
    "flag", ["-fplugin=evil.so", "-mllvm", "-Xclang", "@flags", "-include/etc/passwd", "-save-temps"]
)
def test_a_flag_that_is_not_listed_is_refused_and_can_be_allowed(
    toolchain: Toolchain, root: Path, flag: str
) -> None:
    words = RtcGate(root).refused_option(["-O2", flag], toolchain)
    assert words == f"error: {flag}: not a flag that a project may ask for; --allow-flag={flag} allows it"
    assert RtcGate(root, flags=(flag,)).refused_option([flag], toolchain) is None


def test_flags_of_floating_point_and_macros_are_taken(toolchain: Toolchain, root: Path) -> None:
    options = ["-O2", "-std=c++17", "-DN=4", "-ffast-math", "-fgpu-rdc", "-I", "headers", "-I/usr/include"]
    assert RtcGate(root).refused_option(options, toolchain) is None


def test_folders_of_headers_outside_are_refused_and_can_be_allowed(toolchain: Toolchain, root: Path) -> None:
    outside = root.parent / "outside"
    assert RtcGate(root).refused_option([f"-I{root}/include"], toolchain) is None
    words = RtcGate(root).refused_option(["-I", str(outside)], toolchain)
    assert words is not None
    assert words.endswith(f"lies outside of the project; --allow-include {outside} allows it")
    assert RtcGate(root, includes=(outside,)).refused_option(["-I", str(outside)], toolchain) is None
    (root / "link").symlink_to(outside)
    assert RtcGate(root).refused_option([f"-I{root}/link"], toolchain) is not None
    assert RtcGate(root).refused_option(["-I../../outside"], toolchain) is not None


@pytest.mark.long
def test_files_outside_are_refused_by_what_the_compiler_read(
    toolchain: Toolchain, root: Path, tmp_path: Path
) -> None:
    def compiled(source: bytes, gate: RtcGate | None, *options: str) -> tuple[RtcResult, str]:
        program = RtcProgram(source, "p.hip", {"given.h": b"#define GIVEN 1\n"}, (), options)
        outcome = compile_program(program, toolchain, "gfx1100", tmp_path / "cache", gate)
        return outcome.result, outcome.log

    gate, secret = RtcGate(root), root.parent / "outside/secret.h"
    own = b'#include "given.h"\n#include <own.h>\n' + SOURCE
    assert compiled(own, gate, f"-I{root}/include")[0] is RtcResult.SUCCESS
    reading = f'#include "{secret}"\n'.encode() + SOURCE
    result, log = compiled(reading, gate)
    assert result is RtcResult.COMPILATION
    assert f"error: reads {secret}" in log
    assert f"--allow-include {secret.parent} allows it" in log
    assert compiled(reading, None)[0] is RtcResult.SUCCESS
    assert compiled(reading, RtcGate(root, includes=(secret.parent,)))[0] is RtcResult.SUCCESS
