"""Bodies of the HTTP API. The commands of a session are those of ``streaming.protocol``, not a second set."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from avatars.manifest import BackgroundKind, LoopKind
from server.ice import IceServer
from streaming.protocol import AvatarId, DeliveryFields, Speed, Text
from streaming.script import ScriptKind
from streaming.sinks.formats import FilmFormat

RenderStatus = Literal["queued", "running", "done", "failed", "cancelled"]

VoiceName = Field(
    default=None, max_length=64, description="A voice of GET /v1/voices; the default one if absent."
)
Language = Field(
    default=None, max_length=16, examples=["en"], description="BCP 47; judged by the letters if absent."
)

BACKGROUND = (
    "A colour behind an avatar that was made without a background: #rrggbb, #rgb, a name of CSS, or default "
    "(light grey). Refused for other avatars."
)
BackgroundColour = Field(default=None, max_length=64, examples=["#00ff00"], description=BACKGROUND)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SessionCreate(_Body):
    """What a new session shows and sounds like; everything has a default."""

    avatar: AvatarId | None = None
    voice: str | None = VoiceName
    language: str | None = Language
    background: str | None = BackgroundColour


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


class RenderCreate(_Body, DeliveryFields):
    """A script to turn into a film."""

    text: Text
    avatar: AvatarId | None = None
    voice: str | None = VoiceName
    language: str | None = Language
    speed: Speed = 1.0
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="The same seed gives the same picture and sound."
    )
    format: FilmFormat = Field(
        default="mp4",
        description="All but mp4 keep an avatar without a background transparent; png is a zip of pictures.",
    )
    background: str | None = BackgroundColour


class Render(BaseModel):
    """A render and how far it is."""

    id: str
    kind: ScriptKind = Field(description="What it is made from.")
    status: RenderStatus
    progress: float = Field(ge=0, le=1)
    avatar: str
    format: FilmFormat = "mp4"
    created: float = Field(description="Unix seconds.")
    finished: float | None = None
    seconds: float | None = Field(default=None, description="Length of the video.")
    result_url: str | None = Field(default=None, description="The film, once done.")
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


class VoiceFinding(BaseModel):
    """Something about a recording: a stable code, and words that say what to do."""

    code: str = Field(examples=["short"])
    message: str


class VoiceCheck(BaseModel):
    """What was measured in a recording. Levels are decibels of full scale, before any gain."""

    sent_seconds: float = Field(description="As it came.", examples=[9.2])
    seconds: float = Field(description="Without the silence around the speech.", examples=[8.4])
    speech_seconds: float = Field(description="Of which somebody speaks.", examples=[7.3])
    level_db: float | None = Field(description="Of the speech; null without any.", examples=[-27.4])
    peak_db: float = Field(examples=[-8.1])
    noise_db: float = Field(description="Of the quietest tenth.", examples=[-52.3])
    clipped_share: float = Field(description="Samples of the speech at full scale, 0..1.", examples=[0.0])
    gain_db: float = Field(description="What the reference was raised by.", examples=[4.4])
    channels: int = Field(description="Of the file; they are averaged.", examples=[1])
    sample_rate: int = Field(description="Of the file.", examples=[48_000])
    codec: str = Field(examples=["opus"])
    problems: list[VoiceFinding] = Field(description="Why it cannot be used; empty when it can.")
    warnings: list[VoiceFinding] = Field(description="What makes the voice worse than it could be.")


class VoiceProfileModel(BaseModel):
    """A voice of a person, made from a recording."""

    id: str = Field(examples=["jane-roe"])
    kind: Literal["profile"] = "profile"
    name: str = Field(examples=["Jane Roe"])
    language: str | None = Field(description="BCP 47; null when nobody knows.", examples=["en"])
    has_transcript: bool = Field(description="Without, only the sound of the voice is cloned.")
    seconds: float = Field(description="Length of the reference.", examples=[8.4])
    created: str = Field(examples=["2026-11-20T12:00:00Z"])
    engines: list[str] = Field(description="Which of the engines that run here can speak with it.")
    needs: str = Field(description="What it takes to hear it, where no engine here can; else empty.")


class VoiceProfileDetails(VoiceProfileModel):
    """All of a voice, for its owner; others see no transcript, consent or provenance."""

    check: VoiceCheck
    reference_url: str = Field(examples=["/v1/voices/jane-roe/reference.wav"])
    transcript: str | None = None
    consent: str | None = None
    author: str | None = None
    source: str | None = Field(default=None, description="Name of the file that was sent.")
    source_sha256: str | None = None
    note: str | None = None


class VoiceProfileCreated(VoiceProfileDetails):
    """A voice as its maker sees it, once."""

    token: str = Field(description="The secret that hears the reference and deletes the voice.")


class VoiceList(BaseModel):
    """Voices that can speak now, and voices of people."""

    voices: list[VoiceModel]
    profiles: list[VoiceProfileModel] = []
    max_profiles: int = Field(default=0, description="Profiles that may be; 0 where none are taken.")


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
    engines: list[str] = Field(description="Face engines that can show it now.")
    background: BackgroundKind = Field(
        default="own", description="Behind the person: what the frames show, nothing, or a film of its own."
    )
    poster_url: str
    idle_url: str
    alpha_url: str | None = Field(
        default=None,
        description="Where the poster shows the person (grey PNG), of a photo's avatar without a background.",
    )


class AvatarDetails(AvatarModel):
    """An avatar with all that is known of it."""

    source: str = Field(description="What it was made from.", examples=["me.jpg"])
    author: str = Field(description="Who made that.")
    consent: str = Field(description="Who agreed to this use, and how; or why nobody needs to.")
    tools: list[str] = Field(description="What it was made with.")
    created: str = Field(examples=["2026-11-20T12:00:00Z"])
    fps: int = Field(description="Frames per second of the idle loop.", examples=[25])
    frames: int = Field(description="Frames of the idle loop.")
    loop: LoopKind = Field(description="How the loop goes on at its end: back, or from its beginning.")
    report_url: str | None = Field(default=None, description="What was judged when it was made (JSON).")
    steps_url: str | None = Field(default=None, description="A sheet of the steps that made it (WebP).")


class AvatarLimits(BaseModel):
    """How many bytes files may have that avatars are made of."""

    photo_bytes: int
    source_bytes: int = Field(description="A photo or video, and what is to be behind, together.")
    avatar_bytes: int = Field(description="An avatar that is taken in.")


class AvatarList(BaseModel):
    """Avatars that can be shown, and what may be sent to get others."""

    avatars: list[AvatarModel]
    limits: AvatarLimits


class AvatarSource(_Body):
    """Where an avatar's file is."""

    url: str = Field(
        max_length=2000,
        description="Fetched by the server; http or https, and no private network.",
        examples=["https://example.org/anna.lipstream"],
    )


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Card(BaseModel):
    """What the graphics card was found to carry; memory in bytes, a budget of 0 is none."""

    plan: str
    sessions: int
    frame_rate: float
    decoder: str
    memory_bytes: int
    memory_peak_bytes: int
    memory_budget_bytes: int


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
    card: Card | None = None
