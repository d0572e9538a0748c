"""Errors of the live line. Each carries a stable code and a message that says what to do."""

from __future__ import annotations

from typing import TypeVar


class LipstreamError(Exception):
    """Base of every expected failure.

    Args:
        message: one or two sentences for the person who sees it, saying what to do.
    """

    code = "internal_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


E = TypeVar("E", bound=LipstreamError)


def without_history(error: E) -> E:
    """The same error, without where it came from: a traceback keeps all alive that was half loaded there."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class EngineUnavailable(LipstreamError):
    """An engine cannot run here (package, weights or device missing); the message says what to install."""

    code = "engine_unavailable"


class EngineFailed(LipstreamError):
    """An engine that was running broke."""

    code = "engine_failed"


class LanguageNotSpoken(LipstreamError):
    """No installed voice speaks the language of the text."""

    code = "language_not_spoken"


class VoiceNotFound(LipstreamError):
    """The named voice is not installed."""

    code = "voice_not_found"


class ScriptRejected(LipstreamError):
    """The script is empty, too long, or holds nothing that can be spoken."""

    code = "script_rejected"


class BackgroundRejected(LipstreamError):
    """The background asked for is no colour, or the avatar has one of its own."""

    code = "background_rejected"


class PerformerLost(LipstreamError):
    """The performer process died; it is being restarted and the next utterance will work."""

    code = "performer_lost"


class SessionNotFound(LipstreamError):
    """No session has this id (any more)."""

    code = "session_not_found"


class SessionClosed(LipstreamError):
    """The session has ended."""

    code = "session_closed"


class CapacityReached(LipstreamError):
    """No more sessions or jobs fit on this machine at present."""

    code = "capacity_reached"


class UnknownUtterance(LipstreamError):
    """The named utterance does not exist or takes no more text."""

    code = "unknown_utterance"


class BadCommand(LipstreamError):
    """A command of the live protocol that cannot be understood."""

    code = "bad_command"


def error_from_code(code: str, message: str) -> LipstreamError:
    """The error that ``code`` names, rebuilt on this side of a process boundary."""
    for kind in LipstreamError.__subclasses__():
        if kind.code == code:
            return kind(message)
    error = LipstreamError(message)
    error.code = code
    return error


class OfferRejected(LipstreamError):
    """A WebRTC offer, or a candidate for it, cannot be used; the message names what is wrong with it."""

    code = "offer_rejected"
