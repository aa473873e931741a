"""Whether waves may meet: whether code has an instruction by which what one of them computes could depend on
how far another one is, other than a barrier of their workgroup."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import disassemble
from rocverify.device.emulator.isa.instructions import Instruction
from rocverify.errors import CodeObjectError, DeviceError

_PLAIN_LDS = (
    "ds_load",
    "ds_store",
    "ds_read",
    "ds_write",
    "ds_permute",
    "ds_bpermute",
    "ds_swizzle",
    "ds_nop",
)
_ACQUIRES = ("buffer_gl1_inv", "global_inv")
_PAST_CACHES = ("glc", "sc0", "sc1", "th", "scope")
"""Modifiers of loads that are atomic or volatile: they read past the caches of their compute unit."""


def waves_may_meet(code_object: bytes, target: str) -> bool:
    """Whether any code in it has an atomic (also on LDS), a load past the caches or an invalidation of those.
    True where the code cannot be decoded: then nothing is known."""
    try:
        listing = disassemble(code_object, target)
        return any(_meets(listing.at(address)) for address in listing.addresses)
    except (CodeObjectError, DeviceError):
        return True


def _meets(inst: Instruction) -> bool:
    name = inst.mnemonic
    if name.startswith("ds_"):
        return not name.startswith(_PLAIN_LDS)
    if "_atomic_" in name or name in _ACQUIRES:
        return True
    return "_load_" in name and any(flag in inst.modifiers for flag in _PAST_CACHES)
