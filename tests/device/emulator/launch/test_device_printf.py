"""Device printf, assert and memory: what kernels ask of the host."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.launch.printf import formatted
from rocverify.device.emulator.machine import LaunchStats, LoadedModule, Machine
from rocverify.errors import DeviceError
from tests.device.emulator.compiling import compiled, line_of

SOURCE = Path(__file__).parents[1] / "talking.hip"
TIMEOUT_S = 60.0
VARIANTS = [
    pytest.param(("clang-19", 5, ()), id="clang-19 v5"),
    pytest.param(("clang-19", 4, ()), id="clang-19 v4", marks=pytest.mark.long),
    pytest.param(("clang-15", 4, ()), id="clang-15 v4", marks=pytest.mark.long),
    pytest.param(("clang-19", 5, ("-mwavefrontsize64",)), id="wave64", marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=VARIANTS)
def module(request: pytest.FixtureRequest, machine: Machine, translations: Path) -> Iterator[LoadedModule]:
    compiler, version, more = request.param
    flags = (
        "-O1",
        "-gline-tables-only",
        f"-DCODE_OBJECT_VERSION={version}",
        f"-mcode-object-version={version}",
    )
    loaded = machine.load(compiled(translations, SOURCE, compiler, *flags, *more), SOURCE.name)
    yield loaded
    machine.unload(loaded)


@pytest.fixture
def buffer(machine: Machine) -> Iterator[int]:
    address = machine.memory.malloc(4096, "buffer")
    machine.memory.fill(address, 0, 4096)
    yield address
    machine.memory.free(address)


def _launch(machine: Machine, module: LoadedModule, name: str, layout: str, *values: float, grid: int = 1,
            block: int = 1) -> LaunchStats:  # fmt: skip
    kernarg = struct.pack("<" + layout, *values)
    kernel = module.kernel(name)
    return machine.launch(kernel, (grid, 1, 1), (block, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)


@pytest.mark.long
def test_conversions(machine: Machine, module: LoadedModule, capsys: pytest.CaptureFixture[str]) -> None:
    n, d, big = 42, -1234.5678, 0x123456789ABCDEF
    stats = _launch(machine, module, "say", "ixxxxdQQ", n, d, 0, big, block=2)
    lines = capsys.readouterr().out.splitlines()
    first = [
        f"{n + me}|{n:5d}|{n:<5d}|{n:05d}|+{n}|{n:x}|0X{n:X}|{n:o}|{n}|{big}|{big:x}|{big}" for me in (0, 1)
    ]
    second = f"{d:f}|{d:.2f}|{d:10.3e}|{d:g}|{d:G}|{_c_hex(d)}|{d:.3f}|{n:6d}|%|q|text|    text|text    |te"
    assert lines == [*first, second, second, *[f"0x1234|{n}|{n}|{n}"] * 2]
    assert "".join(text for stream, text in stats.printed) == "\n".join(lines) + "\n"
    assert {stream for stream, _ in stats.printed} == {"stdout"}


def _c_hex(value: float) -> str:
    """%a as C prints it: Python's hex() without the zeros at the end of the digits."""
    return re.sub(r"0+p", "p", value.hex())


def test_waves_and_workgroups_print_in_order(
    machine: Machine, module: LoadedModule, capsys: pytest.CaptureFixture[str]
) -> None:
    lanes = module.kernel("in_turn").lanes
    _launch(machine, module, "in_turn", "i", 2, grid=3, block=4 * lanes)
    wanted = [
        f"group {group} wave {wave} round {i}" for group in range(3) for i in range(2) for wave in range(4)
    ]
    assert capsys.readouterr().out.splitlines() == wanted


