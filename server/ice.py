"""Servers that help viewers behind firewalls, as the settings name them."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ICE_URL = re.compile(r"(stun|turn)s?:[!#-;=?-~]+")
PRINTABLE = r"^[ -~]+$"


class IceServer(BaseModel):
    """One STUN or TURN server, in the words of WebRTC's ``RTCIceServer``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: list[str] = Field(min_length=1, examples=[["turn:turn.example.org:3478?transport=udp"]])
    # They travel in a Link header, too.
    username: str | None = Field(default=None, pattern=PRINTABLE)
    credential: str | None = Field(default=None, repr=False, pattern=PRINTABLE)

    @field_validator("urls", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("urls")
    @classmethod
    def _schemes(cls, value: list[str]) -> list[str]:
        for url in value:
            if not ICE_URL.fullmatch(url):
                raise ValueError(
                    f"{url!r} is no STUN or TURN address; it starts with stun:, stuns:, turn: or turns:"
                )
        return value

    @model_validator(mode="after")
    def _turn_needs_credentials(self) -> IceServer:
        if any(url.startswith("turn") for url in self.urls) and not (self.username and self.credential):
            raise ValueError("a TURN server needs a username and a credential")
        return self
