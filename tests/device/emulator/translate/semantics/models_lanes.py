"""Instructions across lanes and halves: DPP, VOPD, lane moves, permutations, packed and mixed math."""
# ruff: noqa: ARG005 - effects share one signature, whether or not they look at the row

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.softfloat import F32

LaneMap = Callable[[int], int | None]
ROW = 16


def _dpp16() -> Iterator[tuple[str, LaneMap]]:
    """A control's text, and which lane each lane reads (None: beyond its row)."""
    for control in ([3, 2, 1, 0], [1, 1, 0, 2]):
        text = f"quad_perm:[{','.join(map(str, control))}]"
        yield text, lambda i, c=control: i // 4 * 4 + c[i % 4]
    for n in (1, 3, 15):
        yield f"row_shl:{n}", lambda i, n=n: i + n if i % ROW + n < ROW else None
        yield f"row_shr:{n}", lambda i, n=n: i - n if i % ROW - n >= 0 else None
        yield f"row_ror:{n}", lambda i, n=n: i // ROW * ROW + (i - n) % ROW
    yield "row_mirror", lambda i: i // ROW * ROW + 15 - i % ROW
    yield "row_half_mirror", lambda i: i // 8 * 8 + 7 - i % 8
    yield "row_share:5", lambda i: i // ROW * ROW + 5
    yield "row_xmask:9", lambda i: i ^ 9


def _dpp_read(row: Row, source: int | None, fetch_inactive: bool) -> int | None:
    """The value that a lane reads; None if its source is invalid."""
    if source is None or not (fetch_inactive or row.active(source)):
        return None
    return row.a[source] & mask(32)


