"""The one gate for what a run writes into a project: below the root, and through no link.

The project is what is being verified. A path that it chooses (a setting, a plan's `<output>`), or a link that
it puts where a report will be, must not make a run write anywhere else.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from rocverify.errors import UsageError


def place(root: Path, name: str) -> Path:
    """Where a run reads or writes `name`, a path relative to the root.

    Raises UsageError, with the reason alone as its message, for a path that is absolute or goes up, for one
    on which a link lies, and for a pipe or device (reading one may never end).
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or "\0" in name:
        raise UsageError("is not a path relative to the root", where=name, hint="name a place below the root")
    if ".." in path.parts:
        raise UsageError("leads out of the root", where=name, hint="name a place below the root")
    at = root
    for part in path.parts:
        at = at / part
        if at.is_symlink():
            link = at.relative_to(root).as_posix()
            raise UsageError(
                f"is not written through a link ({link} is one)" if link != name else "is a link",
                where=name,
                hint=f"put a file or folder of the project in the place of {link}",
            )
    if at.exists() and not (at.is_file() or at.is_dir()):
        raise UsageError("is neither a file nor a folder", where=name, hint="take it away")
    return at
