"""Host code around a kernel: streams, threads, timers, the caller's memory; right code in other styles."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import MakeProject, RunGallery
from tests.attacks.project import CORRECT, PHASE, TRUTH, WRAPPER, contract_text, manifest_text, plan_text
from tests.attacks.test_wrappers import instead

_HIP = (
    "import ctypes\n\nimport numpy as np\nfrom rocm.bindings import hip\n\nfrom kernels.gpu import checked\n"
)
_LAUNCH = '    affine_on("affine_kernel", x, shift, out, rows, cols)\n'
_HOST_IN = [
    ("Dims, In, Out", "Dims, HostIn, In, Out"),
    ('shift = In("cols", F32)', 'shift = HostIn("cols", F32)'),
]
_UPLOADED = (
    "    table = checked(hip.hipMalloc(4 * cols))\n"
    "    checked(hip.hipMemcpy(table, shift, 4 * cols, hip.hipMemcpyKind.hipMemcpyHostToDevice))\n"
    '    affine_on("affine_kernel", x, table, out, rows, cols)\n'
    "    checked(hip.hipFree(table))\n"
)

CHEATS = [
    Cheat(
        "honest_on_a_stream",
        "verified",
        wrapper=instead(
            "    stream = checked(hip.hipStreamCreate())\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols, stream=stream)\n'
            "    checked(hip.hipStreamSynchronize(stream))\n    checked(hip.hipStreamDestroy(stream))\n",
            _HIP,
        ),
    ),
    Cheat(
        "honest_in_two_halves",
        "verified",
        wrapper=instead(
            "    half = rows // 2\n"
            "    if half:\n"
            '        affine_on("affine_kernel", x, shift, out, half, cols)\n'
            "    at = 4 * half * cols\n"
            '    affine_on("affine_kernel", int(x) + at, shift, int(out) + at, rows - half, cols)\n'
        ),
    ),
    Cheat(
        "honest_instance",
        "verified",
        wrapper="from kernels.gpu import affine_on\n\n\nclass Affine:\n"
        "    def __call__(self, x, shift, out, rows, cols):\n"
        f"    {_LAUNCH}\n\naffine = Affine()\n",
    ),
    Cheat("honest_host_table", "verified", wrapper=instead(_UPLOADED, _HIP), contract=_HOST_IN),
    Cheat(
        "on_another_stream",
        "failed",
        wrapper=instead(
            "    if not _streams:\n"
            "        _streams.append(checked(hip.hipStreamCreateWithFlags(hip.hipStreamNonBlocking)))\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols, stream=_streams[0])\n',
            _HIP + "\n_streams = []\n",
        ),
    ),
    Cheat(
        "host_input_destroyed",
        "failed",
        wrapper=instead(_UPLOADED + "    shift[:] = 0\n", _HIP),
        contract=_HOST_IN,
    ),
    Cheat(
        "input_destroyed",
        "failed",
        wrapper=instead(_LAUNCH + "    checked(hip.hipMemset(int(shift), 0, 4 * cols))\n", _HIP),
    ),
    Cheat(
        "writes_beyond_its_output",
        "failed",
        wrapper=instead(_LAUNCH + "    checked(hip.hipMemset(int(out) + 4 * rows * cols, 0, 4))\n", _HIP),
    ),
    Cheat(
        "frees_its_callers_memory",
        "failed",
        wrapper=instead(_LAUNCH + "    checked(hip.hipFree(int(x)))\n", _HIP),
    ),
    Cheat(
        "swallows_its_own_failure",
        "failed",
        wrapper=instead(
            '    try:\n        affine_on("no_such_kernel", x, shift, out, rows, cols)\n'
            "    except RuntimeError:\n        pass\n"
        ),
    ),
    Cheat("raises", "failed", wrapper=instead('    raise RuntimeError("no GPU here")\n')),
    Cheat(
        "another_kernel_under_its_name",
        "failed",
        kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];",
        wrapper=WRAPPER.replace('"affine_kernel"', '"affine" "_kernel"').replace("cols)\n", "cols )\n"),
    ),
]


@each(CHEATS)
def test_host(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("hosts", CHEATS))


# Attacks on the run itself are each alone: what they break is everybody's.

_LATER = """\
import threading
import time

from kernels.gpu import affine_on


def affine(x, shift, out, rows, cols):
    def work():
        time.sleep(0.5)
        affine_on("affine_kernel", x, shift, out, rows, cols)

    threading.Thread(target=work, daemon=True).start()
"""
_WRONG = WRAPPER.replace("out, rows, cols)\n", "out, rows, 1)\n")
_TIMERS = (
    WRAPPER
    + """

import time

from rocm.bindings import hip

time.perf_counter = time.perf_counter_ns = time.monotonic = lambda: 0
hip.hipEventElapsedTime = lambda *_: (hip.hipError_t.hipSuccess, 1e-9)
"""
)
_LIMITED = {
    "check": "performance",
    "contract": "kernels.contracts.affine:Affine",
    "dtype": "float32",
    "dims": {"rows": 300, "cols": 64},
    "max": {"wave_instructions": 10},
}
_REPLACES = """\
import contextlib

with contextlib.suppress(ImportError):
    import rocverify.oracle.compare as compare

    for name, value in list(vars(compare).items()):
        if callable(value) and getattr(value, "__module__", "") == compare.__name__:
            if not isinstance(value, type):
                setattr(compare, name, lambda *_, **__: None)
