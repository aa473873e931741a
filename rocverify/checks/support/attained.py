"""What a timed call attains of what its device can: bytes and operations per second, beside the ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.checks.support.ceilings import Ceilings, ceilings_of
from rocverify.checks.support.measuring import Timed, measure
from rocverify.checks.support.trial import Lengths

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

FLOAT_TYPES = ("f16", "bf16", "f32", "f64")


@dataclass(frozen=True, slots=True)
class Attained:
    """A call's time, the floating-point operations in it by type, and what its device reaches at best.

    The bytes are those of the call's arrays, each once: the least that it can move. A part of 1 means that
    the call takes as long as copying those bytes, or as doing those operations, takes at best; a call whose
    arrays stay in a cache can exceed it for bytes.
    """

    timed: Timed
    flops: Mapping[str, float]
    ceilings: Ceilings

    @property
    def bandwidth_part(self) -> float:
        """Bytes per second, as a part of what a copy reaches."""
        return self.timed.gb_per_s / self.ceilings.copy_gb_per_s

    @property
    def compute_part(self) -> float:
        """Operations per second, as a part of what multiply-adds reach."""
        return self.ceilings.seconds(self.flops) / (self.timed.median_us / 1e6)

    @property
    def gflop_per_s(self) -> float:
        """10^9 floating-point operations per second."""
        return sum(self.flops.values()) / self.timed.median_us / 1000

    def __str__(self) -> str:
        return (
            f"{self.timed.gb_per_s:.4g} GB/s ({self.bandwidth_part:.1%} of the "
            f"{self.ceilings.copy_gb_per_s:.4g} GB/s that a copy reaches), {self.gflop_per_s:.4g} GFLOP/s "
            f"({self.compute_part:.1%} of what multiply-adds reach)"
        )

    def beyond(self, least_bandwidth: float | None, least_compute: float | None) -> Iterator[str]:
        """What is missing to these parts, in words."""
        for what, part, least in (
            ("the bandwidth of a copy", self.bandwidth_part, least_bandwidth),
            ("the rate of multiply-adds", self.compute_part, least_compute),
        ):
            if least is not None and part < least:
                yield f"{part:.4g} of {what} is attained, at least {least:g} is asked for ({self})"

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON data."""
        return {
            "gb_per_s": self.timed.gb_per_s,
            "bandwidth_part": self.bandwidth_part,
            "flops": dict(self.flops),
            "gflop_per_s": self.gflop_per_s,
            "compute_part": self.compute_part,
            "ceilings": self.ceilings.to_json(),
        }


def attained(
    ctx: CheckContext,
    contract: str,
    dtype: str | None,
    dims: Mapping[str, Lengths],
    timed: Timed,
    declared: Mapping[str, float],
) -> Attained:
    """The timed call beside the ceilings of the device of the run, which are measured at the first call.

    declared: operations of the call by type; where there are none the emulator counts them on the same shape.
    """
    return Attained(timed, declared or _counted(ctx, contract, dtype, dims), ceilings_of(ctx))


def _counted(
    ctx: CheckContext, contract: str, dtype: str | None, dims: Mapping[str, Lengths]
) -> dict[str, float]:
    measured = measure(ctx, contract, dtype, dims)
    counts = {name: measured.value(f"flops.{name}") for name in FLOAT_TYPES}
    return {name: count for name, count in counts.items() if count}
