"""All modules that serve calls: importing this one fills `calls.SERVED`."""

from rocverify.device.hip import (
    arrays,
    callback,
    capture_calls,
    copy,
    device,
    event_calls,
    graph_calls,
    launch,
    memory,
    memset,
    module,
    node_calls,
    pointers,
    pools,
    session,
    stream_calls,
    symbol,
)
from rocverify.device.hip.blas import calls as blas
from rocverify.device.hip.rtc import calls as rtc

__all__ = [
    "arrays",
    "blas",
    "callback",
    "capture_calls",
    "copy",
    "device",
    "event_calls",
    "graph_calls",
    "launch",
    "memory",
    "memset",
    "module",
    "node_calls",
    "pointers",
    "pools",
    "rtc",
    "session",
    "stream_calls",
    "symbol",
]
