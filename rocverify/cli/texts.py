"""Texts that several help pages share."""

from __future__ import annotations

EXIT_CODES = """\b
Exit codes of `run`:
    0  every must-have is verified
    1  gaps found: a check failed (with --baseline REF: one that did not at REF)
    2  the command line, a plan, the settings or the build manifest is wrong,
       or a report could not be written
    3  nothing failed, but something is unverified (0 with --gate lenient)
    4  the harness itself broke; it prints a report to paste
  130  interrupted; files written before are as they were
"""
