"""The build manifest of a project, or what stands for it where the project has none: the kernels in its
sources."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from rocverify.code.index import CodeIndex
from rocverify.code.kernel_sources import KernelSource, kernel_source, kernel_sources
from rocverify.settings import Settings
from rocverify.toolchain.flags import refused_flag
from rocverify.toolchain.manifest import Manifest, ManifestEntry, load_manifest, owned_flag

IN_SOURCES = "the sources"
"""The path of a manifest that no file holds."""


def find_manifest(root: Path, settings: Settings, code: CodeIndex) -> Manifest:
    """The manifest; where there is none, one of the kernels that sources define. Flags that a manifest may
    not set are left out of it. ManifestError for a manifest that is wrong, and where there are no kernels
    either."""
    if (root / settings.manifest).is_file():
        return load_manifest(root, settings)
    sources = kernel_sources(root, code)
    if not sources:
        return load_manifest(root, settings)
    taken = Counter(source.env for source in sources)
    return Manifest(IN_SOURCES, tuple(_entry(source, taken, settings) for source in sources))


def entry_of_source(root: Path, settings: Settings, code: CodeIndex, path: str) -> ManifestEntry | None:
    """What `find_manifest` says of one source, where the project has no manifest; None where it would not
    list it."""
    source = kernel_source(root, code, path)
    return None if source is None else _entry(source, Counter([source.env]), settings)


def _entry(source: KernelSource, taken: Counter[str], settings: Settings) -> ManifestEntry:
    made = "".join(c if c.isalnum() else "_" for c in PurePosixPath(source.source).with_suffix("").as_posix())
    env = (
        source.env if source.env and taken[source.env] == 1 else f"{made.upper().lstrip('0123456789')}_HSACO"
    )
    flags = tuple(
        f for f in source.flags if refused_flag([f], settings.allow_flags) is None and not owned_flag([f])
    )
    if not any(flag.startswith("-O") for flag in flags):
        flags = ("-O3", *flags)  # as hipcc does, and without optimisation kernels spill
    return ManifestEntry(source.source, source.symbols, env, None, flags, source.line)
