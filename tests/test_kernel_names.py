"""Kernels by mangled, demangled and short names."""

from __future__ import annotations

import pytest

from rocverify import kernel_names
from rocverify.errors import UsageError
from rocverify.kernel_names import choose_kernel, demangled, last_name, parameter_types, same_kernel
from tests.toolchain.support import find_toolchain

FLOAT = "_ZN2ns11row_softmaxIfEEvPT_i"
HALF = "_ZN2ns11row_softmaxI6__halfEEvPT_i"
OTHER = "_ZN2ns5otherENS_1PEfyPi"
ANONYMOUS = "_ZN12_GLOBAL__N_14anonEPi"
PLAIN = "row_max"
KERNELS = (FLOAT, HALF, OTHER, ANONYMOUS, PLAIN)


@pytest.mark.parametrize(
    ("wanted", "kernel"),
    [
        (FLOAT, FLOAT),
        ("void ns::row_softmax<float>(float*, int)", FLOAT),
        ("void ns::row_softmax<float>( float *,int )", FLOAT),
        ("ns::row_softmax<float>(float*, int)", FLOAT),
        ("row_softmax<float>(float*,int)", FLOAT),
        ("ns::row_softmax<float>", FLOAT),
        ("row_softmax<__half>", HALF),
        ("other", OTHER),
        ("ns::other", OTHER),
        ("other(ns::P, float, unsigned long long, int*)", OTHER),
        ("anon", ANONYMOUS),
        ("(anonymous namespace)::anon", ANONYMOUS),
        ("(anonymous namespace)::anon(int*)", ANONYMOUS),
        ("row_max", PLAIN),
    ],
)
def test_names_that_mean_one_kernel(wanted: str, kernel: str) -> None:
    assert choose_kernel(KERNELS, wanted, "k.co") == kernel


def test_an_ambiguous_name_lists_the_candidates() -> None:
    with pytest.raises(UsageError) as caught:
        choose_kernel(KERNELS, "row_softmax", "k.co")
    assert "k.co: has 2 kernels row_softmax:" in str(caught.value)
    assert f"void ns::row_softmax<float>(float*, int)  ({FLOAT})" in str(caught.value)
    assert HALF in str(caught.value)
    assert OTHER not in str(caught.value)


@pytest.mark.parametrize(
    "wanted", ["softmax", "row_softmax<double>", "ns", "row_softmax<float>(int)", "", "("]
)
def test_a_name_that_means_none_lists_what_there_is(wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_kernel(KERNELS, wanted, "k.co")
    assert f"has no kernel {wanted}" in str(caught.value)
    assert "(anonymous namespace)::anon(int*)" in str(caught.value)
    assert PLAIN in str(caught.value)


def test_no_kernel_at_all() -> None:
    with pytest.raises(UsageError, match="it has no kernel"):
        choose_kernel((), "k", "k.co")


def test_what_the_runtime_does_not_know_the_toolchain_does(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_Z3addIDF16_EvPT_"
    tool = find_toolchain("clang-19").demangler
    assert demangled([name], tool) == {name: "void add<_Float16>(_Float16*)"}
    assert choose_kernel([name], "add<_Float16>", "k.co", tool) == name
    monkeypatch.setattr(kernel_names, "_runtime", lambda: None)
    assert demangled([FLOAT, PLAIN], tool)[FLOAT] == "void ns::row_softmax<float>(float*, int)"
    assert demangled([FLOAT]) == {FLOAT: FLOAT}


@pytest.mark.parametrize(
    "name", ["_Z", "_Z1", "_ZN2ns", "_Z1f" + "P" * 100_000 + "i", "_Z" + "I" * 3000, "?"]
)
def test_names_that_are_no_names(name: str) -> None:
    assert demangled([name]) == {name: name}


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("void ns::row_softmax<float>(float*, int)", ("float*", "int")),
        ("f(std::pair<int, float>, void (*)(int, int))", ("std::pair<int, float>", "void (*)(int, int)")),
        ("(anonymous namespace)::f()", ()),
        ("plain", None),
    ],
)
def test_parameter_types(text: str, types: tuple[str, ...] | None) -> None:
    assert parameter_types(text) == types


@pytest.mark.parametrize(
    ("name", "wanted", "same"),
    [
        ("rope", "rope", True),
        ("_Z4fillPfi", "fill", True),
        ("fill", "_Z4fillPfi", True),
        ("_ZN3gpu4fillEPf", "gpu::fill", True),
        ("gpu::fill", "fill", True),
        ("fill", "gpu::fill", True),
        ("gpu::fill", "cpu::fill", False),
        (FLOAT, "row_softmax<float>", True),
        (FLOAT, "row_softmax<double>", False),
        (FLOAT, HALF, False),
        ("fill", "fill_rows", False),
        ("fill", "", False),
        ("", "", True),
    ],
)
def test_two_names_of_one_kernel(name: str, wanted: str, same: bool) -> None:
    assert same_kernel(name, wanted) is same


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("rope", "rope"),
        ("_Z4fillPfi", "fill"),
        ("_ZN3gpu4fillEPf", "fill"),
        ("_Z3addIfEvPT_", "add"),
        ("gpu::fill<float>", "fill"),
        ("_Z", "_Z"),
    ],
)
def test_names_in_the_source(monkeypatch: pytest.MonkeyPatch, symbol: str, name: str) -> None:
    assert last_name(symbol) == name
    monkeypatch.setattr(kernel_names, "_runtime", lambda: None)
    assert last_name(symbol) == name, "without a C++ runtime that reads it"
    assert kernel_names.kernels_called([symbol], name) == (symbol,)
