"""LLVM's disassembler as the judge of the decoder: what it prints for words, or for a whole file."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

Judged = tuple[str, int] | None
"""Text and bytes of the instruction (0: not as many as were given); None where LLVM knows none."""
_FILLER, _MARK = "s_nop 0x5a5a", "s_nop 0xa5a5"
_FILLERS = 4
_BEHIND = "0x5a,0x5a,0x80,0xbf," * _FILLERS + "0xa5,0xa5,0x80,0xbf"
"""The disassembler takes no notice of lines: what is not an instruction may reach into the fillers."""
_BATCH = 2000
_WARNING = re.compile(r"^<stdin>:(\d+):(\d+): warning: invalid instruction encoding$", re.M)


def judged(mc: Path, target: str, words: Sequence[bytes]) -> list[Judged]:
    """The instruction at the start of each of `words`, which hold a literal where one may follow."""
    batches = (words[first : first + _BATCH] for first in range(0, len(words), _BATCH))
    return [one for batch in batches for one in _judged(mc, target, batch)]


def _judged(mc: Path, target: str, words: Sequence[bytes]) -> list[Judged]:
    """Some reserved values end the disassembler itself: they are no instruction."""
    lines: list[str] = []
    for one in words:
        lines += [",".join(map(hex, one)), _BEHIND]
    command = [mc, "-triple=amdgcn-amd-amdhsa", f"-mcpu={target}", "--disassemble"]
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode < 0:
        half = len(words) // 2
        return [None] if not half else _judged(mc, target, words[:half]) + _judged(mc, target, words[half:])
    refused: dict[int, int] = {}
    for line, column in _WARNING.findall(done.stderr):
        refused[int(line) // 2] = min(int(column), refused.get(int(line) // 2, 1 << 30))
    printed = list(_groups(done.stdout))
    assert len(printed) == len(words)
    return [
        _judge(one, texts, refused.get(place))
        for place, (one, texts) in enumerate(zip(words, printed, strict=True))
    ]


def _judge(word: bytes, texts: Sequence[str], refused: int | None) -> Judged:
    if not texts or refused == 1:
        return None
    text = texts[0]
    if "/*" in text and not text.startswith("s_delay_alu"):
        return None
    return text, len(word) if texts[1:] == [_FILLER] * _FILLERS and not refused else 0


def _groups(output: str) -> Iterator[list[str]]:
    texts: list[str] = []
    for line in output.splitlines():
        text = line.strip()
        if text == _MARK:
            yield texts
            texts = []
        elif text and not text.startswith("."):
            texts.append(text)


class Listed(NamedTuple):
    """An instruction of a file. `size` in bytes; `word`: its first dword; `source`: file:line."""

    address: int
    text: str
    size: int
    word: int
    source: str | None


_LINE = re.compile(r"^\t(?P<text>.*?)\s*// (?P<address>[0-9A-Fa-f]+):(?P<words>(?: [0-9A-Fa-f]{8})+)")
_SOURCE = re.compile(r"^; (?P<line>.+:\d+)(?: \(discriminator \d+\))?$")


def listed(objdump: Path, target: str, code_object: bytes) -> Iterator[Listed]:
    """The instructions of .text with their source lines."""
    with tempfile.NamedTemporaryFile(suffix=".co") as file:
        file.write(code_object)
        file.flush()
        command = [objdump, "-d", "-l", f"--mcpu={target}", file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    source = None
    for line in done.stdout.splitlines():
        if found := _SOURCE.match(line):
            source = found["line"]
        elif match := _LINE.match(line):
            words = match["words"].split()
            yield Listed(
                int(match["address"], 16), match["text"].strip(), 4 * len(words), int(words[0], 16), source
            )
