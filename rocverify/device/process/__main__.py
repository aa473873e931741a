"""The device process on its own: `python -m rocverify.device.process CONTROL_FD LINES_FD`.

The judge starts it and holds the other ends of both connections; it ends when the first of them does.
"""

from __future__ import annotations

import importlib
import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection

from rocverify import cycles
from rocverify.device.process.control import Desk
from rocverify.device.process.server import Server
from rocverify.device.process.wire import Wire


def main(arguments: list[str]) -> int:
    """Serves until the judge is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the judge decides what an interrupt means
    control, lines = (int(number) for number in arguments)
    server = Server()
    threading.Thread(target=_import_emulator, daemon=True).start()
    try:
        with cycles.looked_for_seldom():
            Desk(server, Connection(lines)).serve(Wire(socket.socket(fileno=control)))
    finally:
        server.close()
    return 0


def _import_emulator() -> None:
    """What most devices take; it is there by the time that the judge opens one."""
    importlib.import_module("rocverify.device.backends.emulator")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
