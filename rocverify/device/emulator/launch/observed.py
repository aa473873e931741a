"""What instruments saw of a launch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Observed = Mapping[str, Any]
"""By the instruments' names."""
