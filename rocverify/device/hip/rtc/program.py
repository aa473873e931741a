"""A program of hipRTC, and what comes of compiling it by the toolchain that is there.

The source sees HIP's runtime header without including it, as with AMD's library, and `__HIPCC_RTC__` is
defined. A name expression becomes a constant that holds its address; the symbol that lies there is its
lowered name.
"""

from __future__ import annotations

import io
import re
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path, PurePosixPath

import llvmlite.binding as llvm
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.rtc.gate import RtcGate
from rocverify.errors import ToolchainError
from rocverify.store.tools import run_tool
from rocverify.toolchain.commands import asked_version, compile_command
from rocverify.toolchain.devicelibs import libraries_for
from rocverify.toolchain.discover import Toolchain


class RtcResult(IntEnum):
    """hiprtcResult, as far as compiling gives it."""

    SUCCESS = 0
    INVALID_INPUT = 3
    INVALID_OPTION = 5
    COMPILATION = 6
    NAME_EXPRESSION_NOT_VALID = 10
    INTERNAL_ERROR = 11


@dataclass(frozen=True, slots=True)
class RtcProgram:
    """What hiprtcCompileProgram was given. `headers` are texts by the names that the source includes."""

    source: bytes
    name: str
    headers: Mapping[str, bytes]
    expressions: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RtcOutcome:
    """What came of it: `code` is a code object, or LLVM bitcode (`bitcode`); `lowered` in the order of the
    name expressions; `log` what the compiler said."""

    result: RtcResult
    code: bytes = b""
    log: str = ""
    lowered: tuple[str, ...] = ()
    bitcode: bool = False


PROLOGUE = "#include <hip/hip_runtime.h>\n#ifndef __HIPCC_RTC__\n#define __HIPCC_RTC__ 1\n#endif\n"
"""What comes before a program. The macro is set after the header: ROCm 5's needs more than clang 15 then."""

DEFAULT_FLAGS = ("-O3", "-std=c++17", "-gline-tables-only")
_EXPRESSION = "__rv_name_{}"
_ARCHITECTURE = re.compile(r"(?:--gpu-architecture|--offload-arch|-arch)=(.*)")
_REFUSED = re.compile(r"-o.*|-[cSEx]|-fsyntax-only|--cuda-host-only|-emit-.*|-###|-save-temps.*")
_IGNORED = ("-default-device", "--default-device", "-fno-gpu-rdc")
_RELATIVE64 = 13


def read_program(block: bytes, headers: int, expressions: int, options: int) -> RtcProgram:
    """Reads the block that hiprtc.c sends: length and bytes of each text. HipError if it is damaged."""
    texts = list(_texts(block))
    if len(texts) != 2 + 2 * headers + expressions + options:
        raise HipError("hipErrorInvalidValue", "the program that hipRTC was given is damaged")
    words = [text.decode("utf-8", "surrogateescape") for text in texts]
    names = range(2, 2 + 2 * headers, 2)
    rest = 2 + 2 * headers
    return RtcProgram(
        texts[0],
        words[1],
        {words[i + 1]: texts[i] for i in names},
        tuple(words[rest : rest + expressions]),
        tuple(words[rest + expressions :]),
    )


