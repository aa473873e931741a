"""The corpus: which kernels there are, how they are compiled, and how one is held against its contract.

A family is a folder with FAMILY.hip, one or several kernels (`extern "C" __global__`), and contracts.py, one
contract for each. Another suite goes through all of them with

    for kernel in corpus_kernels():             # .family .name .reference .source .spec
        built = corpus.compiled(kernel.source, combination, lines=True)
        corpus.verify(kernel, built, cases=2)   # or rocverify.oracle's functions with corpus.session

where `corpus` is a Corpus on an opened device (the fixture of this folder, or Corpus.open elsewhere).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.process.client import RemoteDevice
from rocverify.device.process.tracer import Tracer
from rocverify.oracle.case import typical_case
from rocverify.oracle.consistency import check_parameters
from rocverify.oracle.contract import ContractSpec, Role
from rocverify.oracle.verify import DTypeReport, Plan, verify_dtype
from rocverify.oracle.views import DeviceView
from rocverify.toolchain.build import Builder, BuiltObject
from rocverify.toolchain.manifest import ManifestEntry
from tests.devices import emulated
from tests.fakes.hip_device import FakeSession
from tests.toolchain.support import find_toolchain

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
TARGET = "gfx1100"
SEED = 20

LEVELS = ("-O0", "-O1", "-O2", "-O3")
COMPILERS = ("clang-15", "clang-19")
WAVES = (32, 64)


@dataclass(frozen=True, slots=True)
class CorpusKernel:
    """One contract of the corpus. `reference` names it; `source` is relative to the
    repository's root."""

    family: str
    name: str
    reference: str
    source: str
    spec: ContractSpec

    def __str__(self) -> str:
        return f"{self.family}-{self.name}"

    @property
    def symbols(self) -> frozenset[str]:
        """The kernels that the contract runs: its own, and those of further launches."""
        found = set(self.spec.symbols.values())
        for dtype in self.spec.dtypes:
            dims = typical_case(self.spec, dtype, SEED).dims
            arrays = {
                name: DeviceView(64, array.shape(dims), array.dtype(dtype).name)
                for name, array in self.spec.arrays.items()
                if array.role is not Role.HOST
            }
            found |= {made.symbol for made in self.spec.launches(arrays, dims, dtype) if made.symbol}
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Combination:
    """A way to compile: optimisation level, compiler, lanes of a wave."""

    level: str
    compiler: str
    wave: int

    def __str__(self) -> str:
        return f"{self.level[1:]}-{self.compiler}-wave{self.wave}"

    def flags(self, target: str) -> tuple[str, ...]:
        """For compilers, which take no choice of waves where a target has none."""
        if len(PROCESSORS[target].wave_sizes) == 1:
            return (self.level,)
        return self.level, "-mwavefrontsize64" if self.wave == 64 else "-mno-wavefrontsize64"


USUAL = Combination("-O3", "clang-19", 32)
COMBINATIONS = tuple(Combination(*parts) for parts in product(LEVELS, COMPILERS, WAVES))


@cache
def corpus_kernels() -> tuple[CorpusKernel, ...]:
    """All contracts of the corpus, family by family, in the order in which they are written."""
    return tuple(kernel for path in sorted(FOLDER.glob("*/contracts.py")) for kernel in _family(path.parent))


def _family(folder: Path) -> Iterator[CorpusKernel]:
    module = importlib.import_module(f"tests.corpus.{folder.name}.contracts")
    for name, spec in vars(module).items():
        if isinstance(spec, ContractSpec):
            yield CorpusKernel(folder.name, name, f"{module.__name__}:{name}", spec.source, spec)


class Corpus:
    """An opened device with a tracer, which is installed while a kernel is verified, and a builder for each
    compiler."""

    def __init__(self, device: RemoteDevice, cache_dir: Path, target: str = TARGET) -> None:
        self.device, self.target = device, target
        self.session: Any = FakeSession(device, Tracer(device), ROOT, {})
        self._cache_dir = cache_dir
        self._builders: dict[str, Builder] = {}

    @classmethod
    @contextmanager
    def open(
        cls, cache_dir: Path, *, target: str = TARGET, threads: int = 2, sanitize: bool = False
    ) -> Iterator[Corpus]:
        """The corpus on the emulator; what is compiled and translated is kept in `cache_dir`."""
        tools = find_toolchain(USUAL.compiler)
        with emulated(
            tools, cache_dir, target=target, root=ROOT, threads=threads, sanitize=sanitize
        ) as device:
            yield cls(device, cache_dir, target)

    def compiled(
        self, source: str, combination: Combination = USUAL, *, lines: bool = False, target: str | None = None
    ) -> BuiltObject:
        """The code object of a family's source, for the device's target if none is named; with `lines` it
        knows its source lines."""
        name = combination.compiler
        if name not in self._builders:
            self._builders[name] = Builder(ROOT, find_toolchain(name), self._cache_dir)
        flags = (*combination.flags(target or self.target), *(["-gline-tables-only"] if lines else []))
        return self._builders[name].build(
            ManifestEntry(source, (), "CORPUS", flags=flags), target or self.target
        )

    def verify(
        self, kernel: CorpusKernel, built: BuiltObject, *, cases: int = 4, seed: int = SEED
    ) -> list[DTypeReport]:
        """Runs a contract's cases of every element type. AssertionError says what is wrong with a result,
        or why the comparison could not have told. seed: of inputs, orders, and what memory holds."""
        plan = Plan(seed, cases, code_object=built.path, code_object_sha256=built.sha256)
        reports = []
        for dtype in kernel.spec.dtypes:
            check_parameters(kernel.spec, built.code_object.kernels[kernel.spec.symbol(dtype)])
            with self.session.tracer.install():
                report = verify_dtype(kernel.spec, self.session, dtype, plan)
            problems = [f"{f.case}: {f.message}; {f.hint}" for f in report.failures] + [*report.shortcomings]
            assert not problems, "\n".join(problems)
            assert report.ghost is not None, "no case would reject a kernel that does nothing"
            reports.append(report)
        return reports
