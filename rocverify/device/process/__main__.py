"""Device processes: `python -m rocverify.device.process EMPTY_FD REQUESTS_FD` forks one for each
request.

The judge holds the other ends of the connections of each; a device process ends when the first of them does.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection

from rocverify import cycles
from rocverify.device.process.control import Desk
from rocverify.device.process.server import Server
from rocverify.device.process.wire import Wire
from rocverify.store import forking

_TAKEN = (
    "platformdirs.unix",
    "rocverify.device.backends.amd",
    "rocverify.device.backends.emulator",
    "rocverify.device.emulator.coverage.instrument",
    "rocverify.device.emulator.sanitize.sanitizer",
    "rocverify.device.hip.rtc.gate",
)
"""What most devices take, and is imported late otherwise."""


def main(arguments: list[str]) -> int:
    """Serves until the judge is gone."""
    for name in _TAKEN:
        importlib.import_module(name)
    content, requests = (int(number) for number in arguments)
    os.close(content)
    request = forking.serve(socket.socket(fileno=requests))
    if request is None:
        return 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the judge decides what an interrupt means
    control, lines = request.files
    server = Server()
    try:
        with cycles.looked_for_seldom(for_good=True):
            Desk(server, Connection(lines)).serve(Wire(socket.socket(fileno=control)))
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
