"""The modules of contracts that are begun for kernel sources: their text, their place, writing them."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rocverify.code.index import CodeIndex
from rocverify.code.python.modules import module_name
from rocverify.device.by_hand.files import open_kernels
from rocverify.device.by_hand.workspace import Workspace
from rocverify.errors import ManifestError, UsageError
from rocverify.scaffold.contract import CHECK, KernelText, Skeleton, module_text, skeletons
from rocverify.scaffold.steps import Step, Writer
from rocverify.settings import Settings
from rocverify.store.gate import place
from rocverify.subject.host.python_path import source_folders
from rocverify.toolchain.found import find_manifest
from rocverify.toolchain.manifest import ManifestEntry

if TYPE_CHECKING:
    from rocverify.code.syntax import Function, Unit

_HEAD = 4
"""Lines of a module that speak of CHECK themselves."""


@dataclass(frozen=True)
class Begun:
    """A module of contracts, not yet written. source: the kernel source, from the root."""

    source: str
    text: str
    skeletons: tuple[Skeleton, ...]

    @property
    def doubts(self) -> list[tuple[int, str]]:
        """The lines that a person has to look at, with their numbers."""
        lines = enumerate(self.text.splitlines(), start=1)
        return [(number, line.strip()) for number, line in lines if CHECK in line and number > _HEAD]


@dataclass(frozen=True)
class Contracts:
    """Begins the contracts of one project. workspace: where its sources are compiled; target: for what, if
    not the settings' first."""

    root: Path
    settings: Settings
    workspace: Workspace
    target: str | None = None

    def begin(
        self, source: str, code: CodeIndex, flags: Sequence[str] = (), kernel: str | None = None
    ) -> Begun:
        """The contracts of a source, from the root: of all its kernels or of one.

        Raises UsageError for a source without a kernel (of that name), what the compiler raises otherwise.
        flags: for the compiler, after those of the project's build.
        """
        opened = open_kernels(self.root / source, self.workspace, target=self.target, flags=flags)
        live = code.live(source).code.splitlines()
        functions = [f for f in code.unit(source).functions if f.kernel and not f.declared]
        found: list[KernelText] = []
        for image in opened.images:
            for metadata in image.facts.kernels.values():
                function = _function_of(metadata.name, functions)
                if function is not None and kernel in (None, metadata.name, function.name):
                    found.append(KernelText(metadata, function, *_texts(function, live, code.unit(source))))
        if not found:
            words = "no kernel" if kernel is None else f"no kernel {kernel}"
            raise UsageError(f"{words} of the code object is defined in this source", where=source)
        every = [name for image in opened.images for name in image.facts.kernels]
        made = skeletons(source, found, every)
        return Begun(source, module_text(source, made), made)

    def entries(self, code: CodeIndex) -> tuple[ManifestEntry, ...]:
        """The kernel sources that the project builds; none where there are none. Raises ManifestError for a
        manifest that is wrong."""
        try:
            return find_manifest(self.root, self.settings, code).entries
        except ManifestError:
            if (self.root / self.settings.manifest).is_file():
                raise
            return ()

    def place_of(self, source: str, code: CodeIndex) -> str:
        """Where the contracts of a source go: named as it, with its folders where another has its name."""
        folder = self.settings.contract_globs[0].partition("*")[0].rpartition("/")[0]
        path = PurePosixPath(source)
        others = Counter(_identifier(PurePosixPath(entry.source).stem) for entry in self.entries(code))
        name = _identifier(path.stem)
        if others[name] > 1:
            name = _identifier("_".join(path.with_suffix("").parts))
        return f"{folder}/{name}.py" if folder else f"{name}.py"


def _function_of(symbol: str, functions: Sequence[Function]) -> Function | None:
    exact = next((f for f in functions if f.name == symbol), None)
    return exact or next((f for f in functions if f"{len(f.name.encode())}{f.name}" in symbol), None)


def _texts(function: Function, live: Sequence[str], unit: Unit) -> tuple[str, str]:
    """A function's own text, and that of the functions of its source that it may call."""
    texts: dict[str, str] = {}
    left = [function]
    while left:
        one = left.pop()
        if one.name not in texts:
            texts[one.name] = "\n".join(live[one.line - 1 : one.last_line])
            called = {call.name for call in one.calls}
            left += [f for f in unit.functions if f.name in called and not f.declared]
    own = texts.pop(function.name)
    return own, "\n".join(texts.values())


def _identifier(text: str) -> str:
    """A text as a Python name, as an import of it would be read."""
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", text))
    if name[:1].isdigit():
        name = f"k{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def is_importable(root: Path, name: str) -> bool:
    """Whether the module at a place can be imported by a name."""
    return not _not_names(module_name(name, source_folders(root)))


def _not_names(dotted: str) -> list[str]:
    return [part for part in dotted.split(".") if not part.isidentifier() or keyword.iskeyword(part)]


def module_of(root: Path, name: str) -> str:
    """The dotted name by which the module at a place is imported. Raises UsageError where it has none."""
    dotted = module_name(name, source_folders(root))
    wrong = _not_names(dotted)
    if wrong:
        raise UsageError(
            f"cannot be imported as Python: {wrong[0]!r} is not a name",
            where=name,
            hint="name another place with --output, or by the setting contract_globs",
        )
    return dotted


def write_module(writer: Writer, name: str, text: str, note: str = "") -> Iterator[Step]:
    """Writes the module, and before it what makes its folders packages, where they are none. Without that an
    installed package of their name would be taken for them. Raises UsageError where something is there
    already, and where it cannot be written."""
    if place(writer.root, name).exists():
        hint = "name another place with --output, or --dry-run"
        raise UsageError("is there already, and is left as it is", where=name, hint=hint)
    module_of(writer.root, name)
    for package in _packages(writer.root, name):
        yield writer.new(package, "", "empty")
    yield writer.new(name, text, note)


def _packages(root: Path, name: str) -> list[str]:
    """The `__init__.py` that the folders of a module lack. A folder on the import path is no package."""
    onpath = [PurePosixPath(folder) for folder in source_folders(root)]
    parents = (f for f in PurePosixPath(name).parents if f.name)
    folders = [f for f in parents if not any(folder.is_relative_to(f) for folder in onpath)]
    made = [f"{folder}/__init__.py" for folder in reversed(folders)]
    return [package for package in made if not place(root, package).exists()]
