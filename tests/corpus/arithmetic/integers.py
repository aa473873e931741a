"""The integer kernels of arithmetic.hip in Python's unbounded integers, a row of results at a time."""

from __future__ import annotations


def signed(value: int, bits: int) -> int:
    """The low bits of a value as a number in two's complement."""
    half = 1 << bits - 1
    return (value + half) % (1 << bits) - half


def _quotient(a: int, b: int) -> int:
    """Rounded to zero, as C divides."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _remainder(a: int, b: int) -> int:
    return a - b * _quotient(a, b)


def wide_row(a: int, b: int) -> list[int]:
    """integers_64: what a workitem writes for a pair of signed 64-bit integers."""
    ua, ub, shift = a % 2**64, b % 2**64, b & 63
    row = [
        *(a * b, a * b >> 64, ua * ub >> 64),
        *(_quotient(a, b), _remainder(a, b), ua // ub, ua % ub),
        *(a << shift, a >> shift, ua >> shift),
        *(min(a, b), (ua < ub) + 2 * (a < b) + 4 * (a == b)),
        *(_quotient(a, 1000000007), ua % 10),
    ]
    return [signed(value, 64) for value in row]


def narrow_row(a: int, b: int) -> list[int]:
    """integers_32: what a workitem writes for a pair of signed 32-bit integers."""
    ua, ub = a % 2**32, b % 2**32
    row = [
        *(_quotient(a, b), _remainder(a, b), ua // ub, ua % ub),
        *(_quotient(a, 7), ua % 10, _quotient(a, -16)),
        *(a * b >> 32, ua * ub >> 32),
        *(signed(a, 24) * signed(b, 24), (ua % 2**24) * (ub % 2**24)),
        signed(a, 8) * signed(b, 16) + ub % 256 * (ua % 65536),
        *(a + b >> 1, abs(ua - ub) + 5),
        *(max(-100, min(a, 100)) + abs(b), signed(a >> 3, 16) >> (b & 15)),
    ]
    return [signed(value, 32) for value in row]


def _text(value: int, bits: int) -> str:
    """The bits of a value, the highest first."""
    return f"{value:0{bits}b}"


def _clz(value: int, bits: int) -> int:
    return bits - value.bit_length()


def _ffs(value: int) -> int:
    return (value & -value).bit_length()


def _rotated(value: int, by: int, bits: int) -> int:
    text = _text(value, bits)
    return int(text[by:] + text[:by], 2)


def _swapped(value: int, size: int) -> int:
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def bits_of(a: int, b: int) -> tuple[list[int], list[int]]:
    """bit_tricks: the words and the 64-bit words that a workitem writes for two unsigned numbers."""
    u, v, upper = a % 2**32, b % 2**32, b >> 32
    joined = u << 32 | v
    pool = joined.to_bytes(8, "little")
    mask = (1 << (v >> 4 & 15)) - 1 << (v & 15)
    words = [
        *(u.bit_count() + 100 * a.bit_count(), _clz(u, 32) + 100 * _clz(a, 64), _ffs(u) + 100 * _ffs(a)),
        int(_text(u, 32)[::-1], 2),
        u >> (v & 31) & (1 << (v >> 5 & 15)) - 1,
        u & ~mask | v << (v & 15) & mask,
        int.from_bytes([pool[upper >> 8 * i & 7] for i in range(4)], "little"),
        *(joined >> (upper & 31), joined >> 8 * (upper & 3)),
        _rotated(u, v & 31, 32),
        3 + sum(abs(p - q) for p, q in zip(pool[:4], pool[4:], strict=True)),
        _swapped(u, 4),
        u & v | ~u & a >> 32,
        signed(signed(u, 32) >> (v & 31), 5),
    ]
    wide = [
        *(int(_text(a, 64)[::-1], 2), _swapped(b, 8), _rotated(a, b & 63, 64)),
        a & -a ^ b & b - 1,
        a >> (v & 63) & (1 << (v >> 6 & 31)) - 1,
    ]
    return [word % 2**32 for word in words], [word % 2**64 for word in wide]