def dpp_cases() -> Iterator[Case]:
    for control, where in _dpp16():
        for rows, banks in ((0xF, 0xF), (0x5, 0xF), (0xF, 0x9)):
            for bound, fetch in ((False, False), (True, False), (False, True), (True, True)):
                tail = f" row_mask:{rows:#x} bank_mask:{banks:#x}" + (" bound_ctrl:1" if bound else "")
                text = f"v_add_nc_u32_dpp {{d}}, {{a}}, {{b}} {control}{tail}{' fi:1' if fetch else ''}"

                def one(
                    r: Row, i: int, where: LaneMap = where, rows: int = rows, banks: int = banks,
                    bound: bool = bound, fetch: bool = fetch,
                ) -> int | None:  # fmt: skip
                    if not (rows >> i // ROW & 1 and banks >> i % ROW // 4 & 1):
                        return None
                    value = _dpp_read(r, where(i), fetch)
                    if value is None and not bound:
                        return None
                    return (value or 0) + (r.b[i] & mask(32)) & mask(32)

                yield Case("v_add_nc_u32", Probe(text, vector=1), lanewise(one))
    yield from _dpp8_cases()
    yield from _dpp_compares()


def _dpp8_cases() -> Iterator[Case]:
    for selects in ([7, 6, 5, 4, 3, 2, 1, 0], [0, 0, 3, 3, 1, 7, 2, 5]):
        for fetch in (False, True):
            listed = ",".join(map(str, selects))
            text = f"v_sub_nc_u32_dpp {{d}}, {{a}}, {{b}} dpp8:[{listed}]{' fi:1' if fetch else ''}"

            def one(r: Row, i: int, s: list[int] = selects, fetch: bool = fetch) -> int:
                value = _dpp_read(r, i // 8 * 8 + s[i % 8], fetch)
                return (value or 0) - (r.b[i] & mask(32)) & mask(32)

            yield Case("v_sub_nc_u32", Probe(text, vector=1), lanewise(one))
    yield Case(
        "v_mov_b32",
        Probe("v_mov_b32_dpp {d}, {a} row_shr:1 row_mask:0xf bank_mask:0xf", vector=1),
        lanewise(lambda r, i: _dpp_read(r, i - 1 if i % ROW else None, False)),
    )


def _dpp_compares() -> Iterator[Case]:
    """A comparison writes 0 where its source is invalid, bound_ctrl or not masked lanes apart."""

    def effect(row: Row) -> Effect:
        bits = 0
        for lane in range(row.lanes):
            value = _dpp_read(row, lane ^ 1, True)
            if row.active(lane) and value is not None and value < (row.b[lane] & mask(32)):
                bits |= 1 << lane
        return {"vcc": bits}

    text = "v_cmp_lt_u32_dpp {vcc}, {a}, {b} quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf fi:1"
    yield Case("v_cmp_lt_u32", Probe(text, vcc=True), effect)
    text = text.replace("{vcc}", "{mask}").replace("lt_u32_dpp", "lt_u32_e64_dpp")
    yield Case(
        "v_cmp_lt_u32",
        Probe(text, scalar=1),
        lambda r: {"s": effect(r)["vcc"] | (0 if r.lanes == 64 else r.sold & ~mask(32))},
        s_bits=64,
    )
    text = "v_cmpx_lt_u32_dpp {a}, {b} quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf fi:1"
    yield Case("v_cmpx_lt_u32", Probe(text, exec=True), lambda r: {"exec": effect(r)["vcc"]})
    text = "v_fmac_f32_dpp {d}, {a}, {b} dpp8:[1,0,3,2,5,4,7,6] fi:1"
    yield Case(
        "v_fmac_f32",
        Probe(text, vector=1),
        lanewise(lambda r, i: sf.fma(F32, r.a[i ^ 1] & mask(32), r.b[i] & mask(32), r.old[i] & mask(32))),
        result="f32",
    )
    text = "v_mov_b32 {d}, {a};v_fmac_f32_dpp {d}, {d}, {d} dpp8:[1,0,3,2,5,4,7,6] fi:1"

    def squared(r: Row, i: int) -> int:
        own, other = r.a[i] & mask(32), r.a[i ^ 1] if r.active(i ^ 1) else r.old[i ^ 1]
        return sf.fma(F32, other & mask(32), own, own)

    yield Case("v_fmac_f32", Probe(text, vector=1), lanewise(squared), result="f32")
    text = "v_cndmask_b32_dpp {d}, {a}, {b}, {vcc} dpp8:[1,0,3,2,5,4,7,6] fi:1"
    yield Case(
        "v_cndmask_b32",
        Probe(text, vector=1),
        lanewise(lambda r, i: (r.b[i] if r.vcc >> i & 1 else r.a[i ^ 1]) & mask(32)),
    )
    text = "v_add_co_ci_u32_dpp {d}, {vcc}, {a}, {b}, {vcc} dpp8:[1,0,3,2,5,4,7,6] fi:1"
    yield Case(
        "v_add_co_ci_u32",
        Probe(text, vector=1),
        lanewise(lambda r, i: r.a[i ^ 1] + r.b[i] + (r.vcc >> i & 1) & mask(32)),
    )


def _lane(row: Row, value: int) -> int:
    return value % row.lanes


def _first(row: Row) -> int:
    return (row.exec & -row.exec).bit_length() - 1 if row.exec else 0


def lane_cases() -> Iterator[Case]:
    read = Probe("v_readlane_b32 {sd}, {a}, {sb}", scalar=1)
    yield Case("v_readlane_b32", read, lambda r: {"s": r.a[_lane(r, r.sb)] & mask(32)})
    read = Probe("v_readlane_b32 {sd}, {a}, 7", scalar=1)
    yield Case("v_readlane_b32", read, lambda r: {"s": r.a[7] & mask(32)})
    first = Probe("v_readfirstlane_b32 {sd}, {a}", scalar=1)
    yield Case("v_readfirstlane_b32", first, lambda r: {"s": r.a[_first(r)] & mask(32)})
    none = Probe("s_mov_b64 exec, 0; v_readfirstlane_b32 {sd}, {a}", scalar=1)
    yield Case("v_readfirstlane_b32", none, lambda r: {"s": r.a[0] & mask(32)})

    def written(row: Row) -> Effect:
        return {"v": [row.sa & mask(32) if i == _lane(row, row.sb) else None for i in range(row.lanes)]}

    yield Case("v_writelane_b32", Probe("v_writelane_b32 {d}, {sa}, {sb}", vector=1), written)
    for part, shift in (("lo", 0), ("hi", 32)):
        name = f"v_mbcnt_{part}_u32_b32"

        def count(r: Row, i: int, shift: int = shift) -> int:
            below = mask(i) >> shift & mask(32)
            return (r.a[i] & below).bit_count() + (r.b[i] & mask(32)) & mask(32)

        yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}", vector=1), lanewise(count))
    yield from _permlanes()
    yield from _relative()
    swapped = Probe("v_permlane64_b32 {d}, {a}", vector=1)
    yield Case(
        "v_permlane64_b32",
        swapped,
        lanewise(lambda r, i: r.a[i ^ 32] & mask(32) if r.lanes == 64 else None),
    )
    swap = Probe("v_mov_b32 v20, {a}; v_swap_b32 {d}, v20; v_mov_b32 v20, v20", vector=1)
    yield Case("v_swap_b32", swap, lanewise(lambda r, i: r.a[i] & mask(32)))
    other = Probe("v_mov_b32 v20, {a}; v_swap_b32 v20, {d}; v_mov_b32 {d}, v20", vector=1)
    yield Case("v_swap_b32", other, lanewise(lambda r, i: r.old[i] & mask(32)))


def _relative() -> Iterator[Case]:
    """Registers at a distance that M0 holds: {b} is two after {a}, {d} one after v11."""
    text = "s_mov_b32 m0, 2;v_movrels_b32 {d}, {a}"
    yield Case("v_movrels_b32", Probe(text, vector=1), lanewise(lambda r, i: r.b[i] & mask(32)))
    text = "s_mov_b32 m0, 1;v_movreld_b32 v11, {a}"
    yield Case("v_movreld_b32", Probe(text, vector=1), lanewise(lambda r, i: r.a[i] & mask(32)))


def _permlanes() -> Iterator[Case]:
    for name, cross in (("v_permlane16_b32", 0), ("v_permlanex16_b32", 1)):
        for fetch, bound in ((0, 0), (1, 0), (0, 1), (1, 1)):

            def one(r: Row, i: int, cross: int = cross, fetch: int = fetch, bound: int = bound) -> int | None:
                select = (r.sa & mask(32) | (r.sb & mask(32)) << 32) >> 4 * (i % 16) & 15
                value = _dpp_read(r, (i // 16 ^ cross) * 16 + select, bool(fetch))
                return 0 if value is None and bound else value

            text = f"{name} {{d}}, {{a}}, {{sa}}, {{sb}} op_sel:[{fetch},{bound}]"
            yield Case(name, Probe(text, vector=1), lanewise(one))


def _named_swizzles() -> Iterator[tuple[str, Callable[[int], int]]]:
    yield "swizzle(QUAD_PERM, 1, 0, 3, 2)", lambda i: i ^ 1
    yield 'swizzle(BITMASK_PERM, "01pi0")', lambda i: i // 32 * 32 + ((i & 0b00110 | 0b01000) ^ 0b00010)
    yield "swizzle(BROADCAST,8,5)", lambda i: i // 8 * 8 + 5
    yield "swizzle(SWAP,4)", lambda i: i ^ 4
    yield "swizzle(REVERSE,16)", lambda i: i // 16 * 16 + 15 - i % 16
    yield "0x8036", lambda i: i // 4 * 4 + (0x36 >> 2 * (i % 4) & 3)
    yield "0x041f", lambda i: i ^ 1
    yield f"{0b00011_01000_10110:#x}", lambda i: i // 32 * 32 + ((i & 0b10110 | 0b01000) ^ 0b00011)
    for kept in (0, 0b00011, 0b10000, 0b11111):
        yield f"{0xE000 | kept:#x}", lambda i, kept=kept: _fft_source(i, kept)
        for turn in (1, 5, -3):
            control = 0xC000 | (turn < 0) << 10 | abs(turn) << 5 | kept
            yield f"{control:#x}", lambda i, kept=kept, turn=turn: i & 32 | i & kept | i + turn & 31 & ~kept


def _fft_source(lane: int, mask: int) -> int:
    """The manual's FFT mode: the five bits of the lane reversed, shifted by the mask's ones, or'ed."""
    place = int(f"{lane & 31:05b}"[::-1], 2) >> f"{mask:b}".count("1")
    return place | lane & mask | lane & 32


def permutation_cases(joined: int = 32) -> Iterator[Case]:
    """LDS hardware as a crossbar: sources that are off give 0. joined: the lanes that permutations reach, all
    64 on CDNA (HIP's __shfl over its waves is ds_bpermute_b32); swizzles stay within 32."""
    for control, where in _named_swizzles():
        text = f"ds_swizzle_b32 {{d}}, {{a}} offset:{control};s_waitcnt lgkmcnt(0)"
        yield Case(
            "ds_swizzle_b32",
            Probe(text, vector=1),
            lanewise(lambda r, i, where=where: _dpp_read(r, where(i), False) or 0),
        )
    for offset in (0, 4, 20):

        def pulled(r: Row, i: int, offset: int = offset) -> int:
            lane = i // joined * joined + (r.b[i] + offset >> 2) % joined
            return _dpp_read(r, lane, False) or 0

        text = f"ds_bpermute_b32 {{d}}, {{b}}, {{a}} offset:{offset};s_waitcnt lgkmcnt(0)"
        yield Case("ds_bpermute_b32", Probe(text, vector=1), lanewise(pulled))

        def pushed(row: Row, offset: int = offset) -> Effect:
            arrived = [0] * row.lanes
            for lane in range(row.lanes):
                if row.active(lane):
                    place = lane // joined * joined + (row.b[lane] + offset >> 2) % joined
                    arrived[place] = row.a[lane] & mask(32)
            return {"v": [arrived[i] if row.active(i) else None for i in range(row.lanes)]}

        text = f"ds_permute_b32 {{d}}, {{b}}, {{a}} offset:{offset};s_waitcnt lgkmcnt(0)"
        yield Case("ds_permute_b32", Probe(text, vector=1), pushed)


def dual_cases() -> Iterator[Case]:
    """Both halves of a VOPD read before either writes. {x} and {y} are registers of different banks."""
    setup = "v_mov_b32 v13, {a};v_mov_b32 v20, {b};v_mov_b32 v12, {c};"

    def dual(text: str, fn: Callable[[int, int, int, Row], Any], result: str = "b32") -> Case:
        probe = Probe(f"{setup}{text}", vector=1)
        m = mask(32)
        return Case(
            text.split()[0].replace("v_dual_", "v_"),
            probe,
            lanewise(lambda r, i: fn(r.a[i] & m, r.b[i] & m, r.c[i] & m, r)),
            result,
        )

    yield dual("v_dual_mov_b32 v12, v13 :: v_dual_mov_b32 v13, v12", lambda a, b, c, r: a)
    yield dual("v_dual_mov_b32 v12, v13 :: v_dual_mov_b32 v13, v12;v_mov_b32 v12, v13", lambda a, b, c, r: c)
    yield dual(
        "v_dual_add_f32 v12, v13, v20 :: v_dual_mul_f32 v13, v12, v13;v_mov_b32 v12, v13",
        lambda a, b, c, r: sf.mul(F32, c, a),
        "f32",
    )
    yield dual(
        "v_dual_fmac_f32 v12, v13, v20 :: v_dual_lshlrev_b32 v13, 3, v13",
        lambda a, b, c, r: sf.fma(F32, a, b, c),
        "f32",
    )
    yield dual(
        "v_dual_sub_f32 v12, v13, v20 :: v_dual_add_nc_u32 v13, v20, v13;v_mov_b32 v12, v13",
        lambda a, b, c, r: a + b & mask(32),
    )
    yield dual(
        "v_dual_fmaak_f32 v12, v13, v20, 0x40490fdb :: v_dual_and_b32 v13, v20, v13",
        lambda a, b, c, r: sf.fma(F32, a, b, 0x40490FDB),
        "f32",
    )
    yield dual(
        "v_dual_fmamk_f32 v12, v13, 0x40490fdb, v20 :: v_dual_mov_b32 v13, v12",
        lambda a, b, c, r: sf.fma(F32, a, 0x40490FDB, b),
        "f32",
    )
