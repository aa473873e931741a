"""What LLVM's disassembler makes of words: many at a time."""

from __future__ import annotations

import pickle
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FILLER = 0xBF805A5A
"""s_nop 0x5a5a, in every processor: stands behind each probe, and is a literal where it needs one."""
_FILLER_TEXT = "s_nop 0x5a5a"
_MORE = 3
"""Further fillers behind each probe: the disassembler takes no notice of lines, and some image instructions
are as long."""
_BEHIND = FILLER.to_bytes(4, "little") * _MORE
_BATCH = 50_000
_REFUSED = re.compile(r"^<stdin>:(\d+):1: warning: invalid instruction encoding$", re.M)
_REFUSED_LATER = re.compile(r"^<stdin>:(\d+):(?!1:)\d+: warning: invalid instruction encoding$", re.M)


@dataclass(frozen=True, slots=True)
class Printed:
    """An instruction as LLVM prints it, and its bytes."""

    text: str
    size: int


class Disassembler:
    """`llvm-mc --disassemble` for one processor; remembers what it was asked."""

    def __init__(self, cpu: str, mc: str) -> None:
        self.cpu, self._mc = cpu, mc
        self._known: dict[tuple[int, int], Printed | None] = {}

    def remember(self, file: Path) -> None:
        """Takes over what an earlier run of the same disassembler was answered."""
        if file.exists():
            self._known = pickle.loads(file.read_bytes())

    def keep(self, file: Path) -> None:
        """Writes what was answered, for a later run."""
        file.write_bytes(pickle.dumps(self._known))

    @property
    def asked(self) -> int:
        """How many different probes there were."""
        return len(self._known)

    def ask(self, words: Iterable[int], dwords: int) -> list[Printed | None]:
        """For each number (that many dwords, the first one lowest): the instruction at its start; None where
        there is none. Literals of the instructions are dwords of the numbers, or FILLER."""
        wanted = list(words)
        new = [one for one in dict.fromkeys(wanted) if (one, dwords) not in self._known]
        for first in range(0, len(new), _BATCH):
            self._ask(new[first : first + _BATCH], dwords)
        return [self._known[one, dwords] for one in wanted]

    def _ask(self, new: Sequence[int], dwords: int) -> None:
        lines = []
        for place, one in enumerate(new):
            content = (one | FILLER << 32 * dwords).to_bytes(4 * dwords + 4, "little") + _BEHIND
            mark = (0xBF800000 | 0x8000 | place & 0x3FFF).to_bytes(4, "little")
            lines += [_bytes(content), _bytes(mark)]
        command = [self._mc, "-triple=amdgcn-amd-amdhsa", f"-mcpu={self.cpu}", "--disassemble"]
        done = subprocess.run(
            command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False
        )
        refused = {int(line) // 2 for line in _REFUSED.findall(done.stderr)}
        later = {int(line) // 2 for line in _REFUSED_LATER.findall(done.stderr)}
        answers = _between_marks(done.stdout)
        if len(answers) != len(new):
            # Some reserved values end the disassembler itself: they are no instruction.
            if len(new) == 1:
                self._known[new[0], dwords] = None
                return
            self._ask(new[: len(new) // 2], dwords)
            self._ask(new[len(new) // 2 :], dwords)
            return
        for place, (one, texts) in enumerate(zip(new, answers, strict=True)):
            known = None
            if place not in refused and texts:
                behind = sum(text == _FILLER_TEXT for text in texts[1:])
                taken = len(texts) == 1 + behind and place not in later
                known = Printed(texts[0], 4 * dwords + 4 * taken * (1 + _MORE - behind))
            self._known[one, dwords] = known


def _bytes(content: bytes) -> str:
    return ",".join(map(hex, content))


def _between_marks(output: str) -> list[list[str]]:
    """What stands before each mark, text by text; marks count from 0x8000 in 14 bits."""
    answers: list[list[str]] = []
    texts: list[str] = []
    for line in output.splitlines():
        text = line.strip()
        if text.startswith("s_nop 0x") and int(text[6:], 16) == 0x8000 | len(answers) & 0x3FFF:
            answers.append(texts)
            texts = []
        elif text and not text.startswith("."):
            texts.append(text)
    return answers
