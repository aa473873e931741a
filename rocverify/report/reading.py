"""A report.json read back."""

from __future__ import annotations

import json

from pydantic import ValidationError

from rocverify.errors import UsageError
from rocverify.report.model import Report


def report_of(text: str, where: str) -> Report:
    """The report that a text holds. Raises UsageError, naming `where` and what is wrong with it."""
    try:
        return Report.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        reason = f"{key}: {first['msg']}" if key else first["msg"]
    except ValueError as error:
        reason = str(error)
    raise UsageError(
        f"is not a report of this rocverify ({reason})",
        where=where,
        hint="have a run write it anew: rocverify run ...",
    )
