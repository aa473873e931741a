"""Kernels in whatever holds them: a source, a code object, a bundle, a host program with a fat binary."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.device.by_hand.workspace import Workspace
from rocverify.device.emulator.isa.targets import SUPPORTED_TARGETS
from rocverify.errors import CodeObjectError, CompileError, UsageError
from rocverify.kernel_names import choose_kernel
from rocverify.settings import Settings
from rocverify.toolchain.bundles import DeviceCode, device_code, for_target, is_device_code
from rocverify.toolchain.codeobject import CodeObject, read_code_object

if TYPE_CHECKING:
    from rocverify.toolchain.build import Builder, BuiltObject
    from rocverify.toolchain.lines import DebugTwin, Twin
    from rocverify.toolchain.manifest import ManifestEntry

SOURCE_SUFFIXES = (".hip", ".cpp", ".cc", ".cxx", ".cu")

DEFAULT_FLAGS = ("-O3",)
"""What a source is compiled with that no build manifest lists."""

LINE_FLAGS = ("-gline-tables-only",)
"""So that faults and findings name lines; the instructions stay the same."""

_MISSING_HEADER = re.compile(r"'[^']+' file not found")


@dataclass(frozen=True)
class KernelImage:
    """One code object of a file, with what it says of itself."""

    data: bytes
    facts: CodeObject


@dataclass(frozen=True)
class KernelFile:
    """A file's code objects for one target: one, or for a host program one for each of its sources.

    `where` names it in messages; `built` says how it was compiled and `source` is the text, if it was a
    source, and `debug_twin` what that tells of a code object beside.
    """

    where: str
    images: tuple[KernelImage, ...]
    built: BuiltObject | None = None
    source: str = ""
    debug_twin: DebugTwin | None = None

    @property
    def target(self) -> str:
        """The processor, `gfx1100`."""
        return self.images[0].facts.target

    @property
    def kernels(self) -> tuple[str, ...]:
        """The names of all kernels as the code objects have them."""
        return tuple(name for image in self.images for name in image.facts.kernels)

    def find(self, wanted: str, demangler: Path | None = None) -> tuple[KernelImage, str]:
        """The kernel that a name means (mangled, demangled, or as short as it is unambiguous).

        Raises UsageError, listing the candidates, where there is none or more than one.
        """
        name = choose_kernel(self.kernels, wanted, self.where, demangler)
        return next((image, name) for image in self.images if name in image.facts.kernels)


def open_kernels(
    path: Path, workspace: Workspace, *, target: str | None = None, flags: Sequence[str] = ()
) -> KernelFile:
    """The kernels of a file. `flags` are for the compiler, after the file's own.

    Without `target`, a source is compiled for the first of the settings' targets; of several targets in a
    file that one is taken, else the first that the emulator runs, else the first. Raises UsageError for a
    file that cannot be read, what the compiler raises, CodeObjectError for what holds no device code, and
    WrongTargetError for what holds none for `target`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    if not is_device_code(data) and path.suffix in SOURCE_SUFFIXES:
        wanted = target or workspace.settings.targets[0]
        built, image = _compiled(path, workspace, wanted, flags)
        twin = partial(_twin, path, workspace, wanted, flags)
        return KernelFile(str(path), (image,), built, data.decode("utf-8", "replace"), twin)
    if flags:
        raise UsageError(f"is not a source: {' '.join(flags)} cannot be applied", where=str(path))
    return kernels_in(data, str(path), workspace.settings.targets, target)


def kernels_in(
    data: bytes, where: str, preferred: Sequence[str] = (), target: str | None = None
) -> KernelFile:
    """The same for bytes that are not a source."""
    try:
        codes = device_code(data, where)
    except CodeObjectError as error:
        if data and not is_device_code(data) and error.hint is None:
            error.hint = f"sources are known by their names: {', '.join(SOURCE_SUFFIXES)}"
        raise
    chosen = for_target(codes, target or _chosen(codes, preferred), where)
    return KernelFile(where, tuple(_images(chosen, where)))


def _compiled(
    path: Path, workspace: Workspace, target: str, flags: Sequence[str]
) -> tuple[BuiltObject, KernelImage]:
    """Compiles a source for one target, or finds it in the cache.

    A source that the project's build manifest lists has the manifest's flags; where there is no manifest,
    those that a run finds in the project's build.
    """
    check_flags(flags)
    with _builder(path, workspace) as (builder, entry):
        try:
            built = builder.build(entry, target, (*LINE_FLAGS, *flags))
        except CompileError as error:
            if _MISSING_HEADER.search(error.message):
                error.hint = "name the folder of the header behind `--`, as `-- -Iinclude`"
            raise
        return built, KernelImage(built.path.read_bytes(), built.code_object)


def _twin(
    path: Path, workspace: Workspace, target: str, flags: Sequence[str], content: bytes, what: Twin
) -> bytes | None:
    from rocverify.toolchain.lines import debug_twin

    with _builder(path, workspace) as (builder, entry):
        return debug_twin(builder, entry, target, content, what, (*LINE_FLAGS, *flags))


@contextmanager
def _builder(path: Path, workspace: Workspace) -> Iterator[tuple[Builder, ManifestEntry]]:
    """What compiles a source, for a block, and the source's entry."""
    from rocverify.toolchain.build import Builder  # not for what is compiled already

    root, entry = _entry(path, workspace)
    with ExitStack() as stack:
        cache = workspace.cache_dir
        if cache is None:
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rocverify-")))
        yield Builder(root, workspace.toolchain, cache), entry


def check_flags(flags: Sequence[str]) -> None:
    """UsageError for compiler flags that are rocverify's own business: the target, the kind of output."""
    from rocverify.toolchain.manifest import owned_flag

    owned = owned_flag(flags)
    if owned is not None:
        raise UsageError(
            f"the flag {owned} is set by rocverify itself", hint="leave it out; see --target and -o"
        )


def _entry(path: Path, workspace: Workspace) -> tuple[Path, ManifestEntry]:
    """The root that a source is compiled in, and its entry: the manifest's, or one made up."""
    from rocverify.toolchain.manifest import ManifestEntry

    full = path.resolve()
    if workspace.root is not None and full.is_relative_to(workspace.root):
        source = full.relative_to(workspace.root).as_posix()
        entry = _known(workspace.root, workspace.settings, source)
        return workspace.root, entry or ManifestEntry(source, (), "", flags=DEFAULT_FLAGS)
    return full.parent, ManifestEntry(full.name, (), "", flags=DEFAULT_FLAGS)


def _known(root: Path, settings: Settings, source: str) -> ManifestEntry | None:
    """The entry that a run would have for a source of the project."""
    if (root / settings.manifest).is_file():
        from rocverify.toolchain.manifest import load_manifest

        listed = load_manifest(root, settings).entries
        return next((entry for entry in listed if entry.source == source), None)
    from rocverify.code.index import CodeIndex
    from rocverify.toolchain.found import entry_of_source

    return entry_of_source(root, settings, CodeIndex(root, settings), source)


def _chosen(codes: Sequence[DeviceCode], preferred: Sequence[str]) -> str:
    """The target id to take where the user named none."""
    runnable = [code.target_id for code in codes if code.target in SUPPORTED_TARGETS]
    wanted = [target for target in preferred if target in runnable]
    return (*wanted, *runnable, codes[0].target_id)[0]


def _images(codes: Sequence[DeviceCode], where: str) -> Iterator[KernelImage]:
    for code in codes:
        yield KernelImage(code.data, read_code_object(code.data, where))
