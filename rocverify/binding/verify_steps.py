"""Lines of a task's `<verify>`: which are commands, and which of them could not fail. Read as text.

A step that cannot fail proves nothing. Told apart are only those of which that is certain: a chain that ends
in `|| true`; one whose exit status a pipe into `tee`, `tail` and the like takes away, where no `pipefail` is
set; `! grep A file | grep B` where A is not in the file, so that B is looked for in nothing; a test filter
that no test's name has."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import regex

from rocverify.binding.static import functions, parse_python
from rocverify.commands.allowed import SUCCEEDS_ANYHOW
from rocverify.plan.model import Plan, Task, VerifyStep
from rocverify.records import SourceRef

_EXPRESSION = re.compile(r"[A-Za-z_][\w]*\Z")
_COMMAND = re.compile(
    r"\s*(?:\$\s+|-\s+)?`?(?P<command>(?:!\s*)?(?:grep|rg|egrep|pytest|python3?|cargo|bash|sh|cd|make|cmake|ctest|ninja|hipcc|test|\[|\./[\w./-]+)(?:\s.*?)?)`?\s*\Z"
)
_HIDING = ("tee", "tail", "head", "cat", "less", "more", "sort", "uniq", "wc", "nl", "tr", "cut", "fold")
"""Commands that succeed whatever comes to them through a pipe."""
_SETTING_UP = ("cd", "export", "mkdir", "set", "source", ".", "echo")
_PIPEFAIL = re.compile(r"\bpipefail\b|PIPESTATUS")
_TIMEOUT_S = 1.0
_LARGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class VacuousStep:
    """One line that could not fail: `id` is `16-01/task1/verify2`."""

    id: str
    command: str
    reason: str
    source: SourceRef


def vacuous_steps(plan: Plan) -> tuple[VacuousStep, ...]:
    """The lines of the plan's `<verify>` steps that could not fail."""
    return tuple(found for task in plan.tasks for found in _of_task(plan, task))


def _of_task(plan: Plan, task: Task) -> Iterator[VacuousStep]:
    for number, step in enumerate(task.verify, 1):
        piped = not _PIPEFAIL.search(step.text)
        for source, line in _commands(step):
            reason = _reason(line, plan.root) or (_hidden(line) if piped else None)
            if reason:
                yield VacuousStep(f"{task.id}/verify{number}", line, reason, source)


def command_lines(step: VerifyStep) -> tuple[str, ...]:
    """The step's lines where all of them are commands; empty where one is a sentence."""
    lines = [line for line in step.text.replace("\\\n", " ").splitlines() if line.strip()]
    found = tuple(command for _, command in _commands(step))
    return found if found and len(found) == len(lines) else ()


def _commands(step: VerifyStep) -> Iterator[tuple[SourceRef, str]]:
    """The lines that look like shell commands, with their places; backslashes join lines."""
    pending, begin = "", 0
    for offset, line in enumerate(step.text.split("\n")):
        begin = begin if pending else offset
        pending += line.rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        found, pending = _COMMAND.match(pending), ""
        if found:
            yield SourceRef(step.source.path, step.source.line + begin), found["command"]


def _reason(command: str, root: Path) -> str | None:
    always = SUCCEEDS_ANYHOW.search(command)
    if always:
        return f"it ends in {always[0].strip()!r}, so it succeeds whatever happens"
    for part in _parts(command):
        reason = _empty_search(part, root) or _no_test(part, root)
        if reason:
            return reason
    return None


def _hidden(command: str) -> str | None:
    """The exit status of a pipe is its last command's. Where that always succeeds, the line does."""
    parts = [_stages(part) for part in _parts(command)]
    told = [stages for stages in parts if stages[0][:1] and stages[0][0] not in _SETTING_UP]
    ends = [stages[-1][0] for stages in told if len(stages) > 1 and stages[-1]]
    plain = command.startswith("!") or "||" in command
    if plain or not told or len(ends) < len(told) or any(end not in _HIDING for end in ends):
        return None
    return (
        f"its exit status is that of {ends[-1]!r}, which succeeds whatever {told[-1][0][0]!r} does; "
        "set -o pipefail, or leave the pipe out"
    )


