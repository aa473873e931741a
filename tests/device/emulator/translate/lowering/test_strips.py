"""Loops over strips of lanes do what the wave-wide code did: both are compiled and run side by side."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.jit import host_description
from rocverify.device.emulator.translate.builder.emitter import Emitter
from rocverify.device.emulator.translate.builder.types import I1, I32, I64, Value, constant
from rocverify.device.emulator.translate.lowering.strips import strip

REGISTERS = 24
Write = Callable[[Emitter], None]


def vgpr(k: Emitter, index: int) -> Value:
    return k.load_field(abi.VGPR_OFFSET + 4 * k.lanes * index, k.shapes.i32)


def set_vgpr(k: Emitter, index: int, value: Value) -> None:
    k.store_field(abi.VGPR_OFFSET + 4 * k.lanes * index, value)


def written(write: Write, lanes: int, stripped: bool) -> str:
    module = ir.Module(name="both")
    k = Emitter(module, "wave", lanes)
    write(k)
    k.b.ret(k.i32(0))
    if stripped:
        strip(k.function, lanes)
    return str(module)


def run(source: str, lanes: int, seed: int) -> bytes:
    """The wave's memory after the function."""
    host_description()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=1, jit=True)
    module = llvm.parse_assembly(source)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    size = abi.VGPR_OFFSET + 4 * lanes * REGISTERS
    room = np.zeros(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    wave = room[start : start + size]
    wave[:] = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    function = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
    assert function(engine.get_function_address("wave"))(0, wave.ctypes.data) == 0
    return wave.tobytes()


def chain(k: Emitter) -> None:
    """Long enough for a loop; uses a scalar, a constant, another width and floats."""
    scalar = k.load_field(8, I32)
    value = k.b.add(vgpr(k, 0), k.splat(scalar))
    value = k.b.xor(value, k.const(value.type, 77))
    wide = k.b.mul(k.b.zext(value, k.shapes.i64), k.b.sext(vgpr(k, 1), k.shapes.i64))
    set_vgpr(k, 2, k.b.trunc(k.b.lshr(wide, k.const(wide.type, 13)), k.shapes.i32))
    single = k.b.sitofp(vgpr(k, 3), k.shapes.f32)
    root = k.intrinsic("sqrt", single.type, [k.intrinsic("fabs", single.type, [single])])
    set_vgpr(k, 4, k.b.bitcast(k.intrinsic("fma", root.type, [root, root, single]), k.shapes.i32))
    set_vgpr(k, 5, k.b.sext(k.b.fcmp_ordered("<", root, single), k.shapes.i32))


def own_lane(k: Emitter) -> None:
    """Constants that differ from lane to lane, of numbers and of single bits."""
    numbers = ir.Constant(k.shapes.i32, [constant(I32, 3 * lane) for lane in range(k.lanes)])
    odd = ir.Constant(k.shapes.i1, [constant(I1, lane % 3 == 0) for lane in range(k.lanes)])
    value = k.b.add(k.b.mul(vgpr(k, 0), numbers), vgpr(k, 1))
    set_vgpr(k, 2, k.b.select(odd, value, k.b.sub(value, numbers)))
    set_vgpr(k, 3, k.b.or_(value, numbers))


def mask(k: Emitter) -> None:
    """Bits of a comparison as an integer, used while the comparison is needed further."""
    less = k.b.icmp_signed("<", k.b.add(vgpr(k, 0), k.const(k.shapes.i32, 5)), vgpr(k, 1))
    bits = k.b.bitcast(less, k.shapes.mask_type)
    k.store_field(16, k.b.trunc(bits, I32))
    set_vgpr(k, 2, k.b.select(less, vgpr(k, 0), vgpr(k, 1)))
    counted = k.splat(k.b.trunc(bits, I32))
    set_vgpr(k, 3, k.b.add(counted, vgpr(k, 4)))
    set_vgpr(k, 4, k.b.xor(k.b.sext(less, k.shapes.i32), counted))
    other = k.b.icmp_unsigned(">", vgpr(k, 5), vgpr(k, 6))
    k.store_field(24, k.b.xor(k.b.bitcast(other, k.shapes.mask_type), bits) if k.lanes == 64 else bits)


def across(k: Emitter) -> None:
    """Lanes that move; one lane of a value read and another written."""
    value = k.b.add(k.b.mul(vgpr(k, 0), vgpr(k, 1)), k.b.xor(vgpr(k, 2), vgpr(k, 3)))
    turned = ir.Constant(k.shapes.i32, [constant(I32, (lane * 7 + 3) % k.lanes) for lane in range(k.lanes)])
    moved = k.b.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), turned)
    one = k.b.extract_element(moved, k.i32(k.lanes - 1))
    k.store_field(32, one)
    total = k.b.add(k.b.add(moved, value), k.b.add(k.splat(one), k.b.shl(value, k.const(value.type, 3))))
    set_vgpr(k, 4, k.b.insert_element(total, k.load_field(36, I32), k.i32(11)))
    set_vgpr(k, 5, k.b.insert_element(k.const(value.type, 0), one, k.i32(30)))
    set_vgpr(k, 6, k.b.sub(total, moved))


