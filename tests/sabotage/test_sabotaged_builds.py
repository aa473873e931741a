"""Sabotage of the build: sources that do not compile, are gone, or hold other kernels."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import ENTRY, HIP, MANIFEST, ROTATE
from tests.sabotage.sabotage import At, Delete, Edit, Sabotage, check, every

SABOTAGES = (
    Sabotage(
        "rope.hip has a syntax error",
        (Edit(HIP, "const unsigned token = blockIdx.x;", "const unsigned token = blockIdx.x"),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A2": "artifact",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness*3",
        },
        says={
            "16-01/T1/kernel_compiled": (
                "kernels/rope.hip does not compile for gfx1100: expected ';'",
                At(HIP, "token = blockIdx.x"),
                "const unsigned token = blockIdx.x",
                "correct the source",
            ),
            "16-01/T1/wrapper_present": (
                "does not compile for gfx1100: expected ';'",
                At(HIP, "token = blockIdx.x"),
                "1 error generated",
            ),
        },
    ),
    Sabotage(
        "rope.hip is deleted",
        (Delete(HIP),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A2": "artifact",
            "16-01/L1": "key_link",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness*3",
            "16-02/L1": "key_link",
        },
        says={
            "16-01/T1/kernel_compiled": (
                "kernels/rope.hip does not exist, but the build manifest lists it",
                At(MANIFEST, "[[kernel]]"),
                "restore kernels/rope.hip",
            ),
            "16-01/A2/artifact": ("kernels/rope.hip: does not exist",),
        },
    ),
    Sabotage(
        "rope.hip is removed from the manifest",
        (Edit(MANIFEST, ENTRY, ""),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3 artifact",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A1": "artifact",
            "16-01/L1": "key_link",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness*3",
        },
        says={
            "16-01/T1/kernel_compiled": (
                "kernels/rope.hip is not in the build manifest kernels/kernels.toml",
                'add [[kernel]] with source = "kernels/rope.hip"',
            ),
            "16-01/T1/wrapper_present": (
                "kernels/kernels.toml has no entry for kernels/rope.hip: nothing is built to launch",
            ),
            "16-02/T1/correctness": (
                "kernels/kernels.toml: has no entry for kernels/rope.hip",
                "add [[kernel]]",
            ),
        },
    ),
    Sabotage(
        "rope.hip is commented out in the manifest",
        (Edit(MANIFEST, ENTRY, "".join(f"# {line}\n" for line in ENTRY.splitlines())),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3 artifact",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A1": "artifact",
            "16-01/L1": "key_link",
        },
        says={
            "16-01/T1/kernel_compiled": ("kernels/rope.hip is not in the build manifest",),
            "16-01/L1/key_link": ("matches only comments", At(MANIFEST, '# source = "kernels/rope.hip"')),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "the manifest is no TOML",
        (Edit(MANIFEST, "[defaults]", "[defaults"),),
        shows=("kernels/kernels.toml:4: is not valid TOML", "hint: correct the line"),
        exit_code=2,
    ),
    Sabotage(
        "more LDS than there is",
        (
            Edit(
                HIP,
                ROTATE,
                "  __shared__ volatile float tile[33280];\n"
                "  tile[threadIdx.x] = cos[angle];\n" + ROTATE.replace("cos[angle]", "tile[threadIdx.x]"),
            ),
        ),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A2": "artifact",
        },
        says={
            "16-01/T1/kernel_compiled": (
                "local memory (133120) exceeds limit (65536) in 'rope_kernel'",
                At(HIP, "void rope_kernel("),
            )
        },
        run="plan 16-01",
    ),
    Sabotage(
        "an intrinsic that HIP lacks",
        (Edit(HIP, ROTATE, ROTATE.replace("cos[angle]", "__shfl_down_f32(cos[angle], 0)")),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A2": "artifact",
        },
        says={
            "16-01/T1/kernel_compiled": (
                "use of undeclared identifier '__shfl_down_f32'",
                At(HIP, "__shfl_down_f32"),
            )
        },
        run="plan 16-01",
    ),
    Sabotage(
        "a kernel is renamed",
        (Edit(HIP, "void rope_kernel_bf16(", "void rope_bf16_kernel("),),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present wrapper_present.3",
            "16-01/T2": "no_host_roundtrip",
        },
        says={
            "16-01/T1/kernel_compiled": ("has no kernel rope_kernel_bf16; it has rope_bf16_kernel",),
            "16-01/T1/wrapper_present": ("there is no kernel 'rope_kernel_bf16'",),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "a kernel's name is mangled",
        (
            Edit(
                HIP,
                'extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel_f16',
                "__global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel_f16",
            ),
        ),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present wrapper_present.3",
            "16-01/T2": "no_host_roundtrip",
        },
        says={"16-01/T1/kernel_compiled": ("has no kernel rope_kernel_f16; it has _Z15rope_kernel_f16",)},
        run="plan 16-01",
    ),
    Sabotage(
        "the kernel stands only in a comment",
        (
            Edit(
                HIP,
                'extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel(',
                '/* extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel(',
            ),
            Edit(
                HIP,
                "  rope<float, PairLayout::kHalfSplit>(x, cos, sin, seq, heads, head_dim);\n}",
                "  rope<float, PairLayout::kHalfSplit>(x, cos, sin, seq, heads, head_dim);\n} */",
            ),
        ),
        failed={
            "16-01/T1": "kernel_compiled wrapper_present wrapper_present.3",
            "16-01/T2": "no_host_roundtrip",
            "16-01/A2": "artifact",
        },
        says={
            "16-01/T1/kernel_compiled": ("has no kernel rope_kernel; it has",),
            "16-01/A2/artifact": ("matches only comments", At(HIP, "/* extern")),
        },
        run="plan 16-01",
    ),
)


@every(SABOTAGES)
def test_sabotaged_builds(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
