"""Compiles the programs of this folder: whole HIP programs, host and device, each once.

What comes out is kept by content, below a cache folder that any number of test processes may share: sources,
headers, flags and the compiler's identity decide, so that nothing is compiled again that has not changed.

The first lines of a source may hold one comment `// options: NAME=VALUE ...`:
    targets=A,B   the targets of its fat binary (gfx1100); twin_targets for the corrected twin (-DTWIN)
    flags=A,B     more flags for the compiler
    with=FILE     another source, relative to this one, for the same program
    link=A,B      libraries beside libamdhip64: hiprtc, hipblas, rocblas
    modules       the program gets the folder of compiled modules as its first argument
    exit=N        what `exec` ends with though the program is right: it makes a kernel fault on purpose
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.store.tools import run_tool
from rocverify.toolchain.devicelibs import libraries_for
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.packages import install_hint

HERE = Path(__file__).resolve().parent
TARGET = "gfx1100"
# What programs built against ROCm 6 ask the loader for.
SONAMES = {"hiprtc": "libhiprtc.so.6", "hipblas": "libhipblas.so.2", "rocblas": "librocblas.so.4"}
_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the comment at the head of a source asks for."""

    targets: tuple[str, ...] = (TARGET,)
    flags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    modules: bool = False
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Program:
    """A program of this folder; `defines` are macros it is compiled with."""

    source: Path
    defines: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)

    @property
    def name(self) -> str:
        """The folder and the stem: `cpp/vector_add`."""
        return f"{self.source.parent.name}/{self.source.stem}"


def programs(folder: str) -> list[Program]:
    """All programs of one folder, by name."""
    sources = (
        path for path in (HERE / folder).iterdir() if path.suffix in (".hip", ".cpp", ".c", ".rs", ".py")
    )
    return [read_program(source) for source in sorted(sources)]


def read_program(source: Path, defines: Sequence[str] = ()) -> Program:
    """The program of one source, with the options that its head asks for."""
    head = "".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:5])
    asked = re.search(r"^(?://|#) options: (.*)$", head, re.MULTILINE)
    return Program(source, tuple(defines), _options(asked[1].split() if asked else [], "TWIN" in defines))


def _options(words: Sequence[str], twin: bool) -> Options:
    values = dict(word.partition("=")[::2] for word in words)
    known = {"targets", "twin_targets", "flags", "with", "link", "modules", "exit"}
    assert values.keys() <= known, f"no such option: {sorted(values.keys() - known)}"
    lists = {name: tuple(filter(None, values.get(name, "").split(","))) for name in known}
    return Options(
        targets=(twin and lists["twin_targets"]) or lists["targets"] or (TARGET,),
        flags=lists["flags"],
        sources=lists["with"],
        link=lists["link"],
        modules="modules" in values,
        exit_code=int(values.get("exit", "0")),
    )


