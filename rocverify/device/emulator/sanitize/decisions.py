"""Where undefined bits decide something that shows: an address, a branch, which lanes go on, a target."""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, VCC
from rocverify.device.emulator.sanitize.layout import Decides
from rocverify.device.emulator.translate.builder.registers import SCC_SHADOW, SHADOW
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

K = WaveBuilder


def report_if(k: K, inst: Instruction, decides: Decides, lanes: Value) -> None:
    """Reports the lanes (i64) whose bits are set, if any."""
    found, onward = (k.function.append_basic_block(name) for name in ("undefined", "defined"))
    k.b.cbranch(k.b.icmp_unsigned("!=", lanes, k.i64(0)), found, onward)
    k.b.position_at_end(found)
    k.call_void("rt_san_undefined", [k.worker, k.wave, k.i32(int(decides)), lanes, k.i32(inst.address)])
    k.b.branch(onward)
    k.b.position_at_end(onward)


def check_branch(k: K, inst: Instruction) -> None:
    """Reports undefined bits that decide a conditional branch."""
    what = inst.mnemonic.removeprefix("s_cbranch_")
    if what.startswith("scc"):
        shadow = k.wide_mask(k.quiet_sgpr(SCC_SHADOW), None)
    elif what.startswith("vcc"):
        high = k.quiet_sgpr(SHADOW + VCC + 1) if k.lanes == 64 else None
        shadow = k.wide_mask(k.quiet_sgpr(SHADOW + VCC), high)
    else:
        return
    report_if(k, inst, Decides.BRANCH, shadow)


def check_target(k: K, inst: Instruction) -> None:
    """Reports undefined bits in the address that a jump goes to."""
    target = inst.operands[-1].index
    shadow = k.b.or_(k.quiet_sgpr(SHADOW + target), k.quiet_sgpr(SHADOW + target + 1))
    report_if(k, inst, Decides.BRANCH, k.wide_mask(shadow, None))


def check_exec(k: K, inst: Instruction) -> None:
    """EXEC was written: which lanes go on is a branch of each."""
    if not k.is_written(SHADOW + EXEC):
        return
    low = k.quiet_sgpr(SHADOW + EXEC)
    high = k.quiet_sgpr(SHADOW + EXEC + 1) if k.lanes == 64 else None
    if not (_is_zero(low) and (high is None or _is_zero(high))):
        report_if(k, inst, Decides.BRANCH, k.wide_mask(low, high))
    k.forget_sgprs(SHADOW + EXEC, 2)


def _is_zero(value: Value) -> bool:
    return isinstance(value, ir.Constant) and value.constant == 0
