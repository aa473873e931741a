"""What a command could not do because this machine lacks something: no fault of the project's."""

from __future__ import annotations

import re
from pathlib import Path

from rocverify.commands.sandbox import CommandRun
from rocverify.errors import RocverifyError

_BROKEN_PIPE = 141
_NOT_FOUND = (126, 127)
_LACKING = re.compile(
    r"you're using offline mode|failed to download|no matching package named|Could not resolve host"
    r"|Temporary failure in name resolution|(?:hipcc|hipconfig|cmake|ninja)\S*: (?:command )?not found"
    r"|(?:failed to (?:run|execute|spawn)|cannot run)[^\n]*hipcc|Could not find a package configuration file"
    r"|error while loading shared libraries: |cannot open shared object file",
    re.IGNORECASE,
)
_MODULE = re.compile(r"(?:ModuleNotFoundError: )?No module named '?(?P<name>\w+)")
_FAILED = re.compile(r"\b[1-9]\d* failed\b|^FAIL(?:ED)?\b|\bfailures=[1-9]", re.MULTILINE)


def refuse_unclear(done: CommandRun, expected: int, root: Path) -> None:
    """RocverifyError for an exit status that says nothing of the project, whose root is given: a program, a
    module or a network that is not here."""
    if not done.code or done.code == expected:
        return
    if done.code in _NOT_FOUND:
        raise RocverifyError(
            f"`{done.line}` could not be run (exit status {done.code}): {done.said.strip()[-300:]}",
            hint="install what it needs, or correct the command",
        )
    lacking = _LACKING.search(done.said) or _missing_module(done.said, root)
    if lacking:
        raise RocverifyError(
            f"`{done.line}` needs what is not here: {_line_of(lacking)[:300]}",
            hint="install it; dependencies must be vendored or fetched beforehand, since there is no network",
        )
    if done.code == _BROKEN_PIPE:
        raise RocverifyError(
            f"`{done.line}` ended by a closed pipe, which tells nothing",
            hint="leave out `head` or `grep -q` behind the pipe",
        )


def _missing_module(output: str, root: Path) -> re.Match[str] | None:
    """A module that Python does not find and the project does not have; None where tests failed, too."""
    if _FAILED.search(output):
        return None
    for found in _MODULE.finditer(output):
        name = found["name"]
        if not any(
            next(root.glob(f"{way}{name}{end}"), None) for way in ("", "*/", "*/*/") for end in ("", ".*")
        ):
            return found
    return None


def _line_of(found: re.Match[str]) -> str:
    text = found.string
    begin, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
    return text[begin : end if end >= 0 else len(text)].strip()
