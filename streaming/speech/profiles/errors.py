"""What can go wrong with a voice profile. Codes are stable; messages say what to do."""

from __future__ import annotations

from streaming.errors import LipstreamError
from streaming.speech.profiles.manifest import ReferenceCheck


class ProfileInvalid(LipstreamError):
    """A profile, or what is said about a new one, is damaged, incomplete or of an unknown version."""

    code = "voice_invalid"


class ReferenceRejected(LipstreamError):
    """A recording is not fit to be a voice's reference.

    Args:
        message: all that is wrong with it, and what to do.
        check: what was measured.
    """

    code = "voice_rejected"

    def __init__(self, message: str, check: ReferenceCheck | None = None) -> None:
        super().__init__(message)
        self.check = check


class ProfileExists(LipstreamError):
    """The id is taken."""

    code = "voice_exists"


class ProfilesFull(LipstreamError):
    """No more voices may be kept."""

    code = "voices_full"


class ProfilesUnwritable(LipstreamError):
    """The disk or its rights do not let a voice be kept or deleted."""

    code = "voices_unwritable"
