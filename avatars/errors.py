"""What can go wrong with an avatar. Each error has a stable code and a message that says what to do."""


class AvatarError(Exception):
    """Base of every expected failure with an avatar.

    Args:
        message: one or two sentences for the person who sees it, saying what to do.
    """

    code = "avatar_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BundleInvalid(AvatarError):
    """A bundle, or a part of one, is damaged, of an unknown version or not safe to open."""

    code = "bundle_invalid"


class AvatarNotFound(AvatarError):
    """No avatar has this id."""

    code = "avatar_not_found"


class AvatarExists(AvatarError):
    """The id is taken."""

    code = "avatar_exists"


class AvatarUnwritable(AvatarError):
    """The disk does not let an avatar be changed."""

    code = "avatar_unwritable"


class AvatarReadOnly(AvatarError):
    """The avatar ships with the program and cannot be changed."""

    code = "avatar_read_only"


class AvatarNotReady(AvatarError):
    """The avatar has no part for a face engine, or an outdated one; the message says how to make it."""

    code = "avatar_not_ready"
