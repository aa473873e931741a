"""Where device processes come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rocverify.store.fork_server import ForkServers

SERVERS = ForkServers(lambda: ("-P", "-m", "rocverify.device.process"))

_PACKAGE = Path(__file__).resolve().parents[3]


def device_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The judge's variables and more; it imports the rocverify that runs here."""
    given = os.environ.get("PYTHONPATH")
    path = str(_PACKAGE) if not given else f"{_PACKAGE}{os.pathsep}{given}"
    return {**os.environ, **(more or {}), "PYTHONPATH": path}
