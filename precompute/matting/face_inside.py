"""A matte is judged by the face, which is known to be the person's, and never cuts it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.mesh_points import OVAL

Alpha = NDArray[np.float32]

FACE_FOUND = 0.5
"""Of the face that is in a network's matte; with less, it took something else for the person."""
FULL = 0.97
"""A matte that covers more than this of the picture separates nothing."""
INSET = 0.03
"""Of the face's height: how far the filled oval stays inside the mesh, which is not exact to the pixel."""


def face_mask(landmarks: NDArray[np.float32], shape: tuple[int, int], grow: float = 0.0) -> Alpha:
    """The oval of the face mesh: (H, W), 0 or 1.

    Args:
        landmarks: (468, 2 or 3) in pixels.
        shape: height and width.
        grow: of the face's height, outwards; inwards when negative.
    """
    oval = landmarks[list(OVAL), :2].astype(np.float64)
    height = float(oval[:, 1].max() - oval[:, 1].min())
    mask = np.zeros(shape, np.uint8)
    # OpenCV counts pixels' centres as whole numbers, as the mesh does.
    cv2.fillPoly(mask, [np.round(oval).astype(np.int32)], 1)
    reach = round(abs(grow) * height)
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
        mask = np.asarray(cv2.dilate(mask, kernel) if grow > 0 else cv2.erode(mask, kernel), np.uint8)
    return mask.astype(np.float32)


def judge_matte(alpha: Alpha, landmarks: NDArray[np.float32]) -> None:
    """Refuse a matte that has not found the person.

    Args:
        alpha: (H, W), 0..1, as a network made it.
        landmarks: (468, 2 or 3) of the face in its pixels.

    Raises:
        AvatarRejected: ``matte_empty`` or ``matte_full``.
    """
    face = face_mask(landmarks, alpha.shape[:2]) > 0
    if float(alpha[face].mean()) < FACE_FOUND:
        raise AvatarRejected(
            "matte_empty",
            "The person was not found before this background. Choose another matting model, "
            "send a photo before a plainer background, or keep the background.",
        )
    if float(alpha.mean()) > FULL:
        raise AvatarRejected(
            "matte_full",
            "No background was found in this photo. Choose another matting model, "
            "send a photo with some room around the head, or keep the background.",
        )


def keep_face(alpha: Alpha, landmarks: NDArray[np.float32]) -> Alpha:
    """Fill the face's oval, and drop what does not hang together with the person.

    Args:
        alpha: (H, W), 0..1.
        landmarks: (468, 2 or 3) of the face in its pixels.

    Returns:
        (H, W), 0..1; 1 in the face.
    """
    face = face_mask(landmarks, alpha.shape[:2], -INSET)
    whole = np.maximum(alpha, face)
    # Anything that is there at all may belong to a strand of hair, so that regions are taken generously.
    _, labels = cv2.connectedComponents((whole > 0.1).astype(np.uint8))
    person = np.unique(labels[face > 0])
    return np.where(np.isin(labels, person[person > 0]), whole, 0).astype(np.float32)
