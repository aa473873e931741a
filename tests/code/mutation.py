"""Mutations of texts: what people, tools and disks make of sources and plans, and what nobody would write."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_OPENING = (
    *(b"{", b"(", b"[", b"<", b"/*", b'"', b"'", b"`", b"|"),
    *(b"```\n", b"#if 0\n", b'r#"', b"<!--", b"---\n"),
)
_WORDS = (
    *(b"fn ", b"void ", b"template <", b"#endif\n", b"#else\n", b"impl ", b"macro_rules! "),
    *(b"}", b")", b"\\\n", b"//", b"*/", b";", b"%", b"\xf0\x9f\x92\xa5"),
    *(b"must_haves:\n", b"- ", b"  ", b"\t", b"\r\n", b"\r", b"\0", b"? ", b"&a *a", b"<<: *x\n"),
    *(b"!!python/object:os.system", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
)


def mutated(texts: Sequence[bytes], dice: random.Random) -> bytes:
    """One of the texts after one to five mutations."""
    text = dice.choice(texts)
    for _ in range(dice.randint(1, 5)):
        text = dice.choice(_MUTATIONS)(text, texts, dice)
    return text[:200_000]


def _place(text: bytes, dice: random.Random) -> int:
    return dice.randrange(len(text) + 1)


def _cut(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    return text[: _place(text, dice)]


def _without(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    begin = _place(text, dice)
    return text[:begin] + text[begin + dice.randint(1, 40) :]


def _spliced(text: bytes, texts: Sequence[bytes], dice: random.Random) -> bytes:
    other = dice.choice(texts)
    return text[: _place(text, dice)] + other[_place(other, dice) :]


def _flipped(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    changed = bytearray(text)
    for _number in range(dice.randint(1, 8)):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _word(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    at = _place(text, dice)
    return text[:at] + dice.choice((*_WORDS, *_OPENING)) + text[at:]


def _deep(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    at = _place(text, dice)
    return text[:at] + dice.choice(_OPENING) * dice.choice((3, 50, 2_000)) + text[at:]


def _repeated(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    begin = _place(text, dice)
    part = text[begin : begin + dice.randint(1, 200)]
    return text[:begin] + part * dice.choice((2, 20, 100)) + text[begin:]


def _one_line(text: bytes, _: Sequence[bytes], dice: random.Random) -> bytes:
    begin = _place(text, dice)
    return text[:begin] + text[begin:].replace(b"\n", b" ")


_Mutation = Callable[[bytes, Sequence[bytes], random.Random], bytes]
_MUTATIONS: tuple[_Mutation, ...] = (
    *(_cut, _without, _spliced, _flipped, _flipped, _word, _word, _word),
    *(_deep, _repeated, _one_line),
)
