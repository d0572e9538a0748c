"""A portrait before another background: matte, repair of the clothing, composition."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.clear import over_grey
from precompute.matting.background import Background, composite
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import FULL, judge_matte, keep_face
from precompute.matting.foreground import own_colours
from precompute.matting.rembg_model import Matter
from precompute.photo import Cutout
from precompute.portrait import Portrait
from precompute.repair.base import Inpainter
from precompute.repair.mend import ClothingReport, mend, untouched_line

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
        lines = [matte_line(self.matte, self.person)]
        return lines if self.clothing is None else [*lines, clothing_line(self.clothing)]


def matte_line(matte: str, person: float, *, removed: bool = False) -> str:
    """A sentence for people on a matte.

    Args:
        matte: what made it.
        person: the person's share of the picture, 0..1.
        removed: whether nothing takes the background's place.
    """
    done = "removed" if removed else "replaced"
    return f"Background {done} ({matte}): the person takes {person:.0%} of the picture."


def clothing_line(found: ClothingReport) -> str:
    """A sentence for people on a repair."""
    if found.restored or found.drawn:
        how = f"drawn by {found.inpainter}" if found.drawn else "taken back from the photo"
        return f"Clothing repaired: {found.before:.1%} was missing, {how}; {found.after:.1%} is missing now."
    return untouched_line(found.before)


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """A person told from the background, in pixels of the portrait's ``source``.

    Attributes:
        colours: (2S, 2S, 3) BGR: the photo, or the colours of a cut-out.
        alpha: (2S, 2S), 0..1.
        own: whether the photo came cut out, and brought this matte.
        made_by: what made the matte.
    """

    colours: Image
    alpha: Alpha
    own: bool
    made_by: str


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


@dataclass(slots=True)
class Backdrop:
    """Puts a portrait before another background: all steps in one, or one by one.

    Attributes:
        background: the new one; ``None``: none at all, and the person's own colours up to the outermost hair.
        matter: makes the matte.
        inpainter: draws what is lost of the clothing; ``None``: clothing is not repaired.
        own_transparency: take the matte of a photo that brings one.
        report: of the last portrait.
    """

    background: Background | None
    matter: Matter
    inpainter: Inpainter | None
    own_transparency: bool = True
    report: BackdropReport | None = field(default=None, init=False)

    def __call__(self, portrait: Portrait, cutout: Cutout | None) -> Prepared:
        """Make the matte, mend it, and put the new background behind the person.

        Args:
            portrait: what is changed.
            cutout: the photo's own transparency, where it has any.

        Raises:
            AvatarRejected: ``matte_empty`` or ``matte_full``.
            EngineFailed: the inpainter broke.
        """
        separated = self.separate(portrait, cutout)
        tools, clothing = [separated.made_by], None
        if self.inpainter is not None:
            separated, clothing = repair(portrait, separated, self.inpainter)
            tools += [clothing.inpainter] if clothing.inpainter else []
        self.report = BackdropReport(separated.made_by, float(separated.alpha.mean()), clothing)
        changed, alpha = compose(portrait, separated, self.background)
        return Prepared(changed, alpha, tuple(tools))

    def separate(self, portrait: Portrait, cutout: Cutout | None) -> Separated:
        """Make the matte.

        Raises:
            AvatarRejected: ``matte_empty`` or ``matte_full``.
            EngineUnavailable: the model is not there.
        """
        wide = portrait.source.shape[0]
        own = _own(cutout, portrait) if self.own_transparency and cutout is not None else None
        if own is not None:
            colours, alpha = own
            landmarks = landmarks_of(portrait)
            judge_matte(alpha, landmarks)
            return Separated(colours, keep_face(alpha, landmarks), True, "the photo's own transparency")
        rough = self.matter.matte(portrait.frame)
        judge_matte(rough, portrait.landmarks)
        fine = keep_face(refine_edges(portrait.frame, rough), portrait.landmarks)
        return Separated(portrait.source, _enlarged(fine, wide), False, self.matter.name)


def repair(
    portrait: Portrait, separated: Separated, inpainter: Inpainter
) -> tuple[Separated, ClothingReport]:
    """Mend what the matte bit out of the clothing. Where nothing is to be mended, the same comes back.

    Raises:
        EngineFailed: the inpainter broke.
    """
    landmarks = landmarks_of(portrait)
    mended = mend(separated.colours, separated.alpha, landmarks, inpainter, whole_photo=not separated.own)
    if not (mended.report.restored or mended.report.drawn):
        return separated, mended.report
    return replace(separated, colours=mended.colours, alpha=mended.alpha), mended.report


def compose(
    portrait: Portrait, separated: Separated, background: Background | None
) -> tuple[Portrait, NDArray[np.uint8]]:
    """Put a background behind the person.

    Args:
        portrait: as it was cut from the photo.
        separated: the person.
        background: the new one; ``None``: light grey behind the person's own, whole colours.

    Returns:
        The portrait with it, and the matte in pixels of its frame, (S, S) uint8.
    """
    alpha = separated.alpha
    person = separated.colours if separated.own else own_colours(separated.colours, alpha)
    if background is None:
        source = over_grey(person, alpha)
    else:
        source = composite(person, alpha, background.behind(portrait.source, alpha))
    size = (portrait.size, portrait.size)
    frame = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return (
        replace(portrait, frame=frame, source=source),
        np.clip(small * 255 + 0.5, 0, 255).astype(np.uint8),
    )


def landmarks_of(portrait: Portrait) -> NDArray[np.float32]:
    """(468, 2) landmarks in pixels of the portrait's ``source``."""
    return portrait.landmarks[:, :2] * np.float32(portrait.source.shape[0] / portrait.size)


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
