"""printf on the host for a message of the device: format string and arguments as the waves sent them.

Each conversion goes to the C library's snprintf by itself, with the one argument that it takes, as HIP does.
Source: the message format of HIP's device printf (LLVM's AMDGPUEmitPrintf: every argument takes 8 bytes, a
string as many as it needs, with its zero byte, rounded up to 8).
"""

from __future__ import annotations

import ctypes
import re
import struct

from rocverify.errors import DeviceError

MAX_WIDTH = 1 << 16
"""Characters that a conversion may be padded to: more is damage, or an attack."""

_SPEC = re.compile(
    rb"%(?P<flags>[-+ #0']*)(?P<width>\*|\d*)(?P<precision>\.(?:\*|\d*))?(?P<length>hh|h|ll|l|q|j|z|t|L)?"
    rb"(?P<kind>[diouxXcsfFeEgGaApn%])"
)
_libc = ctypes.CDLL(None)


def formatted(data: bytes) -> bytes:
    """The text of a message: format string, then arguments. Where arguments run out, the text ends, as HIP's
    does. Raises DeviceError for a conversion that C does not have, and for absurd widths."""
    template, position = _string(data, 0)
    text, last = bytearray(), 0
    while (at := template.find(b"%", last)) >= 0:
        text += template[last:at]
        spec = _SPEC.match(template, at)
        if spec is None:
            raise DeviceError(f"printf of {template!r}: no conversion begins at {template[at : at + 8]!r}")
        last = spec.end()
        if spec["kind"] == b"%":
            text += b"%"
            continue
        if position >= len(data):
            return bytes(text)
        piece, position = _converted(spec, data, position)
        text += piece
    return bytes(text + template[last:])


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    """A string up to its zero byte, and where what follows it begins."""
    end = data.find(b"\0", position)
    end = len(data) if end < 0 else end
    return data[position:end], position + (end - position) // 8 * 8 + 8


def _word(data: bytes, position: int) -> int:
    return struct.unpack_from("<Q", data.ljust(position + 8, b"\0"), position)[0]  # type: ignore[no-any-return]


def _converted(spec: re.Match[bytes], data: bytes, position: int) -> tuple[bytes, int]:
    sizes: list[bytes] = []
    for part in (spec["width"], (spec["precision"] or b"").removeprefix(b".")):
        if part == b"*":
            part = str(ctypes.c_int(_word(data, position)).value).encode()
            position += 8
        if part.lstrip(b"-") and int(part.lstrip(b"-")) > MAX_WIDTH:
            raise DeviceError(f"printf of {spec[0]!r} to {int(part)} characters: at most {MAX_WIDTH}")
        sizes.append(part)
    kind, length = spec["kind"], spec["length"] or b""
    flags, width, precision = spec["flags"], *sizes
    if width.startswith(b"-"):
        flags, width = flags + b"-", width[1:]
    dot = b"." if spec["precision"] and not precision.startswith(b"-") else b""
    form = b"%" + flags + width + dot + (precision if dot else b"")
    if kind == b"s":
        argument, position = _string(data, position)
        return _printed(form + b"s", ctypes.c_char_p(argument), len(argument)), position
    word = _word(data, position)
    position += 8
    if kind == b"n":
        return b"", position
    if kind in b"fFeEgGaA":
        return _printed(
            form + kind, ctypes.c_double(struct.unpack("<d", struct.pack("<Q", word))[0])
        ), position
    if kind == b"p":
        return _printed(form + b"p", ctypes.c_void_p(word)), position
    # A character in any width goes as one byte: the C library's wide characters are not the device's.
    return _printed(form + (b"" if kind == b"c" else length) + kind, ctypes.c_uint64(word)), position


def _printed(form: bytes, argument: object, extra: int = 0) -> bytes:
    room = 2 * MAX_WIDTH + 512 + extra
    buffer = ctypes.create_string_buffer(room)
    count = _libc.snprintf(buffer, ctypes.c_size_t(room), form, argument)
    return buffer.raw[: max(0, min(count, room - 1))]
