"""Whether commands of plans and settings may run: only the command line says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rocverify.errors import CommandRefusedError

if TYPE_CHECKING:
    from rocverify.settings import Settings


SUCCEEDS_ANYHOW = re.compile(r"(?:\|\||;)\s*(?:(?:(?:/usr)?/bin/)?true|:|exit\s+0)[\s;)}]*(?:#.*)?\Z")
"""The end of a shell line whose exit status is 0 whatever happens before it."""


def require_allowed(settings: Settings, lines: Sequence[str]) -> None:
    """CommandRefusedError unless commands are allowed."""
    if not settings.allow_commands:
        raise CommandRefusedError(
            f"not run, since commands of a plan run only where they are allowed: {'; '.join(lines)}",
            hint="read the command, then give --allow-commands",
        )
