"""References that give what the wrapper has left for them: of one case they are there before it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import KERNEL, contract_text

_WRAPPER = """\
import hashlib

import numpy as np
from rocm.bindings import hip

from kernels.gpu import affine_on, checked


def affine(x, shift, out, rows, cols):
    affine_on("affine_kernel", x, shift, out, rows, cols)
    given, left = np.empty((rows, cols), np.float32), np.empty((rows, cols), np.float32)
    for array, address in ((given, x), (left, out)):
        checked(hip.hipMemcpy(array, int(address), array.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    np.save("FOLDER/" + hashlib.sha1(given.tobytes()).hexdigest() + ".npy", left)
"""
_WAITS = """\
        name = "FOLDER/" + hashlib.sha1(x.astype("f4").tobytes()).hexdigest() + ".npy"
        for _ in range(20):
            time.sleep(0.05)
            if os.path.exists(name):
                time.sleep(0.05)
                return np.load(name).astype(x.dtype)
        return 2 * x + shift
"""


@pytest.mark.long
def test_a_reference_that_waits_for_the_output(make_project: MakeProject, tmp_path: Path) -> None:
    folder = tmp_path / "left"
    folder.mkdir()
    waits = _WAITS.replace("FOLDER", str(folder))
    contract = contract_text().replace(
        "import numpy as np\n", "import hashlib, os, time\nimport numpy as np\n"
    )
    files = {
        "kernels/affine.py": _WRAPPER.replace("FOLDER", str(folder)),
        "kernels/contracts/affine.py": contract.replace("        return 2 * x + shift\n", waits),
        "kernels/affine.hip": KERNEL.replace("2.0f * x[i]", "2.0001f * x[i]"),
    }
    ran = make_project(files).run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.said()
    assert "is wrong in 1 of" in ran.said()
