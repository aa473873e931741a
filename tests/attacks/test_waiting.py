"""A wrapper that waits for what its kernel reports: it is right, and without its kernel it never returns."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import CORRECT, KERNEL, PHASE, plan_text
from tests.attacks.test_hosted import _HOSTED, _PINNED
from tests.attacks.test_kept_memory import _FLAG, _WITH_PAGE
from tests.attacks.test_wrappers import instead

_WAITED = "    checked(hip.hipDeviceSynchronize())\n"
_POLLED = "    note('called')\n    while page[3] != 0:\n        pass\n    note('returned')\n"
_PAGE = _FLAG.split("\n", 1)[1]
_NOTES = """\
from pathlib import Path


def note(word):
    with (Path(__file__).parent / "calls.txt").open("a") as file:
        file.write(word + "\\n")


"""
_CHECKS = [
    CORRECT,
    {"check": "no_host_roundtrip", "entry": "kernels.affine:affine"},
    {
        "check": "wrapper_present",
        "source": "kernels/affine.hip",
        "wrapper": "kernels.affine:affine",
        "symbol": "affine_kernel",
    },
    {
        "check": "resources",
        "source": "kernels/affine.hip",
        "contract": CORRECT["contract"],
        "limits": {"vgprs": 64},
    },
]


_TRUTHS = [
    "What affine returns agrees with the reference",
    "The results of affine stay on the device: no device-to-host copy",
    "affine launches affine_kernel",
    "affine_kernel needs 64 VGPRs at most",
]


@pytest.mark.long
def test_a_wrapper_that_polls_is_right_and_is_waited_for_once(make_project: MakeProject) -> None:
    body = KERNEL.index("  if (i < rows")
    polling = _HOSTED + _PINNED + _NOTES + "_kept = {}\n" + instead(_WITH_PAGE.split(_WAITED)[0] + _POLLED)
    files = {
        "kernels/affine.hip": KERNEL[:body].replace("const float* shift", "unsigned* page") + _PAGE + "\n}\n",
        "kernels/affine.py": polling,
        "rocverify.toml": "call_timeout_s = 5\n",
        f"{PHASE}/01-01-PLAN.md": plan_text(list(zip(_TRUTHS, _CHECKS, strict=True))),
    }
    project = make_project(files)
    ran = project.run("--", "--rocverify-workers=1")
    assert [ran.verdict(f"T{number}") for number in (1, 2, 3, 4)] == ["verified"] * 4, ran.output
    words = project.read("kernels/calls.txt").split()
    assert words.count("called") == words.count("returned") + 1


_STOPS = """\
import os
import signal
import socket
import struct

from kernels.gpu import affine_on


def affine(x, shift, out, rows, cols):
    affine_on("affine_kernel", x, shift, out, rows, cols)
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            with socket.socket(fileno=os.dup(number)) as one:
                peer = one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except OSError:
            continue
        pid = struct.unpack("3i", peer)[0]
        with open(f"/proc/{pid}/cmdline") as file:
            if "device.process" in file.read():
                os.kill(pid, signal.SIGSTOP)
"""


@pytest.mark.long
def test_a_wrapper_that_stops_the_device_process_decides_nothing(make_project: MakeProject) -> None:
    project = make_project({"kernels/affine.py": _STOPS, "rocverify.toml": "call_timeout_s = 3\n"})
    ran = project.run()
    assert ran.verdict() == "unverified"
    assert "did not return within 3 s" in ran.said()
