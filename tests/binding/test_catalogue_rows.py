"""Every row of the catalogue has phrases that it fits and phrases, near to it, that bind nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rocverify.binding import CATALOGUE, BoundMustHave

NEAR = {
    "kernel-compiled": ("The shader is compiled at load time", "The regex is compiled once"),
    "kernel-in-build": (
        "The icon is included in the build",
        "The chart library is listed in the build system",
    ),
    "kernel-loaded": ("The sprite sheet is loaded", "Fonts are loaded on the device"),
    "kernel-in-file": ("The theme is compiled via theme.js", "Pages are built from templates.html"),
    "no-transfer": ("No transfers between bank accounts are lost", "No host copies of the brochure"),
    "transfer-eliminated": ("Manual file transfer overhead is eliminated", "Waste is eliminated"),
    "stays-on-device": ("The user stays on the page", "Photos stay on the phone"),
    "matches-reference": ("The page matches the reference design", "The logo matches the style guide"),
    "is-correct": ("The login form shows correct results", "Dates are correct"),
    "wrapper-present": ("A wrapper div is present", "The wrapping paper is present"),
    "flow-documented": ("The checkout flow is documented", "The sign-up flow is traceable"),
    "call-made": ("Support calls the customer", "The manager calls a meeting"),
    "call-received": ("The customer is called by support", "The endpoint is called by partners"),
    "function-defined": ("A settings page exists", "The user exists"),
    "file-exports": ("The dashboard exports charts", "The country exports goods"),
    "file-exists": ("A privacy policy exists", "Backup exists"),
    "function-removed": ("The banner is removed from the page", "Stale sessions are removed"),
    "none-remains": ("No open questions remain", "No budget remains for travel"),
    "has-none": ("The page has no ads", "The report has no open items"),
    "removed-from": ("Old users are removed from the list", "Spam is removed from the inbox"),
    "numerically-stable": ("The business is stable", "The connection is stable"),
    "memory-safe": ("The vault is safe", "Uploads are safe"),
    "layout-declared": ("The page reads its layout from the theme", "The grid layout is declared in CSS"),
    "unsupported-refused": ("The shop refuses unsupported cards", "Unsupported browsers are refused"),
    "no-spills": ("The cup has no spills", "The pipeline has no leaks"),
    "kernels-run": ("The job runs only on Sundays", "The shop runs only one campaign"),
    "tests-pass": ("The candidate passes", "The audit passes"),
    "command-passes": ("`Save` passes the form on", "The order command passes review"),
    "no-warnings": ("No weather warnings remain", "No warnings for customers"),
    "build-makes-code-objects": ("The build makes icons", "The build script makes coffee"),
    "build-without-feature": ("The team stays intact", "The build stays green"),
    "build-succeeds": ("The campaign succeeds", "The house build succeeds"),
    "tests-skip": ("Guests skip the queue", "Blood tests skip a week"),
    "constant-is": ("The price is 32", "Interest is constant at 3 percent"),
    "struct-is": ("The image is 16 bytes", "The structure is 8 metres tall"),
    "struct-mirrors": ("The staging site mirrors the live one", "The structure mirrors the old one"),
    "runs-before": ("The intro runs before the film", "The check runs before dispatch of the parcel"),
    "uploaded-as-is": (
        "Photos are uploaded as they are",
        "Invoices are uploaded as they are, not converted first",
    ),
    "not-uploaded": ("Drafts stay on the phone and are not uploaded", "Avatars are not uploaded"),
    "buffers-reused": ("Coffee cups are reused from day to day", "Bags are reused"),
    "fallback-works": ("The fallback font works", "The fallback image works when the photo is missing"),
    "falls-back-to": ("The page falls back to English", "The player falls back to audio"),
    "times-faster": (
        "The new page is 2 times faster",
        "Delivery is at least 2 times faster than the old one",
    ),
    "times-fewer": ("The new form has 2 times fewer fields", "The shop gets 2 times fewer complaints"),
    "peak-memory": ("Peak traffic is at most 2 GB", "Peak demand is at most 2 GW"),
    "program-launches": ("The company launches only one product", "`Start` launches the tour"),
    "listed-sizes": ("Shoes come in all listed sizes", "Shirts fit for all listed sizes"),
    "agrees-within": ("The council agrees within 5 days", "The buyer agrees within 1 week"),
    "bit-exact": ("The invoice is exact", "The date is bit by bit exact"),
    "kernels-counted": ("12 reports compile for the board", "12 kernels of corn"),
    "all-replaced": ("Every use of plastic is replaced by paper", "All bulbs are replaced"),
    "code-object-run": ("The script is loaded and run", "The precompiled list is printed"),
    "shared-size": ("Shared folders have size 1,024", "Shared flats have size 90"),
}


@pytest.mark.parametrize("name", [phrase.name for phrase in CATALOGUE])
def test_a_row_has_phrases_of_both_kinds(bind_truth: Callable[..., BoundMustHave], name: str) -> None:
    """The positive one is the row's example (what it binds is tested kind by kind)."""
    (row,) = [phrase for phrase in CATALOGUE if phrase.name == name]
    found = row.pattern.search(row.example)
    assert found is not None, row.example
    assert row.fits(found), row.example
    assert len(NEAR[name]) >= 2
    for truth in NEAR[name]:
        bound = bind_truth(truth)
        assert bound.checks == (), truth
        assert bound.reason, truth


def test_no_row_is_gone() -> None:
    assert set(NEAR) == {phrase.name for phrase in CATALOGUE}
