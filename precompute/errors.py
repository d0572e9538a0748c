"""Why a picture or a video cannot become an avatar."""

from __future__ import annotations

from streaming.errors import LipstreamError


class AvatarRejected(LipstreamError):
    """The material is not fit for an avatar.

    Args:
        code: stable name of the reason, such as ``not_an_image``, ``truncated_image``, ``image_too_large``,
            ``image_too_small``, ``heif_not_installed``, ``no_face``, ``photo_not_upright``,
            ``several_faces``, ``face_too_small``, ``face_turned_away``, ``face_unclear``, ``face_cut_off``,
            ``face_too_dark``, ``face_overexposed``, ``face_blurred``; of videos also ``not_a_video``,
            ``truncated_video``, ``video_too_long``, ``video_too_short``, ``video_too_large``,
            ``video_too_small``, ``frozen_video``, ``mouth_covered``, ``no_steady_stretch``.
        message: what was found and what to do.
    """

    code = "avatar_rejected"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
