"""Outside text (plans, compilers, host code) made safe to stand in Markdown.

What a reader sees is the text itself: it can neither end a table cell, a code span or a fence, nor
become markup, nor look like the markers of the generated block.
"""

from __future__ import annotations

import re

from rocverify.payload import clean_text

_ANYWHERE = re.compile(
    r"[`*\[<|~$]"
    r"|\\(?=[!-/:-@\[-`{-~]|$)"  # a backslash means something before ASCII punctuation only
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|&(?=#|\w+;)"
)
_LINE_START = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))|^(?=[-+](?:\s|$)|-[-\s]*$|=+$|>|#{1,6}(?:\s|$))")
_LIKE_A_PATH = re.compile(r"/.*\.[A-Za-z]+$")
_PATH = re.compile(r"/?[\w.@+-]+(?:/[\w.@+-]+)*")
_BACKTICKS = re.compile(r"`+")


def one_line(text: str) -> str:
    """`text` with every run of white space made one space."""
    return " ".join(clean_text(str(text)).split())


def inline(text: object) -> str:
    """Text in a paragraph, list item or table cell: one line, shown as it is."""
    return inline_part(one_line(str(text)), first=True)


_NAME = re.compile(
    r"'[^'\s]*[\\\[\](){}|*^$<>_=#][^'\s]*'"  # a pattern or text in quotes, as it is written
    r"|(?<![\w`/.-])(?:[A-Za-z_]\w*(?:\.|::|:))*[A-Za-z_]\w*\(\)"  # f(), module:f(), a::b()
    r"|(?<![\w`/.-])[\w.-]*(?:/[\w.-]+)+:\d+(?::\d+)?"  # path:line
    r"|(?<![\w`/.:-])(?:\w+[.:])*[A-Za-z]\w*_\w+(?![\w/]|\.\w)"  # snake_case
)


def prose(text: object) -> str:
    """Text as `inline` has it, with names, calls, places and quoted patterns verbatim in code spans."""
    line, out, at = one_line(str(text)), [], 0
    for found in _NAME.finditer(line):
        before = line[at : found.start()]
        out += [inline_part(before, first=not at), code(found[0].strip("'"))]
        at = found.end()
    return "".join([*out, inline_part(line[at:], first=not at)])


def inline_part(text: str, *, first: bool) -> str:
    """A part of a line: what means something at its beginning only, does so in the first."""
    escaped = _ANYWHERE.sub(r"\\\g<0>", text)
    return _LINE_START.sub(lambda match: f"{match[1] or ''}\\", escaped) if first else escaped


def cell_prose(text: object) -> str:
    """The same in a table cell, where a bar has to be escaped even within code."""
    return re.sub(r"(?<!\\)\|", r"\\|", prose(text))


def cell_code(text: object) -> str:
    """Text as a code span in a table cell, where a bar has to be escaped even within code."""
    return code(text).replace("|", "\\|")


def code(text: object) -> str:
    """Text as a code span (not in a table: see `cell_code`). Empty text gives nothing.

    Commands and patterns that end like a file's path are no Markdown code: the workflow's validator looks for
    every file that a SUMMARY names in backticks.
    """
    line = one_line(str(text))
    if not line:
        return ""
    if _LIKE_A_PATH.search(line) and not _PATH.fullmatch(line):
        return f"<code>{inline(line)}</code>"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def fenced(text: str, language: str = "text") -> str:
    """Text as a code block, line by line."""
    body = clean_text(text).strip("\n").expandtabs(4)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
