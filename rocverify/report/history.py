"""What a VERIFICATION says of the one before it, of what a person decided, and of when it is out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from rocverify.markdown import one_line

_FINGERPRINT = "v1"


def covered_digest(covered: Mapping[str, str]) -> str:
    """The workflow's fingerprint of files (SHA-256 by path): while it holds, the verdict does."""
    paths = sorted(covered, key=lambda path: path.encode("utf-16-be"))  # JavaScript's order
    text = _FINGERPRINT + "\n" + "".join(f"{path}\n{covered[path]}\n" for path in paths)
    return f"{_FINGERPRINT}:sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def re_verification(before: Mapping[str, Any], gaps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How the gaps went since the verdict that the file holds."""
    truths = [str(gap["truth"]) for gap in gaps]
    listed = before.get("gaps")
    known = (
        [str(gap.get("truth")) for gap in listed if isinstance(gap, Mapping)]
        if isinstance(listed, list)
        else []
    )
    return {
        "previous_status": str(before["status"]),
        "previous_score": str(before["score"]).partition(" ")[0],
        "gaps_closed": [truth for truth in known if truth not in truths],
        "gaps_remaining": [truth for truth in truths if truth in known],
        "regressions": [truth for truth in truths if truth not in known],
    }


def overrides(before: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a person accepted in the file's `overrides:`. It is shown, and changes no verdict."""
    listed = before.get("overrides")
    return [
        {key: one_line(str(entry.get(key) or "not said")) for key in ("must_have", "reason", "accepted_by")}
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, Mapping)
    ]
