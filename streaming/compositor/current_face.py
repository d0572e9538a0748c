"""Whether a patch was drawn for the face that a session shows, which may be built anew meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from streaming.slots import FacePixels


class Numbered(Protocol):
    """Where drawn mouths go."""

    number: int
    """Of the avatar's part; see :attr:`avatars.musetalk.MuseTalkPart.number`."""


Face = TypeVar("Face", bound=Numbered)


class CurrentFace(Generic[Face]):
    """Follows one session.

    Args:
        face: where drawn mouths go as the session opens; ``None``: nowhere.
        renew: where they go by now; asked once for each part that patches come of and that is another.

    Attributes:
        face: where they go.
    """

    def __init__(self, face: Face | None, renew: Callable[[], Face | None]) -> None:
        self.face = face
        self._renew = renew
        self._refused: int | None = None

    def suits(self, patch: FacePixels) -> bool:
        """Whether a patch can be shown; ``face`` may be another one then."""
        if self._is_of(patch):
            return True
        if patch.part != self._refused:
            self._refused = patch.part
            found = self._renew()
            if found is not None and found.number == patch.part:
                self.face = found
        return self._is_of(patch)

    def _is_of(self, patch: FacePixels) -> bool:
        return self.face is not None and self.face.number == patch.part
