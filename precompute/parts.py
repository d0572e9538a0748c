"""What can be added to an avatar for an engine, once the avatar is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from avatars.store import AvatarStore

Progress = Callable[[str, float], None]
"""Told what is being done, and how much of the whole is done (0..1)."""


class PartBuilder(Protocol):
    """Builds one part of avatars."""

    @property
    def name(self) -> str:
        """The engine that uses it."""
        ...

    def build(
        self, store: AvatarStore, avatar: str, *, force: bool = False, progress: Progress | None = None
    ) -> bool:
        """Give an avatar the part, unless it has one that is up to date.

        Args:
            store: where the avatar is.
            avatar: its id.
            force: build it anyway.
            progress: told about the work.

        Returns:
            Whether it was built.

        Raises:
            LipstreamError: it cannot be built here or from this avatar; the message says what to do.
            AvatarError: the avatar is missing or damaged, or cannot be written.
        """
        ...
