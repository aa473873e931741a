"""rocverify: decides whether a GPU kernel plan is really done, by executing what it claims.

`rocverify.load` runs kernels from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rocverify.device.by_hand.device import Device, load

__all__ = ["Device", "__version__", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Imports the device when it is asked for: `import rocverify` alone costs nothing."""
    if name not in ("Device", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rocverify.device.by_hand import device

    return getattr(device, name)
