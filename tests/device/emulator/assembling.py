"""Assembles single instructions into code objects that a Machine loads."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.toolchain.discover import Toolchain

TRIPLE = "amdgcn-amd-amdhsa"
_ERROR = re.compile(r":(\d+):\d+: error: (.*)")

_MNEMONIC = re.compile(r"^(\s*)([a-z]\w*?)((?:_e32|_e64|_dpp|_e64_dpp|_sdwa)?)(?=\s|$)", re.MULTILINE)


_GFX9_WAIT = (re.compile(r"\bs_waitcnt(_\w+)?\b[^\n]*"), "s_waitcnt 0")
_REWRITTEN = {
    "gfx12": (
        (re.compile(r"\bs_waitcnt(_\w+)?\b[^\n]*"), "s_wait_idle"),
        (re.compile(r"^(\s*)s_barrier$", re.MULTILINE), r"\1s_barrier_signal -1\n\1s_barrier_wait -1"),
        (re.compile(r" glc\b"), " th:TH_ATOMIC_RETURN"),
    ),
    "gfx90a": (_GFX9_WAIT,),
    "gfx942": (_GFX9_WAIT, (re.compile(r" glc\b"), " sc0")),
}
"""By the family: other wait counters, and other words for an atomic that returns what was there."""


def spelled(family: Family, text: str) -> str:
    """Assembly with RDNA 3's names as the family's assembler has them. That the family spells them so is
    proven by the assembler itself: isa/test_spellings.py."""
    own = {name: spelling for spelling, name in family.spellings.items()}
    for pattern, other in _REWRITTEN.get(family.name, ()):
        text = pattern.sub(other, text)
    return _MNEMONIC.sub(lambda found: found[1] + own.get(found[2], found[2]) + found[3], text)


_VGPRS, AGPRS = 64, 64
_FOOTER = """
.rodata
.p2align 6
.amdhsa_kernel probe
  .amdhsa_next_free_vgpr {registers}
  .amdhsa_next_free_sgpr 100
  {own}
  .amdhsa_group_segment_fixed_size {lds}
  .amdhsa_private_segment_fixed_size {scratch}
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_system_sgpr_workgroup_id_x 1
  .amdhsa_float_denorm_mode_32 3
.end_amdhsa_kernel
.amdgpu_metadata
amdhsa.version: [1, 2]
amdhsa.target: amdgcn-amd-amdhsa--{target}
amdhsa.kernels:
  - .name: probe
    .symbol: probe.kd
    .kernarg_segment_size: 24
    .kernarg_segment_align: 8
    .group_segment_fixed_size: {lds}
    .private_segment_fixed_size: {scratch}
    .vgpr_count: {registers}
    .agpr_count: {agprs}
    .sgpr_count: 100
    .wavefront_size: {lanes}
    .max_flat_workgroup_size: 1024
    .args:
      - {{ .offset: 0, .size: 8, .value_kind: global_buffer }}
      - {{ .offset: 8, .size: 8, .value_kind: global_buffer }}
      - {{ .offset: 16, .size: 8, .value_kind: global_buffer }}
...
.end_amdgpu_metadata
"""


@dataclass(frozen=True)
class Assembler:
    """llvm-mc and the linker of one toolchain."""

    mc: Path
    linker: Path
    folder: Path
    target: str = "gfx1100"

    def of(self, target: str) -> Assembler:
        """The same for another target."""
        return replace(self, target=target)

    @property
    def family(self) -> Family:
        """What it assembles for."""
        return PROCESSORS[self.target].family

    @classmethod
    def beside(cls, toolchain: Toolchain, folder: Path) -> Assembler | None:
        """The assembler beside the toolchain's disassembler, if there is one."""
        for name in (toolchain.objdump, toolchain.objdump.resolve()):
            mc = name.with_name(name.name.replace("objdump", "mc"))
            if mc.exists():
                return cls(mc, toolchain.linker, folder)
        return None

    def rejected(self, lines: list[str], lanes: int = 32) -> dict[int, str]:
        """Which lines the assembler refuses, by index, and its words."""
        source = self.folder / "lines.s"
        source.write_text(spelled(self.family, "\n".join(lines)) + "\n")
        done = self._assemble(source, lanes)
        return {int(found[1]) - 1: found[2] for found in _ERROR.finditer(done.stderr)}

    def kernel(self, body: str, lanes: int = 32, lds: int = 0, scratch: int = 0) -> bytes:
        """The code object of a kernel `probe` with three pointer arguments: s[0:1] has the kernarg
        address, s2 the workgroup, v0 the workitem."""
        own = f".amdhsa_wavefront_size32 {int(lanes == 32)}"
        if self.family.agprs:
            own = f".amdhsa_accum_offset {_VGPRS}"
        registers = _VGPRS + AGPRS if self.family.agprs else _VGPRS
        footer = _FOOTER.format(
            target=self.target, own=own, lanes=lanes, lds=lds, scratch=scratch, registers=registers,
            agprs=registers - _VGPRS,
        )  # fmt: skip
        source, output = self.folder / "probe.s", self.folder / "probe.co"
        text = spelled(self.family, body)
        if self.family.initial.ttmp_ids:
            text = f"s_mov_b32 s2, ttmp9\n{text}"
        source.write_text(f".text\n.globl probe\n.p2align 8\n.type probe,@function\nprobe:\n{text}\n{footer}")
        done = self._assemble(source, lanes)
        assert done.returncode == 0, done.stderr[:2000]
        command = [self.linker, "-flavor", "gnu", "-shared", "-o", output, source.with_suffix(".o")]
        if self.linker.name != "lld":
            del command[1:3]
        linked = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False
        )
        assert linked.returncode == 0, linked.stderr[:2000]
        return output.read_bytes()

    def _assemble(self, source: Path, lanes: int) -> subprocess.CompletedProcess[str]:
        wave = ["-mattr=+wavefrontsize64,-wavefrontsize32" if lanes == 64 else "-mattr=+wavefrontsize32"]
        command = [
            self.mc, f"-triple={TRIPLE}", f"-mcpu={self.target}",
            *(wave if self.family.wave_sizes[1:] else ()), "-filetype=obj",
            "-o", source.with_suffix(".o"), source,
        ]  # fmt: skip
        return subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=120, check=False
        )
