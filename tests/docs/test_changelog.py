"""The change log has kinds as Keep a Changelog has them, and each change once."""

from __future__ import annotations

import re
from pathlib import Path

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def test_every_change_is_of_a_kind_and_told_once(repo_root: Path) -> None:
    text = (repo_root / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.split(r"(?m)^## ", text)[1:]
    assert versions[0].startswith("0.1.0 (unreleased)\n")
    for version in versions:
        before, *kinds = re.split(r"(?m)^### ", version)
        assert "\n- " not in before, "put it under a kind: Added, Changed, Fixed, ..."
        names = [kind.partition("\n")[0] for kind in kinds]
        assert names == [name for name in KINDS if name in names]
        changes = [change for kind in kinds for change in re.split(r"(?m)^- ", kind)[1:]]
        assert changes
        twice = {change for change in changes if changes.count(change) > 1}
        assert not twice
