"""A portrait before another background: matte, repair of the clothing, composition."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.matting.background import Background, composite
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import FULL, judge_matte, keep_face
from precompute.matting.foreground import own_colours
from precompute.matting.rembg_model import Matter
from precompute.photo import Cutout
from precompute.portrait import Portrait
from precompute.repair.base import Inpainter
from precompute.repair.mend import ClothingReport, mend

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BackdropReport:
    """What was done.

    Attributes:
        matte: what made the matte.
        person: share of the picture that the person takes, 0..1.
        clothing: of the repair; ``None`` when none was asked for.
    """

    matte: str
    person: float
    clothing: ClothingReport | None

    def lines(self) -> list[str]:
        """Sentences for people."""
        lines = [f"Background replaced ({self.matte}): the person takes {self.person:.0%} of the picture."]
        if (found := self.clothing) is None:
            return lines
        if found.restored or found.drawn:
            how = f"drawn by {found.inpainter}" if found.drawn else "taken back from the photo"
            lines.append(
                f"Clothing repaired: {found.before:.1%} was missing, {how}; {found.after:.1%} is missing now."
            )
        else:
            lines.append(f"Clothing left as it is: {found.before:.1%} is missing.")
        return lines


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A portrait that is ready to be drawn on.

    Attributes:
        portrait: with its new background.
        alpha: (S, S) uint8, the matte in pixels of its frame.
        tools: what was used, for the avatar's provenance.
    """

    portrait: Portrait
    alpha: NDArray[np.uint8]
    tools: tuple[str, ...]


class Prepare(Protocol):
    """Changes a portrait before it becomes an avatar."""

    def __call__(self, portrait: Portrait, cutout: Cutout | None) -> Prepared:
        """``cutout``: the photo's own transparency, where it has any."""
        ...


@dataclass(slots=True)
class Backdrop:
    """Puts a portrait before another background.

    Attributes:
        background: the new one.
        matter: makes the matte.
        inpainter: draws what is lost of the clothing; ``None``: clothing is not repaired.
        own_transparency: take the matte of a photo that brings one.
        report: of the last portrait.
    """

    background: Background
    matter: Matter
    inpainter: Inpainter | None
    own_transparency: bool = True
    report: BackdropReport | None = field(default=None, init=False)

    def __call__(self, portrait: Portrait, cutout: Cutout | None) -> Prepared:
        """Make the matte, mend it, and put the new background behind the person.

        Raises:
            AvatarRejected: ``matte_empty`` or ``matte_full``.
            EngineFailed: the inpainter broke.
        """
        wide = portrait.source.shape[0]
        landmarks = portrait.landmarks[:, :2] * np.float32(wide / portrait.size)
        own = _own(cutout, portrait) if self.own_transparency and cutout is not None else None
        if own is not None:
            colours, alpha = own
            judge_matte(alpha, landmarks)
            alpha = keep_face(alpha, landmarks)
            made_by = "the photo's own transparency"
        else:
            rough = self.matter.matte(portrait.frame)
            judge_matte(rough, portrait.landmarks)
            fine = keep_face(refine_edges(portrait.frame, rough), portrait.landmarks)
            colours, alpha = portrait.source, _enlarged(fine, wide)
            made_by = self.matter.name
        clothing = None
        tools = [made_by]
        if self.inpainter is not None:
            mended = mend(colours, alpha, landmarks, self.inpainter, whole_photo=own is None)
            colours, alpha, clothing = mended.colours, mended.alpha, mended.report
            if clothing.inpainter:
                tools.append(clothing.inpainter)
        behind = self.background.behind(portrait.source, alpha)
        person = own_colours(colours, alpha) if own is None else colours
        source = composite(person, alpha, behind)
        size = (portrait.size, portrait.size)
        frame = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.uint8)
        small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
        self.report = BackdropReport(made_by, float(alpha.mean()), clothing)
        return Prepared(
            replace(portrait, frame=frame, source=source),
            np.clip(small * 255 + 0.5, 0, 255).astype(np.uint8),
            tuple(tools),
        )


def _own(cutout: Cutout, portrait: Portrait) -> tuple[Image, Alpha] | None:
    """Colours and matte of the portrait's part of a cut-out; ``None`` where nothing is cut out."""
    left, top, side = portrait.report.crop
    part = slice(top, top + side), slice(left, left + side)
    alpha = cutout.alpha[part]
    if float(alpha.mean()) > FULL:
        return None
    wide = portrait.source.shape[0]
    method = cv2.INTER_AREA if side > wide else cv2.INTER_LINEAR
    # What lies under full transparency is any colour at all, and must not mix with the person's.
    weighted = cv2.resize(cutout.colours[part] * alpha[..., None], (wide, wide), interpolation=method)
    share = np.clip(cv2.resize(alpha, (wide, wide), interpolation=method), 0, 1)
    colours = weighted / np.maximum(share, 1e-4)[..., None]
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8), np.asarray(share, np.float32)


def _enlarged(alpha: Alpha, side: int) -> Alpha:
    return np.asarray(
        np.clip(cv2.resize(alpha, (side, side), interpolation=cv2.INTER_LINEAR), 0, 1), np.float32
    )