def _parts(command: str) -> Iterator[str]:
    """The pipelines of a chain (`&&`, `;`)."""
    yield from (part.strip() for part in re.split(r"&&|;", command))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _empty_search(pipeline: str, root: Path) -> str | None:
    """`! grep A file | grep B`, where the first grep finds nothing and so feeds nothing to the second."""
    if not pipeline.startswith("!"):
        return None
    stages = _stages(pipeline[1:])
    searches = [stage for stage in stages if stage[:1] in (["grep"], ["rg"], ["egrep"])]
    if len(searches) < 2 or stages[0] != searches[0] or stages[-1] != searches[-1]:
        return None
    found = _grep(stages[0], root)
    if found is None or found:
        return None
    words = [word for word in stages[0][1:] if not word.startswith("-") and not word.isdigit()]
    where = ", ".join(words[1:])
    return f"{words[0]!r} is not in {where}, so nothing is searched and the line succeeds"


def _stages(pipeline: str) -> list[list[str]]:
    lexer = shlex.shlex(pipeline, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    stages: list[list[str]] = [[]]
    try:
        for token in lexer:
            if token == "|":
                stages.append([])
            else:
                stages[-1].append(token)
    except ValueError:
        return [[]]
    return stages


def _grep(words: list[str], root: Path) -> bool | None:
    """Whether a grep would find its pattern in the files that it names; None where that is not plain."""
    flags, rest = "", list[str]()
    options = iter(words[1:])
    for word in options:
        if re.fullmatch(r"-[ABCm]", word):
            next(options, None)
        elif re.fullmatch(r"-[A-Za-z]*[0-9]*", word):
            flags += word[1:]
        elif word.startswith("-"):
            return None
        else:
            rest.append(word)
    if len(rest) < 2 or set(flags) & set("vefrRlLc"):
        return None
    paths = [root / name for name in rest[1:]]
    if not all(path.resolve().is_relative_to(root) and path.is_file() for path in paths):
        return None
    pattern = _basic(rest[0]) if words[0] == "grep" and not set(flags) & set("EPF") else rest[0]
    pattern = re.escape(rest[0]) if "F" in flags else pattern
    return _any_match(pattern, paths, ignore_case="i" in flags)


def _basic(pattern: str) -> str:
    """A basic regular expression as an extended one: there, braces and such are plain unless escaped."""
    return re.sub(r"\\([(){}|+?])|([(){}|+?])", lambda m: m[1] or f"\\{m[2]}", pattern)


def _any_match(pattern: str, paths: list[Path], *, ignore_case: bool) -> bool | None:
    try:
        compiled = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
        for path in paths:
            if path.stat().st_size > _LARGEST:
                return None
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            if any(compiled.search(line, timeout=_TIMEOUT_S) for line in lines):
                return True
    except (regex.error, TimeoutError, OSError):
        return None
    return False


def _no_test(pipeline: str, root: Path) -> str | None:
    """A filter of pytest or cargo that is in no test's name."""
    words = _stages(pipeline.lstrip("! "))[0]
    if words[:1] in (["python"], ["python3"]) and words[1:3] == ["-m", "pytest"]:
        words = words[2:]
    if words[:1] == ["pytest"] and "-k" in words[:-1]:
        wanted = words[words.index("-k") + 1]
        names = list(_python_tests([w for w in words[1:] if w.split("::")[0].endswith(".py")], root))
        if _EXPRESSION.match(wanted) and names and not any(wanted.lower() in name.lower() for name in names):
            return f"no test's name has {wanted!r}, so no test is selected"
    if words[:2] == ["cargo", "test"]:
        return _no_cargo_test(words[2:], root)
    return None


def _python_tests(nodes: list[str], root: Path) -> Iterator[str]:
    """The names that `-k` looks at: files, classes and functions."""
    named = [root / node.partition("::")[0] for node in nodes]
    for path in named or sorted(root.rglob("test_*.py"))[:500]:
        tree = parse_python(path) if path.is_file() else None
        if tree is not None:
            yield path.name
            yield from (name for name, _ in functions(tree))
            yield from (node.name for node in tree.body if isinstance(node, ast.ClassDef))


def _no_cargo_test(words: list[str], root: Path) -> str | None:
    values = {"--test", "-p", "--package", "--features", "--bin", "--example", "--manifest-path"}
    before = words[: words.index("--")] if "--" in words else words
    filters = [
        word
        for n, word in enumerate(before)
        if not word.startswith("-") and (not n or before[n - 1] not in values)
    ]
    sources = [path for path in sorted(root.rglob("*.rs"))[:2000] if "target" not in path.parts]
    if len(filters) != 1 or not sources or not re.fullmatch(r"\w+", filters[0]):
        return None
    texts = ((path, path.read_text(encoding="utf-8", errors="replace")) for path in sources)
    for path, text in texts:
        if filters[0] in path.stem or re.search(rf"\b(?:fn|mod)\s+\w*{filters[0]}\w*", text):
            return None
    return f"no test, module or file has {filters[0]!r} in its name, so no test is selected"
