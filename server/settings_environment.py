"""Settings on their way into processes that the server starts, wherever they came from."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from server.settings import PREFIX, SECRET_FIELDS, Settings

NOT_PASSED_ON = frozenset({"api_key", "ice_servers", "cors_origins"})
"""What no child needs to know."""
NO_SECRETS = {PREFIX + name.upper(): "" for name in SECRET_FIELDS}
"""For those that run models or decode strangers' files; the database's password is nothing to them, too."""


def environment_of(settings: Settings, leave_out: Collection[str] = NOT_PASSED_ON) -> dict[str, str]:
    """The settings as variables; a variable that is empty counts as not set.

    Args:
        settings: of the server.
        leave_out: names of fields; their variables come out empty.
    """
    return {
        PREFIX + name.upper(): "" if name in leave_out else _text(getattr(settings, name))
        for name in Settings.model_fields
    }


def settings_of_parent() -> Settings:
    """The settings that a child was started with. A ``.env`` file is its parent's matter."""
    return Settings(_env_file=None)  # pyright: ignore[reportCallIssue]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(to_jsonable_python(value))
