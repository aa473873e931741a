"""Whether host code reads what kernels leave in pinned or managed memory: it needs no call for that, so no
trace shows it.

The code is called again with other contents there for the host, and the device's own for the device: what
changes then came through the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rocverify.checks.support.driving import drive
from rocverify.checks.support.trace_rules import STATUS_TOTAL
from rocverify.device.traffic import NO_TRAFFIC, Traffic
from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import next_seed
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import DType

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession


def read_in_place(spec: ContractSpec, session: LaunchSession, dtype: DType, seed: int) -> str | None:
    """What is wrong, in words; None where the results do not depend on what the host finds there, or are not
    the same from call to call, so that nothing can be told."""

    def called(traffic: Traffic, *, with_seed: int) -> CaseRun:
        return drive(spec, session, dtype, with_seed, replayed=traffic).run

    other_seed = next_seed(seed)
    first = called(NO_TRAFFIC, with_seed=seed)
    left, before = first.traffic.left, first.traffic.before
    size = sum(int((_bytes(left[place]) != _bytes(before[place])).sum()) for place in left)
    if size <= STATUS_TOTAL:
        return None
    reads = (
        f"{spec.wrapper} reads what kernels leave in pinned or managed memory ({size} bytes), "
        "without a copy: with other values there that only the host sees, "
    )
    called(NO_TRAFFIC, with_seed=other_seed)  # memory is kept from call to call, and only changes show
    others = Traffic(left={place: _other(before[place], left[place]) for place in left})
    try:
        second = called(others, with_seed=seed)
    except (SubjectError, DeviceFaultError) as error:
        return f"{reads}it fails ({error.message})"
    changed = _differing(spec, first, second)
    if not changed:
        return None
    called(NO_TRAFFIC, with_seed=other_seed)
    if _differing(spec, first, called(NO_TRAFFIC, with_seed=seed)):
        return None
    return f"{reads}{', '.join(changed)} differ{'s' if len(changed) == 1 else ''}"


def _other(before: bytes, content: bytes) -> bytes:
    """Other values of every width where a kernel has written; numbers stay finite."""
    old, new = _bytes(before), _bytes(content)
    return np.where(old == new, new, new ^ 1).astype(np.uint8).tobytes()


def _bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


def _differing(spec: ContractSpec, one: CaseRun, other: CaseRun) -> list[str]:
    return [name for name in spec.outputs if one.outputs[name].tobytes() != other.outputs[name].tobytes()]
