"""What somebody wants: an avatar of this id, from a photo or a video, before that background."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from PIL import ImageColor
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from avatars.manifest import MAX_SIDE, MIN_SIDE, AvatarId, Provenance
from precompute.matting.models import MATTING_MODELS
from precompute.portrait import PORTRAIT_SIZE

KEEP, BLUR, TRANSPARENT, PICTURE, VIDEO = "keep", "blur", "transparent", "picture", "video"
BACKGROUND_WORDS = (KEEP, BLUR, TRANSPARENT, PICTURE, VIDEO)
"""All backgrounds but colours."""
REPAIRS = ("auto", "opencv", "lama", "migan", "off")
Repair = Literal["auto", "opencv", "lama", "migan", "off"]
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")


class AvatarOrder(BaseModel):
    """An order for one avatar. The photo or video, and a picture or film behind the person, are not in it.

    Attributes:
        avatar: id of the new avatar.
        kind: what it is made from.
        name: for people; made from the id when ``None``.
        provenance: where the photo or video comes from, and who agreed to its use.
        background: ``keep``, ``blur``, ``transparent``, ``picture`` or ``video`` (which lie beside the
            source), or a colour: ``#rrggbb``, ``#rgb``, or one of CSS's names.
        matting: the network that finds the person, by name; ``None``: the photo's own transparency if it has
            any, else the best network whose file is on this machine.
        repair: what draws what a cut-out lost of the clothing.
        loop_only: of a video, lips that do not move are all that is wanted.
        size: of the frames in pixels, even.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    avatar: AvatarId
    kind: Literal["photo", "video"]
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    provenance: Provenance = Provenance()
    background: str = KEEP
    matting: str | None = None
    repair: Repair = "auto"
    loop_only: bool = False
    size: Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=2)] = PORTRAIT_SIZE

    @field_validator("background")
    @classmethod
    def _known_background(cls, value: str) -> str:
        word = value.strip().lower()
        if word in BACKGROUND_WORDS or _HEX.fullmatch(word) or word in ImageColor.colormap:
            return word
        raise ValueError(
            f"{value[:80]!r} is no background; give a colour (#e8ebee, or a name such as white), blur, "
            "transparent or keep; or send a picture or a film to be put behind"
        )

    @field_validator("matting")
    @classmethod
    def _known_model(cls, value: str | None) -> str | None:
        if value is not None and value not in MATTING_MODELS:
            known = ", ".join(MATTING_MODELS)
            raise ValueError(f"there is no matting model {value[:80]!r}; there are {known}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> AvatarOrder:
        if self.matting is not None and self.background == KEEP:
            raise ValueError("a matting model is for another background: name a background, too")
        if self.loop_only and self.kind == "photo":
            raise ValueError("loop_only is for videos; the lips of a photo move with every engine")
        return self

    @property
    def title(self) -> str:
        """The avatar's name for people."""
        made = self.avatar.replace("-", " ").replace("_", " ").strip().title()
        return self.name or made or self.avatar

    @property
    def separates(self) -> bool:
        """Whether the person is told from the background."""
        return self.background != KEEP

    @property
    def clear(self) -> bool:
        """Whether the avatar's own frames show no background: a matte is all that is needed."""
        return self.background in (TRANSPARENT, VIDEO)

    @property
    def needs_backdrop(self) -> bool:
        """Whether a picture or film has to lie beside the source."""
        return self.background in (PICTURE, VIDEO)