class Workshop:
    """Compiles programs and keeps them below `cache`. Raises AssertionError with the compiler's words."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache / "programs"

    @cached_property
    def toolchain(self) -> Toolchain:
        """The compiler, with what it needs to make whole programs."""
        found = Toolchain.discover(Settings())
        if not (found.clang.resolve().parent / "clang-offload-bundler").is_file():
            raise CompilerNotFoundError(
                "has no clang-offload-bundler beside it",
                where=str(found.clang),
                hint=install_hint((f"clang-tools-{found.llvm_major}",)),
            )
        return found

    @cached_property
    def rustc(self) -> str:
        """The Rust compiler on the PATH."""
        found = shutil.which("rustc")
        if found is None:
            raise CompilerNotFoundError("rustc is not on the PATH", hint=install_hint(("rustc",)))
        return found

    @cached_property
    def library(self) -> Path:
        """The folder of the libamdhip64.so that programs are linked against."""
        root = self.toolchain.rocm_path
        found = (*root.glob("lib/libamdhip64.so"), *root.glob("lib/*/libamdhip64.so"))
        assert found, f"no libamdhip64.so to link against below {root}"
        return found[0].parent

    def command(self, program: Program) -> tuple[str, ...]:
        """What starts the program, compiled now if it must be."""
        arguments = (str(self.modules()),) if program.options.modules else ()
        if program.source.suffix == ".py":
            return (sys.executable, str(program.source), *arguments)
        return (str(self.executable(program)), *arguments)

    def executable(self, program: Program) -> Path:
        """The compiled program."""
        if program.source.suffix == ".rs":
            make, compiler = self._rust, run_tool([self.rustc, "--version"], timeout_s=_TIMEOUT_S).output
        elif program.source.suffix == ".c":
            make, compiler = self._c, self.toolchain.identity
        else:
            make, compiler = self._hip, self.toolchain.identity
        key = (compiler, repr(program.options), repr(program.defines), *_contents(program))
        folder = self._kept(program.source.stem, key, lambda draft: make(program, draft))
        return folder / program.source.stem

    def modules(self) -> Path:
        """A folder of code objects: kernels.co, gfx90a.co, and the bundles bundle, compressed, others."""
        source = HERE / "modules/kernels.hip"
        wanted = {
            "kernels.co": ((TARGET,), ("--no-gpu-bundle-output",)),
            "gfx90a.co": (("gfx90a",), ("--no-gpu-bundle-output",)),
            "bundle.hipfb": (("gfx90a", TARGET, "gfx1030"), ("--gpu-bundle-output",)),
            "compressed.hipfb": (("gfx1030", TARGET), ("--gpu-bundle-output", "--offload-compress")),
            "others.hipfb": (("gfx90a", "gfx1030"), ("--gpu-bundle-output",)),
        }

        def make(draft: Path) -> None:
            for name, (targets, flags) in wanted.items():
                self._clang(*_arches(targets), "--cuda-device-only", *flags, "-c", source, "-o", draft / name)

        return self._kept("modules", (self.toolchain.identity, source.read_text(), repr(wanted)), make)

    def stub(self, library: str, names: Sequence[str]) -> Path:
        """A shared library of a SONAME that defines `names`, to link against in its stead."""

        def make(draft: Path) -> None:
            text = "".join(f".globl {name}\n.type {name}, @function\n{name}: ret\n" for name in names)
            (draft / "stub.s").write_text(text + '.section .note.GNU-stack,"",@progbits\n')
            output = draft / f"lib{library}.so"
            soname = f"-Wl,-soname,{SONAMES[library]}"
            self._run(self.toolchain.clang, "-shared", soname, draft / "stub.s", "-o", output)

        return self._kept(f"lib{library}", (self.toolchain.identity, SONAMES[library], *names), make)

    def _hip(self, program: Program, draft: Path) -> None:
        objects = []
        for source in _sources(program):
            made = draft / f"{source.stem}.o"
            defines = [f"-D{name}" for name in program.defines]
            flags = (*_arches(program.options.targets), *program.options.flags, *defines)
            self._clang("-g", "-Wall", "-I", HERE / "include", *flags, "-c", source, "-o", made)
            objects.append(made)
        link = [*self._stubs(program, objects), "-lamdhip64", "-pthread", "-ldl"]
        self._run(self.toolchain.clang, *objects, *link, "-o", draft / program.source.stem)
        for made in objects:
            made.unlink()

    def _stubs(self, program: Program, objects: Sequence[Path]) -> Iterator[str | Path]:
        names = sorted({name for made in objects for name in undefined_symbols(made)})
        for library in program.options.link:
            folder = self.stub(library, [name for name in names if name.startswith(library)])
            yield from ("-L", folder, f"-l{library}")

    def _c(self, program: Program, draft: Path) -> None:
        include = self.toolchain.rocm_path / "include"
        flags = (
            "-std=c11",
            "-D__HIP_PLATFORM_AMD__",
            "-O1",
            "-g",
            "-Wall",
            "-I",
            HERE / "include",
            "-I",
            include,
        )
        output = draft / program.source.stem
        sources = (program.source, "-x", "none", "-lamdhip64", "-lm")
        self._run(self.toolchain.clang, "-x", "c", *flags, *sources, "-o", output)

    def _rust(self, program: Program, draft: Path) -> None:
        flags = ("--edition", "2021", "-C", "opt-level=1", "-g", "-C", f"linker={self.toolchain.clang}")
        output = draft / program.source.stem
        self._run(self.rustc, *flags, "-L", f"native={self.library}", "-o", output, program.source)

    def _clang(self, *arguments: str | Path) -> None:
        found = self.toolchain
        libraries = libraries_for(found, TARGET, None, self._cache).folder
        where = (f"--rocm-path={found.rocm_path}", f"--rocm-device-lib-path={libraries}")
        self._run(found.clang, "-x", "hip", "-O1", *where, *arguments)

    def _run(self, *command: str | Path) -> None:
        words = [str(word) for word in command]
        run = run_tool(words, timeout_s=_TIMEOUT_S)
        assert run.returncode == 0, f"{' '.join(words)}\n{run.output}{run.log}"

    def _kept(self, name: str, key: Sequence[str], make: Callable[[Path], None]) -> Path:
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:16]
        folder = self._cache / f"{name}-{digest}"
        self._cache.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            return folder
        with _locked(folder.with_suffix(".lock")):
            if not folder.is_dir():
                with tempfile.TemporaryDirectory(prefix=".making-", dir=self._cache) as made:
                    draft = Path(made) / name
                    draft.mkdir()
                    make(draft)
                    draft.rename(folder)
        return folder


def undefined_symbols(path: Path) -> set[str]:
    """The names that an object or a program expects of other libraries."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        name = ".dynsym" if elf["e_type"] == "ET_DYN" else ".symtab"
        table = elf.get_section_by_name(name)
        assert isinstance(table, SymbolTableSection), f"{path} has no {name}"
        return {
            symbol.name
            for symbol in table.iter_symbols()
            if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name
        }


def _sources(program: Program) -> list[Path]:
    return [program.source, *(program.source.parent / name for name in program.options.sources)]


def _contents(program: Program) -> list[str]:
    """All text that a program is made of, and of what it may include."""
    shared = [*sorted((HERE / "include").iterdir()), *sorted((HERE / "rust/hip").glob("*.rs"))]
    return [path.read_text(encoding="utf-8") for path in (*_sources(program), *shared)]


def _arches(targets: Sequence[str]) -> list[str]:
    return [f"--offload-arch={target}" for target in targets]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
