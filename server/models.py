"""Bodies of the HTTP API. The commands of a session are those of ``streaming.protocol``, not a second set."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server.settings import IceServer
from streaming.protocol import AvatarId, Speed, Text
from streaming.script import ScriptKind

RenderStatus = Literal["queued", "running", "done", "failed", "cancelled"]

VoiceName = Field(
    default=None, max_length=64, description="A voice of GET /v1/voices; the default one if absent."
)
Language = Field(
    default=None, max_length=16, examples=["en"], description="BCP 47; judged by the letters if absent."
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SessionCreate(_Body):
    """What a new session shows and sounds like; everything has a default."""

    avatar: AvatarId | None = None
    voice: str | None = VoiceName
    language: str | None = Language


class SessionLinks(BaseModel):
    """Where to go on, relative to the server."""

    self: str = Field(examples=["/v1/sessions/s_1"])
    whep: str = Field(examples=["/v1/sessions/s_1/whep"])
    websocket: str = Field(examples=["/v1/sessions/s_1/ws"])


class SessionInfo(BaseModel):
    """A session as anybody may see it."""

    id: str
    avatar: str = Field(examples=["mira"])
    state: Literal["idle", "speaking", "closed"]
    generation: int = Field(description="Rises with every interrupt.")
    width: int
    height: int
    fps: int
    viewers: int
    created: float = Field(description="Unix seconds.")
    links: SessionLinks


class SessionCreated(SessionInfo):
    """A session as its creator sees it, once."""

    token: str = Field(description="The secret that every operation on this session needs.")
    ice_servers: list[IceServer] = Field(description="For RTCPeerConnection.")


class SessionList(BaseModel):
    """Open sessions."""

    sessions: list[SessionInfo]


class Accepted(BaseModel):
    """The text was taken; events tell what becomes of it."""

    utterance: str
    generation: int


class AudioAccepted(Accepted):
    """The sound was taken; events tell what becomes of it."""

    seconds: float = Field(description="Length of the recording, or of what came of the stream.")


class Interrupted(BaseModel):
    """What was said before this generation is dropped."""

    generation: int


class RenderCreate(_Body):
    """A script to turn into an MP4 file."""

    text: Text
    avatar: AvatarId | None = None
    voice: str | None = VoiceName
    language: str | None = Language
    speed: Speed = 1.0
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="The same seed gives the same picture and sound."
    )


class Render(BaseModel):
    """A render and how far it is."""

    id: str
    kind: ScriptKind = Field(description="What it is made from.")
    status: RenderStatus
    progress: float = Field(ge=0, le=1)
    avatar: str
    created: float = Field(description="Unix seconds.")
    finished: float | None = None
    seconds: float | None = Field(default=None, description="Length of the video.")
    result_url: str | None = Field(default=None, description="The MP4 file, once done.")
    captions_url: str | None = Field(
        default=None,
        description="The words of a text as WebVTT, once done; those of a recording are not known.",
    )
    code: str | None = Field(default=None, description="Why it failed, or why a stream ends early.")
    message: str | None = Field(default=None, description="The same for people, and what to do.")


class RenderCreated(Render):
    """A render as its creator sees it, once."""

    token: str = Field(description="The secret that everything about this render needs.")


class RenderList(BaseModel):
    """Renders, newest first."""

    renders: list[Render]


class VoiceModel(BaseModel):
    """A voice that can speak now."""

    name: str
    engine: str
    languages: list[str]
    description: str = ""


class VoiceList(BaseModel):
    """Voices that can speak now."""

    voices: list[VoiceModel]


class AvatarModel(BaseModel):
    """An avatar that can be shown."""

    id: str
    name: str
    width: int
    height: int
    builtin: bool = Field(description="It ships with the program and cannot be deleted.")
    default: bool = Field(description="It is used when a request names none.")
    licence: str = ""
    provenance: str = ""
    poster_url: str
    idle_url: str


class AvatarList(BaseModel):
    """Avatars that can be shown."""

    avatars: list[AvatarModel]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Ready(BaseModel):
    """Whether a new session would work, and why not."""

    ready: bool
    performer: Literal["ready", "starting", "failed"]
    detail: str = ""
    restarts: int
    speech: list[str] = []
    face: str = ""
    device: str = ""
    sessions: int
    max_sessions: int
