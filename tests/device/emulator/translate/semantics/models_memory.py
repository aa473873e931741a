"""Memory instructions: what each load, store and atomic does to registers and bytes.

Every lane has a block of 64 bytes in global memory, in LDS and in scratch. `accesses()` lists each
instruction with the forms of address it has; models work on the lane's block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.models_float import flushed
from tests.device.emulator.translate.semantics.models_rdna4 import maximum_number, minimum_number
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, F64

BLOCK = 64
SPACES = {"global": "global", "flat": "flat", "scratch": "scratch", "ds": "lds"}

LOADS: dict[str, Callable[[bytes, int], list[int]]] = {
    "u8": lambda m, _: [m[0]],
    "i8": lambda m, _: [signed(m[0], 8) & mask(32)],
    "u16": lambda m, _: [_int(m, 2)],
    "i16": lambda m, _: [signed(_int(m, 2), 16) & mask(32)],
    **{f"b{32 * n}": (lambda m, _, n=n: [_int(m[4 * k :], 4) for k in range(n)]) for n in (1, 2, 3, 4)},
    "d16_u8": lambda m, old: [old & 0xFFFF0000 | m[0]],
    "d16_i8": lambda m, old: [old & 0xFFFF0000 | signed(m[0], 8) & 0xFFFF],
    "d16_b16": lambda m, old: [old & 0xFFFF0000 | _int(m, 2)],
    "d16_hi_u8": lambda m, old: [old & 0xFFFF | m[0] << 16],
    "d16_hi_i8": lambda m, old: [old & 0xFFFF | (signed(m[0], 8) & 0xFFFF) << 16],
    "d16_hi_b16": lambda m, old: [old & 0xFFFF | _int(m, 2) << 16],
}
STORES: dict[str, Callable[[list[int]], bytes]] = {
    "b8": lambda d: _bytes(d[0], 1),
    "b16": lambda d: _bytes(d[0], 2),
    **{f"b{32 * n}": (lambda d, n=n: b"".join(_bytes(x, 4) for x in d[:n])) for n in (1, 2, 3, 4)},
    "d16_hi_b8": lambda d: _bytes(d[0] >> 16, 1),
    "d16_hi_b16": lambda d: _bytes(d[0] >> 16, 2),
}


def _int(memory: bytes, size: int) -> int:
    return int.from_bytes(memory[:size], "little")


def _bytes(value: int, size: int) -> bytes:
    return (value & mask(8 * size)).to_bytes(size, "little")


def lds_name(name: str, load: bool) -> str:
    """LDS instructions name the half last: d16_hi_u8 is u8_d16_hi, and 16 bits are loaded as u16."""
    if not name.startswith("d16_"):
        return name
    half, kind = name.rsplit("_", 1)
    return f"{'u16' if kind == 'b16' and load else kind}_{half}"


def dwords(name: str) -> int:
    return int(name[1:]) // 32 if name in ("b64", "b96", "b128") else 1


@dataclass(frozen=True)
class Access:
    """One load or store: its text without the register operand, and where in the lane's block it goes."""

    mnemonic: str
    name: str
    address: str
    offset: int
    space: str


def _addresses(prefix: str) -> Iterator[tuple[str, int, str]]:
    """Address operands with the place in the block that they stand for, and the block's space.

    Registers: v2 is the lane's offset, v3 32 more; v[20:21], v[22:23] and v[24:25] its flat addresses in
    global memory, LDS and scratch; v26 is 8 and s12 is 4."""
    if prefix == "global":
        yield "v2, s[4:5] offset:{}", 0, "global"
        yield "v3, s[4:5] offset:-{}", 32, "global"
        yield "v[20:21], off offset:{}", 0, "global"
    elif prefix == "flat":
        yield "v[20:21] offset:{}", 0, "global"
        yield "v[22:23] offset:{}", 0, "lds"
        yield "v[24:25] offset:{}", 0, "scratch"
    elif prefix == "scratch":
        yield "off, off offset:{}", 0, "scratch"
        yield "v26, off offset:{}", 8, "scratch"
        yield "off, s12 offset:{}", 4, "scratch"
    else:
        yield "v2 offset:{}", 0, "lds"


def accesses(load: bool) -> Iterator[Access]:
    """Every load or store of every space, at several offsets, some of them odd."""
    for prefix in SPACES:
        for name in LOADS if load else STORES:
            spelled = lds_name(name, load) if prefix == "ds" else name
            for form, base, space in _addresses(prefix):
                for shift in (0, 5, 17):
                    place = base - shift if "-{}" in form else base + shift
                    text = form.replace("-{}", f"-{shift}" if shift else "0").replace("{}", str(shift))
                    verb = "load" if load else "store"
                    yield Access(f"{prefix}_{verb}_{spelled}", name, text, place, space)


