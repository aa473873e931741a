"""LLVM's disassembler as the judge of the decoder: what it prints for words, and their size in bytes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

Judged = tuple[str, int] | None
"""Text and bytes of the instruction (0: not as many as were given); None where LLVM knows none."""
_FILLER, _MARK = "s_nop 0x5a5a", "s_nop 0xa5a5"
_FILLERS = 4
_BEHIND = "0x5a,0x5a,0x80,0xbf," * _FILLERS + "0xa5,0xa5,0x80,0xbf"
"""The disassembler takes no notice of lines: what is no instruction may reach into the fillers."""
_WARNING = re.compile(r"^<stdin>:(\d+):(\d+): warning: invalid instruction encoding$", re.M)


def judged(mc: Path, target: str, words: Sequence[bytes]) -> list[Judged]:
    """The instruction at the start of each of `words`, which hold a literal where one may follow."""
    lines: list[str] = []
    for one in words:
        lines += [",".join(map(hex, one)), _BEHIND]
    command = [mc, "-triple=amdgcn-amd-amdhsa", f"-mcpu={target}", "--disassemble"]
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300, check=False
    )
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
