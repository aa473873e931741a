"""Arrays that are larger than memory, as contracts may prepare them."""

from rocverify.subject.host.tiled import LARGE, PERIOD, Tiled, repeated

__all__ = ["LARGE", "PERIOD", "Tiled", "repeated"]
