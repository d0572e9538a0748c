"""What can be added to an avatar for an engine, once the avatar is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from avatars.errors import AvatarError
from avatars.store import AvatarStore
from streaming.errors import LipstreamError

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


def build_parts(
    builders: Sequence[PartBuilder],
    store: AvatarStore,
    avatar: str,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, str]:
    """Let all builders add their part to an avatar. One that cannot leaves the avatar as it was.

    Args:
        builders: of the parts.
        store: where the avatar is.
        avatar: its id.
        force: build what is up to date, too.
        progress: told about the work on all parts together.

    Returns:
        Why parts could not be built, by the builder's name; empty when all is well.
    """
    failures: dict[str, str] = {}
    for index, builder in enumerate(builders):

        def report(step: str, done: float, index: int = index) -> None:
            if progress is not None:
                progress(step, (index + done) / len(builders))

        try:
            builder.build(store, avatar, force=force, progress=report)
        except (LipstreamError, AvatarError) as error:
            failures[builder.name] = error.message
        except (OSError, RuntimeError, MemoryError) as error:
            # A network's library says so when there is not enough memory.
            failures[builder.name] = f"{type(error).__name__}: {error}"
    return failures
