"""Every command and event of the live protocol, one definition for WebSocket and data channel alike.

JSON objects told apart by ``type``. A command may carry ``id``; its ``ack`` or ``error`` carries the same.
Times are seconds, text spans are character offsets into the utterance's text.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_serializer, field_validator
from pydantic_core import from_json

from avatars.manifest import AvatarId
from streaming.audio.pcm import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioEncoding
from streaming.audio.stretching import DEEPEST, HIGHEST
from streaming.script import ScriptKind
from streaming.speech.delivery import LONGEST_PAUSE, LOUDEST, Delivery

MAX_TEXT = 10_000
MAX_MESSAGE_BYTES = 128 << 10
"""One command: the longest text with every character escaped as a surrogate pair has 120 kB."""
MAX_ID = 64
MIN_END_SILENCE_SECONDS = 0.2
MAX_END_SILENCE_SECONDS = 30.0
UtteranceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["u1"])]
Text = Annotated[str, Field(max_length=MAX_TEXT, examples=["Hello there!"])]
Speed = Annotated[float, Field(ge=0.5, le=2.0)]

State = Literal["idle", "speaking", "closed"]
"""What a session does now."""
EndReason = Literal["completed", "interrupted", "failed"]
"""Why nothing of an utterance follows."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DeliveryFields(BaseModel):
    """What may be changed about spoken text, whichever voice speaks."""

    pitch: float = Field(default=0.0, ge=DEEPEST, le=HIGHEST, description="Semitones; 0 is the voice's own.")
    volume: float = Field(default=1.0, ge=0.0, le=LOUDEST, description="A factor; 1 is the voice's own.")
    pause: float = Field(
        default=0.0, ge=0.0, le=LONGEST_PAUSE, description="Seconds of silence more between sentences."
    )

    @property
    def delivery(self) -> Delivery:
        """As the line takes it."""
        return Delivery(self.pitch, self.volume, self.pause)


class _Command(_Message):
    id: str | None = Field(default=None, max_length=MAX_ID, description="Echoed in the ack or error.")


class Say(_Command, DeliveryFields):
    """Speak. With ``final: false`` the utterance stays open for ``append``."""

    type: Literal["say"] = "say"
    text: Text
    utterance: UtteranceId | None = Field(default=None, description="Chosen by the server when absent.")
    final: bool = True
    interrupt: bool = Field(default=False, description="Interrupt what is being said first.")
    voice: str | None = Field(default=None, max_length=64)
    language: str | None = Field(default=None, max_length=16)
    speed: Speed = 1.0


class Append(_Command):
    """More text for an open utterance: a language model's tokens, as they come."""

    type: Literal["append"] = "append"
    utterance: UtteranceId
    text: Text = ""
    final: bool = False


class SayAudio(_Command):
    """Speak what comes as sound: mono PCM, in binary messages after this one or by ``append_audio``.

    Sound that is not ``live`` may come faster than it is spoken, and all of it is said. Live sound is said
    145 ms after it came; what comes too late leaves a gap, what comes too fast is shortened.
    """

    type: Literal["say_audio"] = "say_audio"
    utterance: UtteranceId | None = Field(default=None, description="Chosen by the server when absent.")
    encoding: AudioEncoding = "pcm_s16le"
    sample_rate: int = Field(default=24_000, ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE)
    interrupt: bool = Field(default=False, description="Interrupt what is being said first.")
    live: bool = Field(default=False, description="The sound comes as it is spoken.")
    end_after_silence: float | None = Field(
        default=None,
        ge=MIN_END_SILENCE_SECONDS,
        le=MAX_END_SILENCE_SECONDS,
        description="Seconds of quiet that end the utterance. A live sound stays open: what follows is a new "
        "utterance, named after the first with -2, -3 and so on.",
    )