def order(k: Emitter) -> None:
    """Registers written and read again, and one field seen as lanes of 64 bits and of 32."""
    for _ in range(3):
        set_vgpr(k, 1, k.b.add(vgpr(k, 0), k.b.mul(vgpr(k, 1), vgpr(k, 2))))
        set_vgpr(k, 0, k.b.xor(vgpr(k, 1), vgpr(k, 3)))
    place = abi.VGPR_OFFSET + 4 * k.lanes * 8
    k.store_field(place, k.b.mul(k.b.zext(vgpr(k, 1), k.shapes.i64), k.b.zext(vgpr(k, 2), k.shapes.i64)))
    set_vgpr(k, 4, k.b.add(vgpr(k, 8), k.b.add(vgpr(k, 9), vgpr(k, 4))))
    set_vgpr(k, 9, k.b.add(vgpr(k, 4), vgpr(k, 5)))
    set_vgpr(k, 6, k.b.trunc(k.load_field(place, k.shapes.i64), k.shapes.i32))


def blocks(k: Emitter) -> None:
    """Values that cross blocks, used on both ways of a branch."""
    value = k.b.mul(k.b.add(vgpr(k, 0), vgpr(k, 1)), k.b.sub(vgpr(k, 2), vgpr(k, 3)))
    flag = k.b.icmp_unsigned("==", k.b.and_(k.load_field(0, I32), k.i32(1)), k.i32(0))
    some, onward = (k.function.append_basic_block(name) for name in ("some", "onward"))
    k.b.cbranch(flag, some, onward)
    k.b.position_at_end(some)
    set_vgpr(k, 5, k.b.xor(k.b.add(value, value), k.b.mul(value, vgpr(k, 7))))
    k.b.branch(onward)
    k.b.position_at_end(onward)
    set_vgpr(k, 6, k.b.add(k.b.xor(value, vgpr(k, 5)), k.b.mul(value, vgpr(k, 4))))


def many(k: Emitter) -> None:
    """Values that live through many others: their memory is not given away too early."""
    kept = [k.b.add(k.b.mul(vgpr(k, i), vgpr(k, i + 1)), vgpr(k, i + 2)) for i in range(10)]
    for i, value in enumerate(kept):
        one = k.b.extract_element(value, k.i32(i))
        set_vgpr(k, 12 + i, k.b.add(k.b.xor(k.b.mul(value, kept[-1]), k.splat(one)), kept[9 - i]))


CASES: tuple[Write, ...] = (chain, own_lane, mask, across, order, blocks, many)


@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("write", CASES, ids=lambda write: str(write.__name__))
def test_loops_do_what_whole_waves_did(write: Write, lanes: int) -> None:
    whole, loops = (written(write, lanes, stripped) for stripped in (False, True))
    assert "strip:" not in whole
    assert "strip:" in loops
    for seed in range(4):
        assert run(loops, lanes, seed) == run(whole, lanes, seed)


def test_what_nobody_needs_is_left_out() -> None:
    def write(k: Emitter) -> None:
        value = k.b.mul(vgpr(k, 0), vgpr(k, 1))
        for _ in range(20):
            value = k.b.mul(value, value)
        set_vgpr(k, 0, vgpr(k, 2))

    assert " mul <" not in written(write, 32, stripped=True)


def test_memory_for_values_is_used_again() -> None:
    """A kernel of any length keeps a bounded number of values."""

    def frame(rounds: int) -> int:
        def write(k: Emitter) -> None:
            for _ in range(rounds):
                value = k.b.xor(k.b.add(k.b.mul(vgpr(k, 0), vgpr(k, 1)), vgpr(k, 2)), vgpr(k, 3))
                one = k.b.extract_element(value, k.i32(0))
                set_vgpr(k, 0, k.b.add(k.b.mul(value, k.splat(one)), k.b.xor(value, vgpr(k, 4))))

        sizes = re.findall(r"alloca \[(\d+) x i8\]", written(write, 32, stripped=True))
        assert sizes
        return sum(map(int, sizes))

    assert frame(50) == frame(5)


def test_masks_cross_ends_of_runs() -> None:
    """One bit a lane, kept from one loop to the next, and read as a whole between them."""

    def write(k: Emitter) -> None:
        sum_ = k.b.add(k.b.mul(vgpr(k, 0), vgpr(k, 1)), vgpr(k, 2))
        flags = k.b.icmp_signed("<", sum_, vgpr(k, 3))
        back = ir.Constant(k.shapes.i32, [constant(I32, k.lanes - 1 - lane) for lane in range(k.lanes)])
        turned = k.b.shuffle_vector(flags, ir.Constant(flags.type, ir.Undefined), back)
        both = k.b.and_(k.b.sext(turned, k.shapes.i32), k.b.sext(flags, k.shapes.i32))
        set_vgpr(k, 4, k.b.add(k.b.xor(both, vgpr(k, 5)), k.b.select(turned, vgpr(k, 6), vgpr(k, 7))))
        k.store_field(
            40, k.b.zext(k.b.bitcast(turned, k.shapes.mask_type), I64) if k.lanes < 64 else k.i64(0)
        )

    for lanes in (32, 64):
        loops, whole = (run(written(write, lanes, stripped), lanes, 9) for stripped in (True, False))
        assert loops == whole