def atomic(
    name: str, bits: int, old: int, data: int, compare: int, prefix: str = "ds", family: str = "gfx11"
) -> int:
    """The new value in memory. Additions of f32 outside LDS see and make no denormals on gfx11."""
    if name in PACKED:
        form = PACKED[name]
        return sum(sf.add(form, old >> at & mask(16), data >> at & mask(16)) << at for at in (0, 16))
    if "_num_" in name:
        extreme = minimum_number if name.startswith("min") else maximum_number
        return extreme(F32 if bits == 32 else F64, old, data)
    if name == "add_f32" and prefix != "ds" and family == "gfx11":
        return flushed(F32, sf.add(F32, flushed(F32, old), flushed(F32, data)))
    kind = name if name in ("sub_clamp_u32", "cond_sub_u32") else name.split("_")[0]
    f = F32 if bits == 32 else F64
    if name.endswith(("_f32", "_f64")):
        return _atomic_float(f, kind, old, data, compare)
    a, b = (signed(x, bits) if "_i" in name else x for x in (old, data))
    return {
        "swap": data, "cmpswap": data if old == compare else old, "add": old + data, "sub": old - data,
        "min": min(a, b), "max": max(a, b), "and": old & data, "or": old | data, "xor": old ^ data,
        "inc": 0 if old >= data else old + 1, "dec": data if old == 0 or old > data else old - 1,
        "sub_clamp_u32": max(old - data, 0), "cond_sub_u32": old - data if old >= data else old,
        "csub": old - data if old >= data else 0, "rsub": data - old, "mskor": old & ~data | compare,
        "wrap": old - data if old >= data else old + compare,
    }[kind] & mask(bits)  # fmt: skip


def _atomic_float(f: sf.Format, kind: str, old: int, data: int, compare: int) -> int:
    if kind == "add":
        return sf.add(f, old, data)
    if kind == "cmpswap":
        return data if sf.equal(f, old, compare) else old
    if sf.is_nan(f, old) or sf.is_nan(f, data):
        return data if sf.is_nan(f, old) else old
    first = sf.less(f, data, old) if kind == "min" else sf.less(f, old, data)
    return data if first else old


RDNA4_ATOMICS = (
    "cond_sub_u32", "sub_clamp_u32", "min_num_f32", "max_num_f32", "pk_add_f16", "pk_add_bf16",
)  # fmt: skip
PACKED = {"pk_add_f16": F16, "pk_add_bf16": BF16}
INTEGER_ATOMICS = (
    "add_u",
    "sub_u",
    "min_i",
    "min_u",
    "max_i",
    "max_u",
    "and_b",
    "or_b",
    "xor_b",
    "inc_u",
    "dec_u",
)


def memory_atomics(family: str = "gfx11") -> list[str]:
    """The names of the atomics of memory outside LDS."""
    names = [f"{stem}{bits}" for bits in (32, 64) for stem in (*INTEGER_ATOMICS, "swap_b", "cmpswap_b")]
    if family == "gfx12":
        return [*names, "add_f32", *RDNA4_ATOMICS]
    own = ["add_f32"] if family == "gfx11" else ["min_f64", "max_f64", "cmpswap_f64"]
    return [*names, "csub_u32", "min_f32", "max_f32", "cmpswap_f32", *own]


def lds_atomics(family: str = "gfx11") -> list[str]:
    """The names of the atomics of LDS, spelled as those of memory."""
    if family == "gfx12":
        more = ["rsub_u32", "rsub_u64", "mskor_b32", "mskor_b64", "min_num_f64", "max_num_f64"]
        return memory_atomics(family) + more
    own = ["rsub_u32", "rsub_u64", "mskor_b32", "mskor_b64", "wrap_b32", "min_f64", "max_f64", "cmpswap_f64"]
    return [name for name in memory_atomics("gfx11") if name != "csub_u32"] + own


def bits_of(name: str) -> int:
    """Of the value that an atomic replaces."""
    return 32 if name in PACKED else int(name[-2:])


ONLY_RETURNING = ("csub_u32", "wrap_b32", "swap_b32", "swap_b64")


def atomics(family: str = "gfx11") -> Iterator[tuple[str, str, str, int, bool]]:
    """(mnemonic, model's name, prefix, bits, whether it returns the old value)."""
    for name in memory_atomics(family):
        for returns in (True,) if name == "csub_u32" else (False, True):
            yield f"global_atomic_{name}", name, "global", bits_of(name), returns
            if name != "csub_u32":  # not among the FLAT instructions
                yield f"flat_atomic_{name}", name, "flat", bits_of(name), returns
    for name in lds_atomics(family):
        spelled = name.replace("cmpswap", "cmpst" if family == "gfx103" else "cmpstore")
        spelled = spelled.replace("swap", "storexchg")
        stem, _, kind = spelled.rpartition("_")
        yield f"ds_{stem}_rtn_{kind}", name, "ds", bits_of(name), True
        if name not in ONLY_RETURNING:
            yield f"ds_{spelled}", name, "ds", bits_of(name), False


def modelled(family: str = "gfx11") -> set[str]:
    """The instructions that test_memory_semantics proves."""
    pairs = {
        f"ds_{verb}_2addr_{stride}b{bits}"
        for verb in ("load", "store") for stride in ("", "stride64_") for bits in (32, 64)
    }  # fmt: skip
    scalar = {f"s_load_b{bits}" for bits in (32, 64, 128, 256, 512)}
    if family == "gfx12":
        scalar |= {"s_load_b96", *(f"s_load_{kind}{bits}" for kind in "ui" for bits in (8, 16))}
    accessed = {a.mnemonic for load in (True, False) for a in accesses(load)}
    return accessed | pairs | scalar | {mnemonic for mnemonic, *_ in atomics(family)}


def modelled_elsewhere() -> set[str]:
    """The instructions that test_lds_semantics proves."""
    exchanges = {f"ds_storexchg_2addr_{s}rtn_b{bits}" for s in ("", "stride64_") for bits in (32, 64)}
    by_lane = {f"{space}_{verb}_addtid_b32" for space in ("ds", "global") for verb in ("load", "store")}
    return exchanges | by_lane | {"ds_condxchg32_rtn_b64", "ds_append", "ds_consume"}
