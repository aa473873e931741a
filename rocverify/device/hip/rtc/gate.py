"""What code under verification may have hipRTC compile: the flags that a build manifest may ask for, headers
of the project, the toolchain and the system, and what the command line allowed besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.store.tools import run_tool
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.flags import include_folders, refused_flag
from rocverify.toolchain.headers import parse_depfile, search_path
from rocverify.toolchain.reads import Readable, system_folders

_OF_HIPRTC = ("-fgpu-rdc",)
_SYSTEM = (Path("/usr/include"), Path("/usr/local/include"), Path("/opt/rocm/include"))


@dataclass(frozen=True, slots=True)
class RtcGate:
    """root: of the project under verification; `flags` and `includes` (folders) are allowed besides."""

    root: Path
    flags: tuple[str, ...] = ()
    includes: tuple[Path, ...] = ()

    def refused_option(self, options: Sequence[str], toolchain: Toolchain) -> str | None:
        """Why options are refused, and what allows them; None if they are not."""
        flag = refused_flag(options, (*self.flags, *_OF_HIPRTC))
        if flag is not None:
            return f"error: {flag}: not a flag that a project may ask for; --allow-flag={flag} allows it"
        for folder in include_folders(options):
            # Relative folders lie in the compiler's own, where there is nothing but the program.
            place, known = Path(folder).resolve(), (*self._folders, *_SYSTEM, toolchain.rocm_path / "include")
            if Path(folder).is_absolute() and not any(place.is_relative_to(one) for one in known):
                return f"error: -I{folder} lies outside of the project; --allow-include {folder} allows it"
            if ".." in Path(folder).parts:
                return f"error: -I{folder} leads out of the program's folder; name it by its whole path"
        return None

    def refused_file(
        self, command: Sequence[str], depfile: Path, toolchain: Toolchain, folder: Path
    ) -> str | None:
        """The same for the files that the compiler has read, by its own list of them. `folder` is where it
        ran."""
        if not depfile.exists():
            return None
        read = parse_depfile(depfile.read_text(encoding="utf-8", errors="surrogateescape"))
        searched = search_path(run_tool((*command, "-###"), timeout_s=toolchain.timeout_s, cwd=folder).log)
        own = [one for one in searched if not any(Path(one).is_relative_to(f) for f in self._folders)]
        system = system_folders(own, toolchain.rocm_path, folder)
        refused = Readable(folder.resolve(), system, self._folders).refused(read)
        if refused is None:
            return None
        words = "which lies outside of the project and of the compiler's folders"
        return f"error: reads {refused}, {words}; --allow-include {Path(refused).parent} allows it"

    @property
    def _folders(self) -> tuple[Path, ...]:
        return (self.root.resolve(), *(one.resolve() for one in self.includes))
