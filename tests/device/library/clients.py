"""Programs that use the library: Python ones through ctypes, C ones linked to it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from rocverify.device.library_build import hip_library_folder

PRELUDE = """
import ctypes, os, sys, threading
from ctypes import byref, c_void_p, c_char, c_int, c_size_t, c_uint, c_uint64, string_at
hip = ctypes.CDLL("libamdhip64.so.7")
def pointer(value): return c_void_p(value)
"""


def environment(socket: str | None) -> dict[str, str]:
    """A client's, with our library found first."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ROCVERIFY_")}
    env["LD_LIBRARY_PATH"] = str(hip_library_folder())
    return env if socket is None else {**env, "ROCVERIFY_SOCKET": socket}


def run_python(text: str, socket: str | None, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Runs a Python program to its end."""
    program = PRELUDE + textwrap.dedent(text)
    return subprocess.run(
        [sys.executable, "-c", program], env=environment(socket), capture_output=True, text=True,
        timeout=timeout_s, check=False,
    )  # fmt: skip


def start_python(text: str, socket: str | None) -> subprocess.Popen[str]:
    """Starts a Python program with pipes at its standard streams."""
    program = PRELUDE + textwrap.dedent(text)
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program], env=environment(socket), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def build_c(folder: Path, text: str, *flags: str) -> Path:
    """Compiles a C program against the library."""
    source, program = folder / "program.c", folder / "program"
    source.write_text(textwrap.dedent(text), encoding="utf-8")
    library = hip_library_folder()
    subprocess.run(
        ["cc", "-std=gnu11", "-g", "-rdynamic", *flags, str(source), "-o", str(program), "-pthread",
         f"-L{library}", "-lamdhip64"],
        check=True,
    )  # fmt: skip
    return program


def run_c(program: Path, socket: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a C program to its end."""
    return subprocess.run(
        [str(program), *arguments], env=environment(socket), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
