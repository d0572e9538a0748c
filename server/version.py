"""The version of what runs."""

from __future__ import annotations

from streaming.version import DISTRIBUTION, program_version

__all__ = ["DISTRIBUTION", "program_version"]
