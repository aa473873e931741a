"""Phases that the roadmap lists and that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.plan.roadmap_phases import missing_phases

ROADMAP = """\
# Roadmap

- [x] **Phase 01: First** - done
- [ ] **Phase 02: Second** - under way
- [ ] **Phase 05: Later** - some day

## Phase Details

### Phase 01: First

**Requirements**: AFF-01, AFF-02
**Success Criteria** (what must be TRUE):
1. it works

Plans:
- [ ] 01-01: one

### Phase 02: Second

### Phase 2.1: Inserted

### Phase 05: Later

Plans:
- [ ] 05-01: one
"""


def missing(root: Path, *there: str, roadmap: str = ROADMAP, state: str = "") -> list[str]:
    (root / ".planning").mkdir(exist_ok=True)
    (root / ".planning/ROADMAP.md").write_text(roadmap)
    (root / ".planning/STATE.md").write_text(state)
    return [demand.id for demand in missing_phases(root, there)]


def test_what_lies_before_a_phase_that_is_there_is_missed(tmp_path: Path) -> None:
    assert missing(tmp_path, "1", "02", "02.1") == []
    assert missing(tmp_path, "1", "02.1") == ["02"]
    assert missing(tmp_path, "5") == ["01", "02", "02.1"]


def test_what_was_ticked_off_or_is_the_current_phase_is_missed(tmp_path: Path) -> None:
    assert missing(tmp_path, "0") == ["01"]
    assert missing(tmp_path, "1", state="Phase: 2 of 5 (Second)\n") == ["02"]
    assert missing(tmp_path, "1", state="**Phase:** 5 (Later)\n") == ["02", "02.1", "05"]
    ticked = ROADMAP.replace("- [ ] 05-01", "- [x] 05-01")
    assert missing(tmp_path, "1", "2", "2.1", roadmap=ticked) == ["05"]


def test_a_phase_that_has_not_begun_is_not_missed(tmp_path: Path) -> None:
    assert missing(tmp_path, "1", "2", "2.1") == []


def test_what_is_asked_of_it_is_told_with_its_line(tmp_path: Path) -> None:
    missing(tmp_path)
    (demand,) = missing_phases(tmp_path, [])
    assert demand.text == "phase 01 First, of which the documents ask for 3 requirements and criteria"
    assert str(demand.source) == ".planning/ROADMAP.md:3"


@pytest.mark.parametrize("text", ["", "# Roadmap\n", "### Phases\n### Phase Details\n"])
def test_a_roadmap_without_phases_misses_none(tmp_path: Path, text: str) -> None:
    assert missing(tmp_path, "1", roadmap=text, state="Phase: x\n") == []


def test_without_a_roadmap_nothing_is_missed(tmp_path: Path) -> None:
    assert missing_phases(tmp_path, ["1"]) == ()
