"""All modules that serve calls: importing this one fills `calls.SERVED`."""

from rocverify.device.hip import (
    arrays,
    copy,
    device,
    launch,
    memory,
    memset,
    module,
    pointers,
    pools,
    session,
    symbol,
)

__all__ = [
    "arrays",
    "copy",
    "device",
    "launch",
    "memory",
    "memset",
    "module",
    "pointers",
    "pools",
    "session",
    "symbol",
]