def _texts(block: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(block):
        (length,) = struct.unpack_from("<Q", block, at)
        yield block[at + 8 : at + 8 + length]
        at += 8 + length


def compile_program(
    program: RtcProgram, toolchain: Toolchain, target: str, cache_dir: Path, gate: RtcGate | None = None
) -> RtcOutcome:
    """Compiles for `target`, unless an option names another; `gate` says what a project under verification
    may ask for. What is wrong with the program is in the outcome; ToolchainError is raised where the compiler
    cannot do its work."""
    try:
        target, options = _options(program.options, target)
        if gate is not None and (words := gate.refused_option(options, toolchain)) is not None:
            raise _RefusedError(RtcResult.INVALID_OPTION, words)
        with tempfile.TemporaryDirectory(prefix="rocverify-rtc-") as scratch:
            folder = Path(scratch)
            source = _write(program, folder)
            return _compiled(program, source, folder, toolchain, target, options, cache_dir, gate)
    except _RefusedError as error:
        return RtcOutcome(error.result, log=f"{error}\n")


class _RefusedError(Exception):
    """What a program was given cannot be compiled."""

    def __init__(self, result: RtcResult, words: str) -> None:
        super().__init__(words)
        self.result = result


def _options(given: Sequence[str], target: str) -> tuple[str, tuple[str, ...]]:
    """The target, and the compiler's options."""
    kept = []
    for option in given:
        if match := _ARCHITECTURE.fullmatch(option):
            target = match[1]
            if not target.startswith("gfx"):
                raise _RefusedError(
                    RtcResult.INVALID_OPTION, f"error: {option}: no AMD GPU is named like this"
                )
        elif _REFUSED.fullmatch(option):
            raise _RefusedError(RtcResult.INVALID_OPTION, f"error: {option}: hipRTC decides what is written")
        elif option not in _IGNORED:
            kept.append(option)
    return target, tuple(kept)


def _write(program: RtcProgram, folder: Path) -> str:
    """Writes the source and its headers; gives the source's name. Headers lie in a folder of their own, so
    that none of them replaces the source."""
    headers = folder / "headers"
    headers.mkdir()
    for name, text in program.headers.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise _RefusedError(RtcResult.INVALID_INPUT, f"error: a header cannot be named {name!r}")
        (headers / path).parent.mkdir(parents=True, exist_ok=True)
        (headers / path).write_bytes(text)
    (folder / "prologue.h").write_text(PROLOGUE, encoding="ascii")
    source = re.sub(r"[^\w.+-]", "_", PurePosixPath(program.name).name).lstrip("-.") or "program.hip"
    asked = "".join(
        f'\n#line 1 "name expression {expression}"\nextern "C" __device__ __attribute__((used)) '
        f"const void *const {_EXPRESSION.format(number)} = (const void *)(&({_entity(expression)}));\n"
        for number, expression in enumerate(program.expressions)
    )
    (folder / source).write_bytes(program.source + asked.encode("utf-8", "surrogateescape"))
    return source


def _entity(expression: str) -> str:
    """What a name expression names: variables are also written as their addresses, `&table`."""
    return expression.strip().removeprefix("&")


def _compiled(
    program: RtcProgram,
    source: str,
    folder: Path,
    toolchain: Toolchain,
    target: str,
    options: tuple[str, ...],
    cache_dir: Path,
    gate: RtcGate | None,
) -> RtcOutcome:
    bitcode = "-fgpu-rdc" in options
    every = (*DEFAULT_FLAGS, "-include", "prologue.h", "-I", "headers", *options)
    libraries = libraries_for(toolchain, target, asked_version(every), cache_dir)
    command = compile_command(toolchain, source, target, every, libraries=str(libraries.folder))
    if bitcode:
        command = (*command, "-emit-llvm")
    written = ("-MD", "-MF", "output.d", "-o", "output")
    run = run_tool([*command, *written], timeout_s=toolchain.timeout_s, cwd=folder)
    if gate is not None:
        words = gate.refused_file(command, folder / "output.d", toolchain, folder)
        if words is not None:
            raise _RefusedError(RtcResult.COMPILATION, words)
    log = run.output + run.log
    if run.returncode < 0 or run.returncode > 1:
        raise ToolchainError(f"the compiler broke (exit status {run.returncode})\n{log}", where=source)
    if run.returncode:
        return RtcOutcome(RtcResult.COMPILATION, log=log)
    code = (folder / "output").read_bytes()
    named = names_in_bitcode(code) if bitcode else names_in_code(code)
    lowered = []
    for number, expression in enumerate(program.expressions):
        if (symbol := named.get(_EXPRESSION.format(number))) is None:
            log += f"error: {expression!r} names no kernel and no variable of the device\n"
            return RtcOutcome(RtcResult.NAME_EXPRESSION_NOT_VALID, log=log)
        lowered.append(symbol)
    return RtcOutcome(RtcResult.SUCCESS, code, log, tuple(lowered), bitcode)


def names_in_code(code: bytes) -> dict[str, str]:
    """The symbol that each constant of a name expression points to, by the relocations of a code object."""
    elf = ELFFile(io.BytesIO(code))
    symbols: dict[int, str] = {}
    constants: dict[int, str] = {}
    prefix = _EXPRESSION.format("")
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection):
            for symbol in section.iter_symbols():
                table = constants if symbol.name.startswith(prefix) else symbols
                if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT"):
                    table.setdefault(symbol["st_value"], symbol.name)
    named = {}
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection):
            for relocation in section.iter_relocations():
                constant = constants.get(relocation["r_offset"])
                pointed = relocation.entry.get("r_addend")
                if constant and relocation["r_info_type"] == _RELATIVE64 and pointed in symbols:
                    named[constant] = symbols[pointed]
    return named


def names_in_bitcode(code: bytes) -> dict[str, str]:
    """The same, by the initial values of an LLVM module."""
    text = str(llvm.parse_bitcode(code, llvm.create_context()))
    pattern = rf'^@({_EXPRESSION.format("")}\d+) = .*@(?:"([^"]+)"|([\w.$]+))[\s,)]'
    return {match[1]: match[2] or match[3] for match in re.finditer(pattern, text, re.MULTILINE)}
