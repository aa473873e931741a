"""Which kernel a symbol is, and which variant of it."""

from __future__ import annotations

import pytest

from rocverify.runner.variants import variant_of


@pytest.mark.parametrize(
    ("symbol", "kernel", "variant", "dtype"),
    [
        ("rope_kernel", "rope_kernel", "", None),
        ("rope_kernel_bf16", "rope_kernel", "", "bfloat16"),
        ("flash_kernel_d64", "flash_kernel", "d64", None),
        ("flash_kernel_d64_f16", "flash_kernel", "d64", "float16"),
        ("gemm_f32_16x16x32", "gemm", "16x16x32", "float32"),
        ("gemm_tile16_b4", "gemm", "tile16_b4", None),
        ("row_reduce2", "row_reduce2", "", None),
        ("k", "k", "", None),
        ("_Z4gemmIfLi64EEvPT_", "gemm", "<float, 64>", None),
        ("_ZN2ns4gemmIfEEvPT_", "ns::gemm", "<float>", None),
        ("_Z5plainPfi", "plain", "", None),
    ],
)
def test_names_of_kernels(symbol: str, kernel: str, variant: str, dtype: str | None) -> None:
    found = variant_of(symbol)
    assert (found.kernel, found.variant, found.dtype) == (kernel, variant, dtype)
    assert symbol in found.names


def test_a_template_is_named_with_and_without_its_namespace() -> None:
    assert variant_of("_ZN2ns4gemmIfEEvPT_").names[1:] == ("ns::gemm<float>", "gemm<float>")