@pytest.mark.long
def test_a_long_text_and_what_printf_returns(
    machine: Machine, module: LoadedModule, buffer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _launch(machine, module, "long_text", "Q", buffer)
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    assert capsys.readouterr().out == f"{'0123456789 ' * 7}{alphabet * 3}\n"
    assert struct.unpack("<i", machine.memory.read(buffer, 4)) == (7 * 11 + 26 * 3 + 1,)


def test_an_assertion_that_fails(
    machine: Machine, module: LoadedModule, buffer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.memory.write(buffer, struct.pack("<64i", *range(64)))
    _launch(machine, module, "checked", "Qi", buffer, 64, block=64)
    with pytest.raises(KernelFaultError) as caught:
        _launch(machine, module, "checked", "Qi", buffer, 62, block=64)
    report, line = caught.value.report, line_of(SOURCE, "// the assertion")
    assert report.kind == "trap"
    assert report.message.startswith(f"talking.hip:{line}: ")
    assert "Device-side assertion `x[i] < n' failed." in report.message
    assert report.source_line == f"talking.hip:{line}"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [report.message] * 2


@pytest.mark.long
def test_an_absurd_width_is_refused(machine: Machine, module: LoadedModule) -> None:
    with pytest.raises(DeviceError, match="characters: at most"):
        _launch(machine, module, "padded", "i", 1 << 30)


@pytest.mark.parametrize(("service", "name"), [(1, "function_call"), (4, "sanitizer"), (77, "unknown")])
def test_what_the_host_does_not_serve_is_named(
    machine: Machine, module: LoadedModule, service: int, name: str
) -> None:
    with pytest.raises(DeviceError, match=rf"unsupported: hostcall service {service} \({name}\)") as caught:
        _launch(machine, module, "other_service", "i", service)
    assert caught.value.where == "other_service"


@pytest.mark.long
def test_device_memory_outlives_the_launch(machine: Machine, module: LoadedModule, buffer: int) -> None:
    before = machine.memory.used
    _launch(machine, module, "ask_for_memory", "Q", buffer, block=8)
    kept = struct.unpack("<8Q", machine.memory.read(buffer, 64))
    assert len(set(kept)) == 8
    assert machine.memory.used == before + 8 * 64
    _launch(machine, module, "give_back", "QQ", buffer, buffer + 1024, block=8)
    assert struct.unpack("<8I", machine.memory.read(buffer + 1024, 32)) == tuple(3 * i for i in range(8))
    assert machine.memory.used == before


def test_use_after_the_kernel_gave_back(machine: Machine, module: LoadedModule, buffer: int) -> None:
    with pytest.raises(KernelFaultError) as caught:
        _launch(machine, module, "use_after_giving_back", "Q", buffer)
    report = caught.value.report
    assert (report.kind, report.access) == ("global", "store")
    assert "freed" in report.message
    assert (report.source_line or "").endswith(f":{line_of(SOURCE, '// too late')}")


def test_nothing_is_left_behind(
    machine: Machine, module: LoadedModule, capsys: pytest.CaptureFixture[str]
) -> None:
    before = machine.memory.used
    _launch(machine, module, "in_turn", "i", 1)
    assert machine.memory.used == before
    assert capsys.readouterr().out


# ---- the formatting alone


def _message(template: bytes, *arguments: int | float | bytes) -> bytes:
    parts = [_padded(template)]
    for argument in arguments:
        match argument:
            case bytes():
                parts.append(_padded(argument))
            case float():
                parts.append(struct.pack("<d", argument))
            case _:
                parts.append(struct.pack("<Q", argument & (1 << 64) - 1))
    return b"".join(parts)


def _padded(text: bytes) -> bytes:
    return text + bytes(8 - len(text) % 8)


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.sampled_from("-+ 0"), st.integers(0, 40))
def test_integers_as_python_prints_them(value: int, flag: str, width: int) -> None:
    form = f"<%{flag}{width or ''}d>"
    assert formatted(_message(form.encode(), value)) == (form % value).encode()


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from("eEfFgG"), st.integers(0, 20))
def test_floats_as_python_prints_them(value: float, kind: str, precision: int) -> None:
    form = f"%.{precision}{kind}"
    assert formatted(_message(form.encode(), value)) == (form % value).encode()


@given(st.binary(max_size=60).map(lambda text: text.replace(b"\0", b"")), st.integers(0, 30))
def test_strings_of_every_length(text: bytes, precision: int) -> None:
    data = _message(b"%s|%.*s|%d", text, precision, text, 7)
    assert formatted(data) == text + b"|" + text[:precision] + b"|7"


@given(st.binary(max_size=64))
def test_damaged_messages_end_in_an_error_or_a_text(data: bytes) -> None:
    try:
        text = formatted(data)
    except DeviceError:
        return
    literal = data.partition(b"\0")[0].partition(b"%")[0]
    assert text.startswith(literal)


@pytest.mark.parametrize(
    ("form", "argument", "text"),
    [
        (b"%hhd", 0x1FF, b"-1"), (b"%hd", 0x18000, b"-32768"), (b"%d", 0x1_0000_0005, b"5"),
        (b"%lld", -5, b"-5"), (b"%u", -1, b"4294967295"), (b"%llu", -1, b"18446744073709551615"),
        (b"%#o", 8, b"010"), (b"%c", 0x141, b"A"), (b"%p", 0xBEEF, b"0xbeef"), (b"%n|", 1, b"|"),
    ],
)  # fmt: skip
def test_lengths_and_kinds(form: bytes, argument: int, text: bytes) -> None:
    assert formatted(_message(form, argument)) == text


def test_arguments_that_are_missing_end_the_text() -> None:
    assert formatted(_message(b"a%db%dc", 1)) == b"a1b"


@pytest.mark.parametrize("form", [b"%y", b"%", b"%5", b"%.", b"%ll"])
def test_conversions_that_c_does_not_have(form: bytes) -> None:
    with pytest.raises(DeviceError, match="no conversion begins"):
        formatted(_message(form, 1))
