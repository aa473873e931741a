"""What a check may use: the sources, the toolchain, the build, and one opened device.

Everything is made on first use, so that a check which reads text needs no compiler and one which
compiles needs no device. What is absent raises the typed error that the runner turns into `not_run`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.errors import CompileError, CompilerNotFoundError, ManifestError, SourceError, ToolchainError
from rocverify.settings import Settings
from rocverify.subject.launch_session import LaunchSession
from rocverify.toolchain.lines import Twin

if TYPE_CHECKING:
    from rocverify.code.index import CodeIndex
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.device.process.client import DeviceProcess, RemoteDevice
    from rocverify.device.process.tracer import Tracer
    from rocverify.subject.session import Subject
    from rocverify.toolchain.build import Builder, BuiltObject
    from rocverify.toolchain.discover import Toolchain
    from rocverify.toolchain.manifest import Manifest, ManifestEntry


class CheckContext:
    """One per process. `seed` is the run's seed: fresh unless the user gave one."""

    def __init__(self, root: Path, settings: Settings, *, seed: int | None = None) -> None:
        self.root = root.resolve()
        self.settings = settings
        self._builds: dict[tuple[str, str], BuiltObject | CompileError] = {}
        self._instrumented: dict[str, tuple[RemoteDevice, Tracer]] = {}
        # What a check measured and another one may ask for again, under a key that says all it depends on.
        self.memo: dict[tuple[Any, ...], Any] = {}
        # What the launches of a check executed, session by session; whoever runs the check empties it.
        self.executed: list[KernelCoverage] = []
        self.seed = next(s for s in (seed, settings.seed, secrets.randbits(32)) if s is not None)

    @property
    def cache_dir(self) -> Path:
        """The folder of compiled kernels, absolute."""
        return self.root / self.settings.cache_dir

    @property
    def target(self) -> str:
        """The gfx target that launches use: the device's on a real GPU, else the first setting."""
        return self.device.target

    @cached_property
    def code(self) -> CodeIndex:
        """The sources of the root; a compiler says which branches of conditionals are built."""
        return self._uncompiled.asking(partial(_kept_branches, self))

    @cached_property
    def _uncompiled(self) -> CodeIndex:
        """The sources before a compiler is asked: which kernels there are decides how it is."""
        from rocverify.code.index import CodeIndex

        return CodeIndex(self.root, self.settings)

    @cached_property
    def manifest(self) -> Manifest:
        """The build manifest of the project. Raises ManifestError where it is malformed."""
        from rocverify.toolchain.found import find_manifest

        return find_manifest(self.root, self.settings, self._uncompiled)

    @cached_property
    def toolchain(self) -> Toolchain:
        """The compiler that was found. Raises CompilerNotFoundError where there is none."""
        from rocverify.toolchain.discover import Toolchain

        return Toolchain.discover(self.settings)

    @property
    def installed(self) -> Toolchain | None:
        """The toolchain where there is one: what was built before needs none."""
        try:
            return self.toolchain
        except CompilerNotFoundError:
            return None

    @cached_property
    def builder(self) -> Builder:
        """What compiles the kernels of the project, into the cache."""
        from rocverify.toolchain.build import Builder

        includes = [Path(folder) for folder in self.settings.allow_includes]
        return Builder(self.root, self.toolchain, self.cache_dir, includes=includes)

    @cached_property
    def process(self) -> DeviceProcess:
        """The device process of this run."""
        from rocverify.device.process.client import DeviceProcess

        return DeviceProcess(partial(debug_twin_of, self))

    @cached_property
    def subject(self) -> Subject:
        """The project's code, in processes of its own."""
        from rocverify.subject.session import Subject

        return Subject(self.root, timeout_s=self.settings.call_timeout_s)

    def expect_device(self) -> None:
        """A check is going to ask for the device: the processes start while other checks run."""
        _ = self.process
        self.subject.start()

    @cached_property
    def device(self) -> RemoteDevice:
        """The device that the settings ask for, opened at the first use."""
        return self._open(self.settings.device)

    @cached_property
    def tracer(self) -> Tracer:
        """What records the calls made on the device."""
        from rocverify.device.process.tracer import Tracer

        return Tracer(self.device)

    def _open(self, kind: str, instrument: str | None = None) -> RemoteDevice:
        from rocverify.device.select import device_options, open_device

        options = device_options(self.settings, self.installed, root=self.root, cache_dir=self.cache_dir)
        options = replace(
            options,
            kind=kind,
            counters=instrument == "counters",
            coverage=instrument is None,
            sanitize=instrument == "sanitize",
        )
        return open_device(options, self.process.open)

    @contextmanager
    def device_apart(self, instrument: str | None = None) -> Iterator[RemoteDevice]:
        """A device like the run's, for one client and its children: its trace has nobody else's calls. With
        an instrument, as in `launching`, an emulator."""
        device = self._open("emulator", instrument) if instrument else self._open(self.device.kind)
        try:
            yield device
        finally:
            device.close()

    def entry(self, source: str) -> ManifestEntry:
        """The manifest's entry for a kernel source. SourceError if it has none: that is a gap of the work."""
        for entry in self.manifest.entries:
            if entry.source == source:
                return entry
        raise SourceError(
            f"has no entry for {source}",
            where=self.settings.manifest,
            hint=f'add [[kernel]] with source = "{source}" and its symbols',
        )

    def built(self, source: str, target: str | None = None) -> BuiltObject:
        """The code object of one source, compiled in this run or taken from the content-addressed
        cache; CompileError if it does not compile."""
        (outcome,) = self.builds([self.entry(source)], [target or self.settings.targets[0]])
        if isinstance(outcome, CompileError):
            raise outcome
        return outcome

    def source_of(self, code_object: str | None) -> str | None:
        """The source of a code object that was built in this run, by its SHA-256."""
        return next((source for source, _, built in self.objects() if built.sha256 == code_object), None)

    def objects(self) -> Iterator[tuple[str, str, BuiltObject]]:
        """The code objects that were built in this run, each with its source and target."""
        for (source, target), built in self._builds.items():
            if not isinstance(built, CompileError):
                yield source, target, built

    def builds(
        self, entries: Sequence[ManifestEntry], targets: Sequence[str]
    ) -> list[BuiltObject | CompileError]:
        """What became of every entry for every target, entry by entry. Each is built once in a run: what
        the checks of one run see is one build, and one that fails is not tried again."""
        jobs = [(entry, target) for entry in entries for target in targets]
        missing = [(e, t) for e, t in jobs if (e.source, t) not in self._builds]
        if missing:
            sources, wanted = (list(dict.fromkeys(column)) for column in zip(*missing, strict=True))
            self._builds |= self._built(sources, wanted)
        return [self._builds[entry.source, target] for entry, target in jobs]

    def _built(
        self, entries: Sequence[ManifestEntry], targets: Sequence[str]
    ) -> dict[tuple[str, str], BuiltObject | CompileError]:
        """The same, now: by source and target."""
        from rocverify.toolchain.prebuilt import is_prebuilt, taken

        before = [entry for entry in entries if is_prebuilt(entry.source)]
        sources = [entry for entry in entries if not is_prebuilt(entry.source)]
        found = {(e.source, t): taken(self.root, e, t, self.cache_dir) for e, t in product(before, targets)}
        if sources:
            outcomes = self.builder.build_all(sources, targets)
            jobs = product(sources, targets)
            found |= {(e.source, t): outcome for (e, t), outcome in zip(jobs, outcomes, strict=True)}
        return found

    def _opened(self, instrument: str | None) -> tuple[RemoteDevice, Tracer]:
        """The device of the run, or an emulator with an instrument, and its tracer."""
        if instrument is None:
            return self.device, self.tracer
        if instrument not in self._instrumented:
            from rocverify.device.process.tracer import Tracer

            device = self._open("emulator", instrument)
            self._instrumented[instrument] = device, Tracer(device)
        return self._instrumented[instrument]

    @contextmanager
    def launching(
        self, instrument: str | None = None, *, without: Collection[str] = ()
    ) -> Iterator[LaunchSession]:
        """The device with the project's code attached to it, and each code object's path in its variable.

        instrument: `counters` or `sanitize` for an emulator that watches launches so, whatever device the
        run has. A kernel of the manifest that does not compile leaves its variable unset: what launches it
        fails there, what does not need it is not disturbed. `without`: sources whose code object's file is
        not there.
        """
        device, tracer = self._opened(instrument)
        target = device.target
        entries = self.manifest.entries
        variables: dict[str, str | None] = {}
        for entry, built in zip(entries, self.builds(entries, [target]), strict=True):
            variables[entry.env] = None if isinstance(built, CompileError) else str(built.path)
            if entry.source in without:
                variables[entry.env] = str(self.cache_dir / "taken-away" / f"{entry.env}.co")
        with self.subject.attached(device, variables):
            device.take_coverage()  # launches that came after the end of their session are nobody's
            yield LaunchSession(self.root, device, tracer, self.subject, variables)
            self.executed += device.take_coverage(lines=True)

    def close(self) -> None:
        """Closes the device if one was opened, ends the project's processes, keeps what was read."""
        if "code" in self.__dict__:
            self.code.keep()
        if "subject" in self.__dict__:
            self.subject.close()
        if "process" in self.__dict__:
            from rocverify.device.process.attach import HipLibrary

            HipLibrary.detach()
            self.process.close()


def _kept_branches(context: CheckContext, path: str, text: str) -> set[int] | None:
    """Which branches of a source's conditionals the compiler takes. None where that cannot be asked: no
    compiler, no entry in the manifest (a header's macros may come from who includes it), an error."""
    from rocverify.code.conditionals import MARK
    from rocverify.toolchain.preprocess import kept_marks

    try:
        entry = next((e for e in context.manifest.entries if e.source == path), None)
        if entry is None:
            return None
        target = (entry.targets or context.settings.targets)[0]
        toolchain, flags = context.toolchain, entry.flags
        return kept_marks(toolchain, context.root, path, text, MARK, target=target, flags=flags)
    except (ToolchainError, ManifestError):
        return None


def debug_twin_of(context: CheckContext, content: bytes, what: Twin) -> bytes | None:
    """For a code object of this run: what it does not say of its source (see lines.py)."""
    from rocverify.toolchain.lines import debug_twin
    from rocverify.toolchain.prebuilt import is_prebuilt

    entries = {entry.source: entry for entry in context.manifest.entries}
    for source, target, built in context.objects():
        if not is_prebuilt(source) and built.path.read_bytes() == content:
            return debug_twin(context.builder, entries[source], target, content, what)
    return None
