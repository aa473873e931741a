"""Sabotage of the way: data that leaves the device, and hosts that compute in the kernel's place."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import CALL, IMPORT_HIP, ROPE, RUNTIME
from tests.sabotage.sabotage import HEADS, ROUNDTRIPS, At, Edit, Sabotage, check, every

UPLOADED = """\
        checked("hipMemcpy", hip.hipMemcpy(pointer, contiguous, contiguous.nbytes, to_device))
        yield pointer
    finally:
        checked("hipFree", hip.hipFree(pointer))"""
FREED_EARLY = """\
        checked("hipMemcpy", hip.hipMemcpy(pointer, contiguous, contiguous.nbytes, to_device))
        checked("hipFree", hip.hipFree(pointer))
        yield pointer
    finally:
        pass"""

SABOTAGES = (
    Sabotage(
        "copied to the host and uploaded again",
        (
            IMPORT_HIP,
            Edit(
                ROPE,
                CALL,
                f"""{CALL}
        synchronize(stream)
        host = np.empty(seq * heads * head_dim * (4 if dtype == "float32" else 2), np.uint8)
        hip.hipMemcpy(host, tensor.ptr, host.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
        hip.hipMemcpy(tensor.ptr, host, host.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
""",
            ),
        ),
        failed={"16-01/T2": "no_host_roundtrip*2"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "apply_rope_device copies from the device to the host: hipMemcpy",
                At(ROPE, "hipMemcpyDeviceToHost"),
                "no copy to the host",
            ),
            "16-01/T2/no_host_roundtrip.2": (
                "apply_position_embeddings_device → apply_rope_device",
                At(ROPE, "hipMemcpyDeviceToHost"),
            ),
        },
    ),
    Sabotage(
        "copied to the host and uploaded again, one call deeper",
        (
            Edit(ROPE, "launch, synchronize, uploaded", "launch, settled, synchronize, uploaded"),
            Edit(ROPE, CALL, f"{CALL}        settled(tensor.ptr, seq * heads * head_dim * 2)\n"),
            Edit(
                RUNTIME,
                "def synchronize(",
                '''\
def settled(pointer: Any, size: int) -> None:
    """Makes sure of the data."""
    host = np.empty(size, np.uint8)
    checked("hipMemcpyDtoH", hip.hipMemcpyDtoH(host, pointer, size))
    checked("hipMemcpyHtoD", hip.hipMemcpyHtoD(pointer, host, size))


def synchronize(''',
            ),
        ),
        failed={"16-01/T2": "no_host_roundtrip*2"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "settled copies from the device to the host: hipMemcpyDtoH",
                At(RUNTIME, "hip.hipMemcpyDtoH"),
                "apply_rope_device → settled",
                At(ROPE, "settled(tensor"),
            ),
            "16-01/T2/no_host_roundtrip.2": (
                "apply_position_embeddings_device → apply_rope_device",
                "→ settled",
            ),
        },
        run="plan 16-01",
        options=ROUNDTRIPS,
    ),
    Sabotage(
        "copied back through a name that is put together at run time",
        (
            IMPORT_HIP,
            Edit(
                ROPE,
                CALL,
                f"""{CALL}
        host = np.empty(8, np.uint8)
        getattr(hip, "hip" + "Memcpy")(host, tensor.ptr, 8, hip.hipMemcpyKind(2))
""",
            ),
        ),
        failed={"16-01/T2": "no_host_roundtrip"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "hipMemcpy copies 8 bytes of x from the device to the host after the last launch",
                At(ROPE, "getattr(hip"),
            ),
        },
        run="plan 16-01",
        options=ROUNDTRIPS,
    ),
    Sabotage(
        "computed in NumPy and uploaded",
        (
            IMPORT_HIP,
            Edit(
                ROPE,
                CALL,
                """\
        x_host = np.empty((seq, heads, head_dim), dtype if dtype != "bfloat16" else "float16")
        hip.hipMemcpy(x_host, tensor.ptr, x_host.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
        first, second = np.split(x_host, 2, axis=-1)
        c, s = cos[:, None, :], sin[:, None, :]
        done = np.concatenate([first * c - second * s, first * s + second * c], -1).astype(x_host.dtype)
        hip.hipMemcpy(tensor.ptr, done, done.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
""",
            ),
        ),
        failed={
            "16-01/T1": "wrapper_present.3",
            "16-01/T2": "no_host_roundtrip*2",
            "16-01/T3": "documented.2",
            "16-01/L4": "key_link",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness.3",
        },
        says={
            "16-01/T1/wrapper_present.3": ("apply_rope_device reaches no launch",),
            "16-01/T2/no_host_roundtrip": (
                "there is no GPU path to examine",
                "copies from the device to the host",
                At(ROPE, "hipMemcpyDeviceToHost"),
            ),
            "16-02/T1/correctness": ("rope_kernel was not launched (launched: nothing)",),
        },
    ),
    Sabotage(
        "computed in NumPy and uploaded, the kernel run on a scratch buffer",
        (
            IMPORT_HIP,
            Edit(
                ROPE,
                CALL,
                """\
        x_host = np.empty((seq, heads, head_dim), dtype if dtype != "bfloat16" else "float16")
        getattr(hip, "hip" + "Memcpy")(x_host, tensor.ptr, x_host.nbytes, hip.hipMemcpyKind(2))
        with uploaded(x_host) as scratch:
            rope_gpu_kernel(scratch, cos_ptr, sin_ptr, seq, heads, head_dim, dtype=dtype, stream=stream)
            synchronize(stream)
        first, second = np.split(x_host, 2, axis=-1)
        c, s = cos[:, None, :], sin[:, None, :]
        done = np.concatenate([first * c - second * s, first * s + second * c], -1).astype(x_host.dtype)
        getattr(hip, "hip" + "Memcpy")(tensor.ptr, done, done.nbytes, hip.hipMemcpyKind(1))
""",
            ),
        ),
        failed={"16-01/T2": "no_host_roundtrip"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "no launch of rope_kernel was given x",
                "bytes of x from the device to the host",
                At(ROPE, "hipMemcpyKind(2)"),
                "uploads",
                At(ROPE, "hipMemcpyKind(1)"),
            ),
        },
        run="plan 16-01",
        options=ROUNDTRIPS,
    ),
    Sabotage(
        "the CPU steps in where the launch fails",
        (
            Edit(ROPE, "import ctypes\n", "import ctypes\nimport sys\n"),
            Edit(ROPE, "from kernels.runtime", "from kernels.errors import HipError\nfrom kernels.runtime"),
            Edit(
                ROPE,
                CALL,
                """\
        try:
            rope_gpu_kernel(
                tensor.ptr,
                cos_ptr,
                sin_ptr,
                seq,
                heads,
                head_dim,
                dtype=dtype,
                interleaved=interleaved,
                stream=stream,
            )
            synchronize(stream)
        except HipError as error:
            print(f"falling back to the CPU: {error}", file=sys.stderr)
            _rotated_on_the_cpu(tensor, cos, sin)


def _rotated_on_the_cpu(tensor: Any, cos: Any, sin: Any) -> Any:
    return tensor, cos, sin
""",
            ),
        ),
        failed={"16-01/T2": "no_host_roundtrip*2"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "apply_rope_device swallows a failed launch",
                At(ROPE, "except HipError as error:"),
                "no way around the launch",
            )
        },
        run="plan 16-01",
    ),
    Sabotage(
        "a launch that fails is ignored",
        (
            Edit(ROPE, "from kernels.runtime", "from kernels.errors import HipError\nfrom kernels.runtime"),
            Edit(ROPE, "CODE_OBJECT, symbol, rotary", 'CODE_OBJECT, symbol + "_v2", rotary'),
            Edit(ROPE, "    launch(CODE_OBJECT", "    with suppress(HipError):\n        launch(CODE_OBJECT"),
            Edit(ROPE, "import ctypes\n", "import ctypes\nfrom contextlib import suppress\n"),
        ),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip*2",
        },
        says={
            "16-01/T2/no_host_roundtrip": (
                "rope_gpu_kernel swallows a failed launch",
                At(ROPE, "with suppress(HipError)"),
            )
        },
        run="plan 16-01",
    ),
    Sabotage(
        "the tables are freed before the kernel runs",
        (Edit(RUNTIME, UPLOADED, FREED_EARLY),),
        failed={"16-01/T2": "no_host_roundtrip*2"},
        says={
            "16-01/T2/no_host_roundtrip": (
                "outside every allocation",
                "of the freed allocation",
                "kernel rope_kernel",
                "check the kernel's bounds test",
            )
        },
        run="plan 16-01",
        options=ROUNDTRIPS,
    ),
    Sabotage(
        "the tables are never uploaded",
        (
            Edit(
                RUNTIME,
                'checked("hipMemcpy", hip.hipMemcpy(pointer, contiguous, contiguous.nbytes, to_device))',
                "pass",
            ),
            Edit(RUNTIME, "        to_device = hip.hipMemcpyKind.hipMemcpyHostToDevice\n", ""),
        ),
        failed={"16-02/T1": "correctness*2"},
        says={"16-02/T1/correctness": ("elements of x are wrong",)},
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "uninitialised device memory is read",
        (
            Edit(
                RUNTIME,
                "hip.hipMemcpy(pointer, contiguous, contiguous.nbytes, to_device)",
                "hip.hipMemcpy(pointer, contiguous, contiguous.nbytes - 4, to_device)",
            ),
        ),
        failed={"16-02/T1": "correctness*2"},
        says={"16-02/T1/correctness": ("kernels.rope:apply_rope_device is wrong", "seq index 4 (the last)")},
        run="plan 16-02",
        options=HEADS,
    ),
)


@every(SABOTAGES)
def test_sabotaged_transfers(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
