"""The fault record survives its way through JSON and reads well."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.faults import FaultReport

TRIPLES = st.none() | st.tuples(*[st.integers(0, 2**31)] * 3)
ADDRESSES = st.none() | st.integers(0, 2**64 - 1)
TEXTS = st.none() | st.text()


@given(
    st.builds(
        FaultReport, st.text(), st.text(), st.text(), ADDRESSES, TEXTS, TEXTS, TRIPLES, TRIPLES, ADDRESSES,
        st.none() | st.integers(0, 64), TEXTS, TEXTS,
    )
)  # fmt: skip
def test_round_trip(report: FaultReport) -> None:
    assert FaultReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_text_names_what_is_known_and_nothing_else() -> None:
    full = FaultReport(
        "global", "k", "store of 4 bytes", 0x40, "global_store_b32 v0", "k.hip:7", (1, 0, 0), (3, 0, 0)
    )
    assert str(full) == (
        "store of 4 bytes [kernel k, k.hip:7, pc 0x40, `global_store_b32 v0`, "
        "workgroup (1, 0, 0), workitem (3, 0, 0)]"
    )
    assert str(FaultReport("trap", "k", "s_trap 2")) == "s_trap 2 [kernel k]"