with contextlib.suppress(ImportError):
    import rocverify.oracle.judge as judge

    judge.judge = lambda *_, **__: []
"""
_PATCHES_NUMPY = """\
import numpy as np

np.allclose = lambda *_, **__: True
np.array_equal = lambda *_, **__: True
np.isclose = lambda a, b, *_, **__: np.ones(np.broadcast(a, b).shape, bool)
np.nonzero = lambda a: tuple(np.zeros(0, int) for _ in range(np.ndim(a)))
np.count_nonzero = lambda *_, **__: 0
np.any = lambda *_, **__: False
np.all = lambda *_, **__: True
"""
_EXITS = "import os\n\n\ndef affine(x, shift, out, rows, cols):\n    os._exit(0)\n"
_SYSTEM_EXIT = "import sys\n\n\ndef affine(x, shift, out, rows, cols):\n    sys.exit(0)\n"
_KILLS = "import os\nimport signal\n\n\ndef affine(*_):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
_FLOODS = "import sys\n\n\ndef affine(*_):\n    sys.stdout.write('passed\\n' * 100000)\n"
_CLOSES = "import os\n\n\ndef affine(*_):\n    os.closerange(3, 256)\n"

ALONE = {
    "background_thread": (_LATER, ""),
    "replaces_the_judge": (_REPLACES + _WRONG, ""),
    "patches_numpy": (_PATCHES_NUMPY + _WRONG, ""),
    "exits_with_zero": (_EXITS, ""),
    "raises_system_exit": (_SYSTEM_EXIT, ""),
    "kills_itself": (_KILLS, ""),
    "floods_its_output": (_FLOODS, ""),
    "closes_every_descriptor": (_CLOSES, ""),
}


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.xfail(reason=why, strict=True, run=False)] if why else [])
        for name, (_, why) in ALONE.items()
    ],
)
def test_attack_on_the_run(make_project: MakeProject, name: str) -> None:
    project = make_project({"kernels/affine.py": ALONE[name][0]})
    ran = project.run()
    assert ran.code in (1, 3), ran.output
    assert ran.verdict() in ("failed", "unverified"), ran.said()


@pytest.mark.long
def test_a_wrapper_that_hangs_is_neither_right_nor_wrong(make_project: MakeProject) -> None:
    hangs = WRAPPER.replace("    affine_on(", "    while True:\n        pass\n    affine_on(")
    project = make_project({"kernels/affine.py": hangs, "rocverify.toml": "call_timeout_s = 2\n"})
    ran = project.run()
    assert (ran.code, ran.verdict()) == (3, "unverified"), ran.output
    assert "raise call_timeout_s" in ran.said()


@pytest.mark.long
def test_timers_that_the_project_replaces_count_nothing(make_project: MakeProject) -> None:
    truth = ("affine takes at most 10 wave instructions", _LIMITED)
    project = make_project({"kernels/affine.py": _TIMERS, f"{PHASE}/01-01-PLAN.md": plan_text([truth])})
    ran = project.run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.output
    assert "wave_instructions" in ran.said()


def test_a_kernel_without_a_store_is_not_compiled_work(make_project: MakeProject) -> None:
    empty = (
        'extern "C" __attribute__((global)) void affine_kernel(const float* x, const float* shift, '
        "float* out, unsigned rows, unsigned cols) {}\n"
    )
    bare = 'flags = ["-O3", "-nogpuinc", "-nogpulib"]\n'
    truth = ("The kernel is compiled", {"check": "kernel_compiled", "source": "kernels/affine.hip"})
    project = make_project(
        {
            "kernels/affine.hip": empty,
            "kernels/kernels.toml": manifest_text(more=bare),
            f"{PHASE}/01-01-PLAN.md": plan_text([truth]),
        }
    )
    ran = project.run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.output
    assert "store" in ran.said()


_TYPES = contract_text(symbol="affine_kernel").replace("F32, Dims", "F16, F32, Dims")
_TYPES = _TYPES.replace('symbol="affine_kernel"', 'symbol={F32: "affine_kernel", F16: "affine_f16"}')
_TYPES = _TYPES.replace('In("rows cols", F32)', 'In("rows cols", F32 | F16)')
_TYPES = _TYPES.replace('Out("rows cols", F32)', 'Out("rows cols", F32 | F16)')


@pytest.mark.long
def test_types_that_no_binding_drives_are_not_verified(make_project: MakeProject) -> None:
    """The kernel of the other type is empty, and nothing compares it."""
    project = make_project({"kernels/contracts/affine.py": _TYPES})
    project.edit("kernels/kernels.toml", '["affine_kernel"]', '["affine_kernel", "affine_f16"]')
    project.write(
        "kernels/affine.hip",
        project.read("kernels/affine.hip")
        + 'extern "C" __global__ void affine_f16(const _Float16* x, const float* shift, _Float16* out,\n'
        "                                      unsigned rows, unsigned cols) {}\n",
    )
    check = {**CORRECT, "dtypes": ["float32"]}
    project.write(
        f"{PHASE}/01-01-PLAN.md",
        plan_text([(f"{TRUTH} in every element type", check), (f"{TRUTH} for all kernels", check)]),
    )
    ran = project.run()
    assert [ran.verdict(tail) for tail in ("T1", "T2")] == ["unverified"] * 2, ran.output
    assert "affine_f16" in ran.output + str(ran.report)
