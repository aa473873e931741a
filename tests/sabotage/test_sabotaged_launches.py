"""Sabotage of the launch: arguments, geometry, symbols and code objects."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import HIP, LAUNCH, PAIR, PARAMETERS, ROPE, RUNTIME, TENSOR
from tests.sabotage.sabotage import HEADS, WRAPPERS, At, Edit, Sabotage, check, every

SABOTAGES = (
    Sabotage(
        "one argument too few",
        (Edit(ROPE, "        ctypes.c_uint32(head_dim),\n", ""),),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness*3",
        },
        says={
            "16-01/T1/wrapper_present": (
                "passes 5 arguments to rope_kernel, which takes 6: x (8 bytes)",
                "rope_gpu_kernel (kernels/rope.py:",
            ),
            "16-01/T1/wrapper_present.3": ("passes 5 arguments", "apply_rope_device (kernels/rope.py:"),
            "16-01/T2/no_host_roundtrip": (
                "hipModuleLaunchKernel returned hipErrorInvalidValue",
                "rope_kernel takes 6 arguments in 36 bytes, the launch passes 32",
            ),
        },
    ),
    Sabotage(
        "two sizes swapped",
        (
            Edit(
                ROPE,
                "        ctypes.c_uint32(seq),\n        ctypes.c_uint32(heads),\n",
                "        ctypes.c_uint32(heads),\n        ctypes.c_uint32(seq),\n",
            ),
        ),
        failed={"16-01/T1": "wrapper_present*3"},
        says={
            "16-01/T1/wrapper_present": (
                "arguments 4 and 5 are swapped: seq and heads",
                "rope_gpu_kernel (kernels/rope.py:",
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "cos and sin swapped",
        (
            Edit(
                ROPE,
                '        device_pointer(cos_ptr, "cos"),\n        device_pointer(sin_ptr, "sin"),\n',
                '        device_pointer(sin_ptr, "sin"),\n        device_pointer(cos_ptr, "cos"),\n',
            ),
        ),
        failed={"16-01/T1": "wrapper_present*2"},
        says={
            "16-01/T1/wrapper_present": (
                "arguments 2 and 3 are swapped: cos and sin",
                "rope_gpu_kernel (kernels/rope.py:",
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "a pointer and a size swapped",
        (
            Edit(
                ROPE,
                '        device_pointer(sin_ptr, "sin"),\n        ctypes.c_uint32(seq),\n',
                '        ctypes.c_uint32(seq),\n        device_pointer(sin_ptr, "sin"),\n',
            ),
        ),
        failed={"16-01/T1": "wrapper_present*3"},
        says={
            "16-01/T1/wrapper_present": (
                "passes 4 bytes more than the 6 arguments of rope_kernel",
                "argument 3 (sin) of rope_kernel is a pointer, 0x",
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "a size of eight bytes",
        (Edit(ROPE, "ctypes.c_uint32(heads)", "ctypes.c_uint64(heads)"),),
        failed={"16-01/T1": "wrapper_present*3"},
        says={"16-01/T1/wrapper_present": ("bytes more than the 6 arguments of rope_kernel",)},
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "a grid one block short along the tokens",
        (Edit(TENSOR, "grid = (seq, ", "grid = (max(seq - 1, 1), "),),
        failed={
            "16-01/T1": "wrapper_present*2 wrapper_present.4 wrapper_present.5",
            "16-02/T1": "correctness*2",
            "16-02/T2": "correctness*2",
            "16-02/T3": "correctness*6",
        },
        says={
            "16-01/T1/wrapper_present": (
                "a grid of (4, 1, 1) workgroups of (32, 4, 1) work-items is too small",
                "40 of 200 elements of x (the first at [4, 0, 0]) untouched",
                "rope_gpu_kernel (kernels/rope.py:",
            ),
            "16-02/T1/correctness": ("the result matches this mistake: the last token not rotated",),
        },
    ),
    Sabotage(
        "a grid one block short along the heads",
        (Edit(TENSOR, "grid = (seq, -(-heads // block_y),", "grid = (seq, max(heads // block_y, 1),"),),
        failed={"16-02/T1": "correctness*2"},
        says={
            "16-02/T1/correctness": (
                "the wrong elements of x all have heads indices",
                "they hold what was there before the launch",
                "replay with --seed 2016",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "an empty grid",
        (Edit(TENSOR, "grid = (seq, ", "grid = (seq - 1, "),),
        failed={"16-01/T1": "wrapper_present*2 wrapper_present.4 wrapper_present.5"},
        says={"16-01/T1/wrapper_present": ("is too small", "rope_gpu_kernel (kernels/rope.py:")},
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "bfloat16 is taken for float16",
        (Edit(TENSOR, '"bfloat16": "_bf16"', '"bfloat16": "_f16"'),),
        failed={"16-01/T1": "wrapper_present*6"},
        says={
            "16-01/T1/wrapper_present": ("launched rope_kernel_f16, rope_kernel_bf16 was expected",),
            "16-01/T1/wrapper_present.6": (
                "launched position_embeddings_kernel_f16, position_embeddings_kernel_bf16 was expected",
            ),
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "a symbol that does not exist",
        (Edit(TENSOR, '"bfloat16": "_bf16"', '"bfloat16": "_bfloat16"'),),
        failed={"16-01/T1": "wrapper_present*6"},
        says={
            "16-01/T1/wrapper_present": (
                "there is no kernel 'rope_kernel_bfloat16': the image has rope_kernel, rope_kernel_f16",
                "in a call of kernels.rope:rope_gpu_kernel",
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "the other pair layout is launched",
        (Edit(ROPE, "if interleaved else", "if not interleaved else"),),
        failed={"16-01/T1": "wrapper_present*3"},
        says={
            "16-01/T1/wrapper_present": ("launched rope_interleaved_kernel, rope_kernel was expected",),
            "16-01/T1/wrapper_present.2": ("launched rope_kernel, rope_interleaved_kernel was expected",),
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "the code object of another kernel",
        (Edit(ROPE, 'CODE_OBJECT = "ROPE_HSACO"', 'CODE_OBJECT = "POSITION_EMBEDDINGS_HSACO"'),),
        failed={"16-01/T1": "wrapper_present*3"},
        says={
            "16-01/T1/wrapper_present": (
                "there is no kernel 'rope_kernel': the image has position_embeddings_kernel",
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "a variable that nobody sets",
        (Edit(ROPE, 'CODE_OBJECT = "ROPE_HSACO"', 'CODE_OBJECT = "ROPE_OLD_HSACO"'),),
        failed={"16-01/T1": "wrapper_present*3"},
        says={
            "16-01/T1/wrapper_present": (
                "CodeObjectMissingError: ROPE_OLD_HSACO is unset",
                At(RUNTIME, "is unset: it names"),
            )
        },
        run="plan 16-01",
        options=WRAPPERS,
    ),
    Sabotage(
        "launched twice",
        (Edit(ROPE, LAUNCH, f"{LAUNCH}{LAUNCH}"),),
        failed={"16-02/T1": "correctness"},
        says={"16-02/T1/correctness": ("the result matches this mistake: rotated twice",)},
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "the launch bounds are smaller than the workgroup",
        (Edit(PAIR, "kMaxWorkgroup = 256;", "kMaxWorkgroup = 32;"),),
        failed={
            "16-01/T1": "wrapper_present*6",
            "16-01/T2": "no_host_roundtrip*2",
        },
        says={
            "16-01/T1/wrapper_present": (
                "a workgroup of (32, 4, 1) has 128 work-items, rope_kernel takes at most 32",
                "rope_gpu_kernel (kernels/rope.py:",
            ),
            "16-01/T2/no_host_roundtrip": ("rope_kernel takes at most 32",),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "a parameter is wider in the kernel",
        (
            Edit(
                HIP,
                PARAMETERS,
                PARAMETERS.replace("unsigned head_dim", "unsigned long head_dim"),
            ),
        ),
        failed={"16-01/T1": "wrapper_present wrapper_present.3", "16-01/T2": "no_host_roundtrip"},
        says={
            "16-01/T1/wrapper_present": (
                "argument 6 (head_dim) of rope_kernel has 8 bytes, c_uint of 4 bytes was passed",
            ),
            "16-01/T2/no_host_roundtrip": (
                "rope_kernel takes 6 arguments in 40 bytes, the launch passes 36",
            ),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "two parameters are swapped in the kernel",
        (
            Edit(
                HIP,
                PARAMETERS,
                PARAMETERS.replace("unsigned seq, unsigned heads", "unsigned heads, unsigned seq"),
            ),
        ),
        failed={"16-01/T1": "wrapper_present wrapper_present.3"},
        says={
            "16-01/T1/wrapper_present.3": (
                "arguments 4 and 5 are swapped: heads and seq",
                "rope_gpu_kernel (kernels/rope.py:",
            )
        },
        run="plan 16-01",
    ),
)


@every(SABOTAGES)
def test_sabotaged_launches(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