class AppendAudio(_Command):
    """More sound of an utterance that this connection began with ``say_audio``."""

    type: Literal["append_audio"] = "append_audio"
    utterance: UtteranceId
    audio: Annotated[bytes, Field(description="Base64.")] = b""
    final: bool = False

    @field_validator("audio", mode="before")
    @classmethod
    def _decoded(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return b64decode(value, validate=True)
        except ValueError:
            raise ValueError("this is not base64") from None

    @field_serializer("audio")
    def _encoded(self, value: bytes) -> str:
        return b64encode(value).decode()


class Interrupt(_Command):
    """Stop speaking now and drop everything that waits."""

    type: Literal["interrupt"] = "interrupt"


class ChangeAvatar(_Command):
    """Show another avatar from the next slot on; speech goes on."""

    type: Literal["avatar"] = "avatar"
    avatar: AvatarId


class Keyframe(_Command):
    """Ask for a keyframe (a viewer that lost its decoder state)."""

    type: Literal["keyframe"] = "keyframe"


class Ping(_Command):
    """Answered by ``pong`` with the same ``time``."""

    type: Literal["ping"] = "ping"
    time: float = Field(default=0.0, allow_inf_nan=False)


Command = Annotated[
    Say | Append | SayAudio | AppendAudio | Interrupt | ChangeAvatar | Keyframe | Ping,
    Field(discriminator="type"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


def command_id(raw: str | bytes) -> str | None:
    """The ``id`` of a command that is refused, so that its sender knows which one it was."""
    try:
        fields = from_json(raw)
    except ValueError:
        return None
    name = fields.get("id") if isinstance(fields, dict) else None
    return name if isinstance(name, str) and len(name) <= MAX_ID else None


class Ack(_Message):
    """The command was taken. ``utterance`` names the one that say or append spoke to."""

    type: Literal["ack"] = "ack"
    id: str | None = None
    utterance: str | None = None
    generation: int | None = None


class Error(_Message):
    """A command was refused, or the session met a failure that no utterance owns."""

    type: Literal["error"] = "error"
    code: str
    message: str
    id: str | None = None


class SessionState(_Message):
    """Sent on joining and whenever something in it changes."""

    type: Literal["session.state"] = "session.state"
    session: str
    state: State
    avatar: str
    generation: int


class UtteranceQueued(_Message):
    """The utterance was accepted and waits its turn. One of sound has no text."""

    type: Literal["utterance.queued"] = "utterance.queued"
    utterance: str
    text: str
    kind: ScriptKind = "text"


class UtteranceAppended(_Message):
    """More text of an open utterance was accepted; word spans count on through it.

    Of sound only the end is told.
    """

    type: Literal["utterance.appended"] = "utterance.appended"
    utterance: str
    text: str
    final: bool
    kind: ScriptKind = "text"


class UtteranceStarted(_Message):
    """Its first slot is sent now. ``latency_ms``: from the acceptance of its first text or sound."""

    type: Literal["utterance.started"] = "utterance.started"
    utterance: str
    slot: int
    latency_ms: float
    engine: str


class WordSpoken(_Message):
    """A word begins now. ``begin``/``stop`` is its span in the utterance's text."""

    type: Literal["word"] = "word"
    utterance: str
    text: str
    slot: int
    start: float
    end: float
    begin: int
    stop: int


class UtteranceEnded(_Message):
    """Nothing of this utterance follows. ``spoken_seconds`` is what was really sent."""

    type: Literal["utterance.ended"] = "utterance.ended"
    utterance: str
    reason: EndReason
    spoken_seconds: float
    code: str | None = None
    message: str | None = None


class NoticeEvent(_Message):
    """Something worth knowing, such as a fallback to another engine."""

    type: Literal["notice"] = "notice"
    code: str
    message: str
    utterance: str | None = None


class Pong(_Message):
    """Answer to ``ping``."""

    type: Literal["pong"] = "pong"
    id: str | None = None
    time: float


class MediaFormat(_Message):
    """How the binary messages of a WebSocket are to be read; sent before the first of them."""

    type: Literal["media"] = "media"
    format: Literal["webcodecs", "fmp4"]
    width: int
    height: int
    fps: int
    video_codec: str
    audio_codec: str
    mime: str | None = None
    sample_rate: int
    channels: int = 1
    slot: int | None = Field(default=None, description="fmp4: the session's slot at media time 0.")


Event = Annotated[
    Ack
    | Error
    | SessionState
    | UtteranceQueued
    | UtteranceAppended
    | UtteranceStarted
    | WordSpoken
    | UtteranceEnded
    | NoticeEvent
    | Pong
    | MediaFormat,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
