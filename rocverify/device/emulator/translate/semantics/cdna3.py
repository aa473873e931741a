"""What CDNA 3 has beyond CDNA 2: conversions from and to floats of eight bits in the formats without a
negative zero (FNUZ). What is too large, and infinities, become NaN, as MODE.FP16_OVFL asks for when it
is 0."""

from __future__ import annotations

from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.semantics.eights import Eight, conversions

FNUZ = {
    "fp8": Eight(3, 8, 0x7F, unsigned_zero=True),
    "bf8": Eight(2, 16, 0x7F, unsigned_zero=True),
}

HANDLERS: dict[str, Handler] = conversions(FNUZ)
