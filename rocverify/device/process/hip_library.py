"""Loads rocverify's HIP library into this process, and has hip-python load it too.

It stands alone: the process of the code under verification has it without the rest of rocverify.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import tempfile
from pathlib import Path

LIBRARY = "libamdhip64.so"


def load(folder: Path) -> ctypes.CDLL:
    """The library of a folder; OSError where hip-python has loaded another one."""
    ours = folder / LIBRARY
    _load_by_hip_python(ours)
    library = ctypes.CDLL(str(ours))
    library.rv_attach.argtypes = [ctypes.c_char_p, ctypes.c_uint]
    library.rv_attach.restype = ctypes.c_int
    library.rv_detach.restype = library.rv_finish.restype = ctypes.c_int
    library.rv_returned.argtypes, library.rv_returned.restype = [ctypes.c_void_p], ctypes.c_int
    return library


def _load_by_hip_python(ours: Path) -> None:
    """hip-python looks for its libraries once, at the first call: below ROCM_PATH if that is set."""
    before = os.environ.get("ROCM_PATH")
    with tempfile.TemporaryDirectory(prefix="rocm-") as root:
        Path(root, "lib").symlink_to(ours.parent)
        os.environ["ROCM_PATH"] = root
        try:
            importlib.import_module("rocm.bindings.hip").has_symbol("hipInit")
            importlib.import_module("rocm.bindings.hiprtc").has_symbol("hiprtcVersion")
        finally:
            if before is None:
                del os.environ["ROCM_PATH"]
            else:
                os.environ["ROCM_PATH"] = before
    loaded = _mapped_libraries()
    if str(ours.resolve()) not in loaded:
        other = ", ".join(sorted(loaded)) or "none"
        raise OSError(f"hip-python has loaded another HIP library than rocverify's ({other})")


def _mapped_libraries() -> set[str]:
    """The HIP libraries that are mapped into this process."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split(maxsplit=5)[5] for line in lines if "libamdhip64" in line}
