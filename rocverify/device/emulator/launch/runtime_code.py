"""The runtime (runtime/*.c) as LLVM bitcode: a wheel carries it, a source checkout has clang make it.

The bitcode names no CPU. It is optimised for one level of x86-64 or for AArch64 when it is made; LLVM makes
machine code of it for the CPU that is there, in the process that runs it.
"""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llvmlite.binding as llvm
import zstandard

from rocverify.errors import ToolchainError
from rocverify.store.digests import digest_of

SOURCES = Path(__file__).parents[1] / "runtime"
PREBUILT = SOURCES / "prebuilt"
DIGEST_FILE = "sources.sha256"
TIMEOUT_S = 120

TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}
LEVELS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "x86_64": {
        "x86-64-v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
        "x86-64-v3": ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
        "x86-64-v2": (),
    },
    "aarch64": {"generic": ()},
}
"""By machine: the CPUs that bitcode is optimised for, the best first, and the features that one needs."""

FLAGS = ("-x", "c", "-std=c11", "-O3", "-Xclang", "-disable-llvm-passes", "-ffreestanding", "-fPIC")
_OF_A_CPU = re.compile(r' "(?:target-cpu|target-features|tune-cpu)"="[^"]*"')


def sources_digest() -> str:
    """Digest of all that the bitcode is made of."""
    made_of = [*sorted(SOURCES.glob("*.[ch]")), Path(__file__)]
    return digest_of("runtime", *FLAGS, *(path.read_bytes() for path in made_of))


def level_here() -> str:
    """The best of the CPUs that this one can stand for."""
    features = llvm.get_host_cpu_features()
    levels = LEVELS[_machine()]
    return next(name for name, needed in levels.items() if all(features.get(one) for one in needed))


def bitcode(clang: Path | None) -> bytes:
    """The runtime for this machine. ToolchainError where no wheel carries it, and there is no clang, or it
    fails."""
    level = level_here()
    prebuilt = PREBUILT / f"{level}.bc.zst"
    if prebuilt.is_file() and (PREBUILT / DIGEST_FILE).read_text(encoding="ascii") == sources_digest():
        return zstandard.decompress(prebuilt.read_bytes())
    if clang is None:
        raise ToolchainError(
            "rocverify runs from its sources, and no clang is there to compile the emulator's runtime",
            hint="install clang (on Debian, apt-get install clang-19), or rocverify's wheel: it needs none",
        )
    return made(clang, _machine(), [level])[level]


def write_prebuilt(folder: Path, clang: Path) -> None:
    """All bitcode, for a wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    for machine, levels in LEVELS.items():
        for level, data in made(clang, machine, list(levels)).items():
            (folder / f"{level}.bc.zst").write_bytes(zstandard.compress(data, 19))
    (folder / DIGEST_FILE).write_text(sources_digest(), encoding="ascii")


def made(clang: Path, machine: str, levels: list[str]) -> dict[str, bytes]:
    """Bitcode for a machine by the level that it is optimised for. ToolchainError with the compiler's
    words."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    text = _linked(clang, TRIPLES[machine])
    return {level: _optimised(text, TRIPLES[machine], level) for level in levels}


def _linked(clang: Path, triple: str) -> str:
    """All sources as one module, as IR that no pass has seen and no CPU is named in."""
    sources = sorted(SOURCES.glob("*.c"))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda source: _compiled(clang, triple, source, Path(folder)), sources))
        first, *rest = [llvm.parse_bitcode(path.read_bytes()) for path in paths]
    for other in rest:
        first.link_in(other)
    return _OF_A_CPU.sub("", str(first))


def _compiled(clang: Path, triple: str, source: Path, folder: Path) -> Path:
    from rocverify.store.tools import run_tool  # not where nothing is compiled

    output = folder / f"{source.stem}.bc"
    command = [clang, f"--target={triple}", *FLAGS, "-emit-llvm", "-c", "-o", output, source]
    done = run_tool([str(word) for word in command], timeout_s=TIMEOUT_S)
    if done.returncode:
        raise ToolchainError(
            f"{clang.name} cannot compile the emulator's runtime:\n{done.log.strip()}",
            hint=f"the emulator needs a clang that compiles for {triple}",
        )
    return output


def _optimised(text: str, triple: str, cpu: str) -> bytes:
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    result: bytes = module.as_bitcode()
    return result


def _machine() -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine())
    if machine not in LEVELS:
        raise ToolchainError(
            f"the emulator does not run on {machine}", hint=f"it runs on {', '.join(LEVELS)}"
        )
    return machine
