"""Sabotages of the Rust host: what real projects shipped, at several depths, in comments and behind `cfg`."""

from __future__ import annotations

from tests.hosts.host import Sabotage
from tests.sabotage.sabotage import At, Edit

ROPE, ATTENTION, BLOCK = "src/rope.rs", "src/attention.rs", "src/block.rs"
ROTARY, WRAPPERS = "src/kernels/rotary.rs", "src/kernels/attention.rs"
_ROTATED = "        rope_gpu_kernel(x, cos, sin, seq_len, heads, self.head_dim)\n"
_SOFTMAX = "    softmax_gpu_kernel(&mut scores, seq, seq)?;\n"
_HANDED = "        &mut {}_arg as *mut _ as *mut c_void,\n"
_DOWNLOAD = "    let _seen = {}.to_host_vec()?;\n"

SABOTAGES = (
    Sabotage(
        "kernel commented out of the build",
        "01-01",
        (
            Edit(
                "build.rs",
                '    ("kernels/weighted_values.hip", "WEIGHTED_VALUES',
                '    // ("kernels/weighted_values.hip", "WEIGHTED_VALUES',
            ),
        ),
        {"L1": "key_link", "T1": "artifact"},
        ("WEIGHTED_VALUES_HSACO", "comment", At("build.rs", '// ("kernels')),
        fast=True,
    ),
    Sabotage(
        "intrinsic that HIP lacks",
        "01-01",
        (Edit("kernels/softmax.hip", "value += __shfl_down(value", "value += __shfl_down_f32(value"),),
        {"T2": "kernel_compiled", "T1": "kernel_compiled"},
        ("use of undeclared identifier '__shfl_down_f32'", At("kernels/softmax.hip", "__shfl_down_f32")),
    ),
    Sabotage(
        "intrinsic named in code that is not built",
        "01-02",
        (
            Edit(
                "kernels/softmax.hip",
                "__device__ float block_sum",
                "#ifdef __HIP_PLATFORM_AMD__\n"
                "__device__ float cuda_sum(float v) { return __shfl_down_f32(v, 1); }\n"
                "#endif\n__device__ float block_sum",
            ),
        ),
        {"T1": "absent", "T7": "resources"},
        ("__shfl_down_f32", At("kernels/softmax.hip", "cuda_sum")),
        error={"T3": "constant_value"},
    ),
    Sabotage(
        "more LDS than there is",
        "01-01",
        (
            Edit(
                "kernels/softmax.hip",
                "__shared__ float shared[BLOCK_SIZE];",
                "__shared__ float shared[33280];",
            ),
        ),
        {"T2": "kernel_compiled", "T1": "kernel_compiled"},
        ("133120", "65536", "kernels/softmax.hip"),
    ),
    Sabotage(
        "kernel that stores nothing",
        "01-01",
        (Edit("kernels/swiglu.hip", "if (i < count) out[i]", "if (i < count && count < 0) out[i]"),),
        {"T1": "kernel_compiled"},
        ("swiglu_kernel writes nothing to memory", "kernels/swiglu.hip"),
    ),
    Sabotage(
        "waves of 64 lanes in the kernel",
        "01-02",
        (Edit("kernels/softmax.hip", "#define WARP_SIZE 32", "#define WARP_SIZE 64"),),
        {"T3": "constant_value"},
        ("WARP_SIZE", "64", At("kernels/softmax.hip", "WARP_SIZE 64")),
    ),
    Sabotage(
        "waves of 64 lanes on the host",
        "01-02",
        (Edit("src/lib.rs", "WARP_SIZE: u32 = 32", "WARP_SIZE: u32 = 64"),),
        {"T5": "constant_value"},
        ("WARP_SIZE", "64", At("src/lib.rs", "= 64")),
    ),
    Sabotage(
        "unfinished work in a comment",
        "01-02",
        (Edit(WRAPPERS, "/// Masks the keys", "// TODO: other masks\n/// Masks the keys"),),
        {"T6": "absent"},
        ("TODO", At(WRAPPERS, "TODO")),
    ),
    Sabotage(
        "export left in a comment",
        "01-01",
        (Edit("src/kernels/mod.rs", "pub use norm::rms", "// pub use norm::rms"),),
        {"A3": "artifact"},
        ("rms_norm_gpu_kernel", "src/kernels/mod.rs"),
    ),
    Sabotage(
        "download in the function that is named",
        "02-01",
        (
            Edit(
                ROPE,
                "        self.rotate_on_device(k",
                "    " + _DOWNLOAD.format("q") + "        self.rotate_on_device(k",
            ),
        ),
        {"T2": "no_host_roundtrip"},
        ("apply_rope_device() -> to_host_vec()", At(ROPE, "to_host_vec")),
    ),
    Sabotage(
        "download one call deeper",
        "02-01",
        (Edit(ROPE, _ROTATED, "    " + _DOWNLOAD.format("x") + _ROTATED),),
        {"T2": "no_host_roundtrip"},
        ("apply_rope_device() -> rotate_on_device() -> to_host_vec()", At(ROPE, "to_host_vec")),
    ),
    Sabotage(
        "download two calls deeper, by HIP's own function",
        "02-01",
        (
            Edit(
                ROTARY,
                '    let function = Function::load(env!("ROPE_HSACO")',
                "    let mut first = 0.0f32;\n"
                "    let first_ptr = &mut first as *mut f32 as *mut c_void;\n"
                "    use crate::hip::ffi;\n"
                "    unsafe { ffi::hipMemcpy(first_ptr, x.as_ptr(), 4, ffi::MEMCPY_DEVICE_TO_HOST) };\n"
                '    let function = Function::load(env!("ROPE_HSACO")',
            ),
        ),
        {"T2": "no_host_roundtrip"},
        (
            "apply_rope_device() -> rotate_on_device() -> rope_gpu_kernel() -> hipMemcpy()",
            At(ROTARY, "hipMemcpy"),
        ),
    ),
    Sabotage(
        "failed launch that the CPU makes up for",
        "02-01",
        (
            Edit(
                ROPE,
                _ROTATED,
                "        rope_gpu_kernel(x, cos, sin, seq_len, heads, self.head_dim).or_else(|error| {\n"
                '            eprintln!("no GPU ({error:?}), on the CPU");\n'
                "            crate::reference::rope_cpu(&[], &self.cos, &self.sin, heads, self.head_dim);\n"
                "            Ok(())\n"
                "        })\n",
            ),
        ),
        {"T2": "no_host_roundtrip"},
        (
            "swallows a failed launch",
            "on .or_else: computes on the host (rope_cpu",
            "reached by Rope::apply_rope_device → rotate_on_device",
            At(ROPE, "rope_gpu_kernel(x, cos, sin, seq_len, heads, self.head_dim).or_else"),
        ),
        fast=True,
    ),
    Sabotage(
        "call commented out",
        "02-01",
        (
            Edit(
                ROPE,
                _ROTATED,
                "        // rope_gpu_kernel(x, cos, sin, seq_len, heads, self.head_dim)\n        Ok(())\n",
            ),
        ),
        {"L1": "key_link", "T3": "key_link"},
        ("apply_rope_device", "rope_gpu_kernel", ROPE),
    ),
    Sabotage(
        "call behind a cfg that only tests have",
        "03-01",
        (Edit(ATTENTION, _SOFTMAX, "    #[cfg(test)]\n" + _SOFTMAX),),
        {"L1": "key_link"},
        ("softmax_gpu_kernel", At(ATTENTION, "softmax_gpu_kernel(&mut")),
    ),
    Sabotage(
        "call behind a return",
        "03-01",
        (Edit(ATTENTION, "    if config.causal {\n", "    return Ok(scores);\n    if config.causal {\n"),),
        {"L3": "key_link", "L1": "key_link"},
        ("causal_mask_gpu_kernel", At(ATTENTION, "causal_mask_gpu_kernel(&mut")),
    ),
    Sabotage(
        "fallback to the CPU",
        "03-01",
        (
            Edit(
                ATTENTION,
                "    Ok(scores)\n",
                "    if scores.is_empty() {\n"
                "        crate::reference::attention_cpu(&[], &[], &[], seq, 1, true);\n    }\n"
                "    Ok(scores)\n",
            ),
        ),
        {"A1": "artifact"},
        ("attention_cpu", At(ATTENTION, "attention_cpu")),
    ),
    Sabotage(
        "an argument left out of the array",
        "02-01",
        (
            Edit(ROTARY, "[*mut c_void; 6]", "[*mut c_void; 5]"),
            Edit(ROTARY, "        &mut heads_arg as *mut _ as *mut c_void,\n", ""),
        ),
        {"T1": "wrapper_present"},
        ("hands over 5 arguments", "rope_kernel takes 6", At(ROTARY, "function.launch")),
    ),
    Sabotage(
        "two arguments exchanged",
        "02-01",
        (
            Edit(
                ROTARY,
                _HANDED.format("heads") + _HANDED.format("head_dim"),
                _HANDED.format("head_dim") + _HANDED.format("heads"),
            ),
        ),
        {"T1": "wrapper_present"},
        ("argument 4 of rope_kernel (heads)", "head_dim_arg", At(ROTARY, "function.launch")),
    ),
    Sabotage(
        "eight bytes for a length of four",
        "04-01",
        (Edit("src/kernels/norm.rs", "cols as i32", "cols as i64"),),
        {"T1": "wrapper_present"},
        (
            "argument 3 of rms_norm_kernel (cols)",
            "i64, 8 bytes",
            At("src/kernels/norm.rs", "function.launch"),
        ),
    ),
    Sabotage(
        "blocks above what the kernel is compiled for",
        "04-01",
        (Edit("src/kernels/mod.rs", "BLOCK_SIZE: u32 = 256", "BLOCK_SIZE: u32 = 512"),),
        {"T1": "wrapper_present"},
        (
            "blocks of 512 x 1 x 1",
            "rms_norm_kernel takes at most 256",
            At("src/kernels/norm.rs", "function.launch"),
        ),
    ),
    Sabotage(
        "LDS of a fixed size for a kernel that indexes a row",
        "03-01",
        (Edit(WRAPPERS, "(seq_k * size_of::<f32>()) as u32", "256"),),
        {"T1": "wrapper_present"},
        ("256", "seq_k", At(WRAPPERS, "shared_bytes = 256")),
    ),
    Sabotage(
        "test that is ignored",
        "02-02",
        (
            Edit(
                "tests/kernels.rs", "#[test]\nfn rope_matches_cpu", "#[test]\n#[ignore]\nfn rope_matches_cpu"
            ),
        ),
        {"A1": "artifact"},
        ("#[ignore]", At("tests/kernels.rs", "#[ignore]")),
    ),
    Sabotage(
        "limit that is one too small",
        "03-02",
        (Edit("src/lib.rs", "MAX_SEQ_LEN: usize = 4096", "MAX_SEQ_LEN: usize = 4095"),),
        {"T4": "constant_value"},
        ("MAX_SEQ_LEN", "4095", At("src/lib.rs", "4095")),
    ),
)
