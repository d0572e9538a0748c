"""Settings: ``LIPSTREAM_...`` environment variables, or the same names in a ``.env`` file."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    Field,
    IPvAnyAddress,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from avatars.archive import MAX_ARCHIVE_BYTES
from server.ice import IceServer
from streaming.audio.decode import MAX_FILE_BYTES
from streaming.compositor.mark import MOST_LETTERS, can_be_drawn
from streaming.face.musetalk.options import Decoder, MuseTalkOptions
from streaming.options import DEFAULT_MEMORY_GB, EngineOptions, GpuOptions
from streaming.protocol import MAX_MESSAGE_BYTES, AvatarId
from streaming.resources import Resources, avatars_folder
from streaming.speech.profiles.store import DEFAULT_LIMIT, profiles_folder
from streaming.speech.qwen3.options import DEFAULT_MODEL, DEFAULT_SESSIONS, Qwen3Options

PREFIX = "LIPSTREAM_"
JOBS_URL = re.compile(r"postgres(ql)?(\+psycopg)?://[^/\s]*/[^/\s]+")
ENV_FILE = ".env"
MIN_API_KEY_LENGTH = 16
DEFAULT_SESSIONS_AT_ONCE = 4
DEFAULT_AVATAR_BYTES = 256 << 20
DEFAULT_SOURCE_BYTES = 256 << 20
DEVICE_PATTERN = r"^(auto|cpu|mps|cuda(:\d+)?)$"
SECRET_FIELDS = frozenset({"api_key", "ice_servers", "jobs_url"})
"""Their values are not repeated in complaints."""
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(Exception):
    """The settings cannot be used; the message names each variable and says what it takes."""


def default_data_dir() -> Path:
    """Where avatars and renders live by default: XDG base directories, or LOCALAPPDATA on Windows."""
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "lipstream"
    base = os.environ.get("XDG_DATA_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".local" / "share"
    return root / "lipstream"


def _origin(value: str) -> str:
    if value == "*":
        return value
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise ValueError(f'{value!r} is no origin; write it like https://example.org, or "*" for any')
    return f"{parts.scheme}://{parts.netloc}".lower()


Origin = Annotated[str, AfterValidator(_origin)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]


class Settings(BaseSettings):
    """Everything that can be set. A field ``x`` is read from ``LIPSTREAM_X``; empty means unset."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 opens it to the network."
    )
    port: int = Field(default=8000, ge=1, le=65_535)
    api_key: SecretStr | None = Field(
        default=None, description="When set, needed to open sessions and renders."
    )
    cors_origins: list[Origin] = Field(default=[], description="Pages of other sites that may use the API.")
    data_dir: Path = Field(default_factory=default_data_dir)

    speech: str = Field(
        default="hibari,kokoro,espeak",
        min_length=1,
        description="Speech engines in order of fallback, by comma.",
    )
    qwen3_model: str = Field(
        default=DEFAULT_MODEL,
        min_length=1,
        description="Qwen3-TTS: a folder, a hub id, or 1.7b- or 0.6b- with base, custom or design.",
    )
    qwen3_revision: str = Field(default="", description="Commit of the hub to use; a known one when empty.")
    qwen3_device: str = Field(
        default="auto", pattern=DEVICE_PATTERN, description="auto, cpu, mps, cuda or cuda:1."
    )
    qwen3_text_embedding_on_cpu: bool = Field(
        default=False, description="Saves 0.62 GB of the card's memory."
    )
    qwen3_sessions: int = Field(
        default=DEFAULT_SESSIONS, ge=1, le=64, description="Voices that speak at once."
    )
    qwen3_instruction: str = Field(
        default="", max_length=1000, description="A way of speaking, or the voice that 1.7b-design makes."
    )
    face: str = Field(
        default="atlas",
        min_length=1,
        description="Face engines in order of fallback, by comma: atlas, or musetalk,atlas.",
    )
    musetalk_folder: str = Field(
        default="", description="MuseTalk: the folder of its weights; from the hub when empty."
    )
    musetalk_device: str = Field(
        default="auto", pattern=DEVICE_PATTERN, description="auto, cpu, mps, cuda or cuda:1."
    )
    musetalk_decoder: Decoder = Field(
        default="auto", description="Live pictures: taesd is quick, vae is better."
    )
    musetalk_render_decoder: Decoder = Field(default="auto", description="The same for films.")
    gpu_memory_gb: float = Field(
        default=DEFAULT_MEMORY_GB,
        gt=0,
        le=1000,
        description="The most that all models take of the graphics card's memory.",
    )
    gpu_idle_seconds: float = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="After so long without speech models leave the card until the next; 0: never.",
    )
    avatar: AvatarId = Field(default="mira", description="The avatar when a request names none.")

    ice_servers: list[IceServer] = Field(default=[], description="STUN and TURN servers, as JSON.")
    webrtc_addresses: list[IPvAnyAddress] = Field(
        default=[], description="Addresses of this machine that viewers reach; every interface when empty."
    )
    max_sessions: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description=f"Live sessions at once; {DEFAULT_SESSIONS_AT_ONCE} when not set, or as many as a "
        "graphics card is found to carry, which is never exceeded.",
    )
    session_idle_seconds: Seconds = Field(
        default=120, description="A session with no viewer and no speech ends."
    )
    session_max_seconds: Seconds = Field(default=3600, description="A session ends after this long.")
    video_bitrate: int = Field(
        default=1_500_000, ge=100_000, le=20_000_000, description="Bits per second, live."
    )
    audio_bitrate: int = Field(default=48_000, ge=8_000, le=256_000, description="Bits per second, live.")

    max_body_bytes: int = Field(
        default=MAX_MESSAGE_BYTES, ge=4096, le=1 << 30, description="Size of a request's body."
    )
    max_audio_bytes: int = Field(
        default=MAX_FILE_BYTES, ge=4096, le=1 << 30, description="Size of a recording that is sent."
    )
    max_avatar_bytes: int = Field(
        default=DEFAULT_AVATAR_BYTES,
        ge=4096,
        le=MAX_ARCHIVE_BYTES,
        description="Size of an avatar that is taken in.",
    )
    max_source_bytes: int = Field(
        default=DEFAULT_SOURCE_BYTES,
        ge=4096,
        le=1 << 30,
        description="Size of a photo or video that is sent to become an avatar, with what is behind it.",
    )
    fetch_private: bool = Field(
        default=False,
        description="Fetch addresses of private networks, and of this machine, when users name them.",
    )
    render_concurrency: int = Field(default=1, ge=1, le=16, description="Renders that run at once.")
    render_queue: int = Field(default=16, ge=1, le=1000, description="Renders that may wait.")
    render_streams: int = Field(
        default=4, ge=1, le=64, description="Renders of sound that is still coming, beside those."
    )
    render_keep: int = Field(default=200, ge=1, le=100_000, description="Finished renders that are kept.")
    render_keep_seconds: Seconds = Field(default=86_400, description="How long a finished render is kept.")
    avatar_concurrency: int = Field(default=1, ge=1, le=16, description="Avatars that are made at once.")
    avatar_queue: int = Field(default=8, ge=1, le=1000, description="Avatars that may wait to be made.")
    avatar_jobs_keep: int = Field(
        default=100, ge=1, le=10_000, description="Ended jobs of avatars that are kept. The avatars stay."
    )
    avatar_jobs_keep_seconds: Seconds = Field(default=86_400, description="How long each of them is kept.")
    jobs_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL database for jobs, postgresql://user:password@host/name; in the data "
        "folder when empty.",
    )

    mark: str = Field(
        default="",
        max_length=MOST_LETTERS,
        description="A text in the corner of every film, such as AI-generated; none when empty.",
    )
    mark_live: bool = Field(default=False, description="The same in live pictures.")
    mark_font: str = Field(
        default="",
        validate_default=True,
        description="A TrueType font for it; the one at hand has the letters of English.",
    )

    max_voice_profiles: int = Field(
        default=DEFAULT_LIMIT, ge=0, le=10_000, description="Voices of people that are kept; 0 takes none."
    )

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, else json."
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("mark_font")
    @classmethod
    def _has_the_letters(cls, value: str, info: ValidationInfo) -> str:
        text = info.data.get("mark", "")
        if text or value:
            try:
                drawn = can_be_drawn(text, value)
            except OSError as error:
                raise ValueError(f"it is no font that can be read ({error})") from error
            if not drawn:
                raise ValueError(f"it lacks letters of {PREFIX}MARK={text!r}; name a font that has them")
        return value

    @field_validator("data_dir")
    @classmethod
    def _home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("api_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_API_KEY_LENGTH:
            raise ValueError(f"it needs at least {MIN_API_KEY_LENGTH} characters; try: openssl rand -hex 24")
        return value

    @field_validator("jobs_url")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not JOBS_URL.match(value.get_secret_value()):
            raise ValueError(
                "it is no address of a PostgreSQL database: postgresql://user:password@host/name"
            )
        return value

    @property
    def open_to_network(self) -> bool:
        """Whether other machines can reach the server."""
        return self.host not in LOOPBACK_HOSTS

    @property
    def engine_options(self) -> EngineOptions:
        """What is set about engines."""
        return EngineOptions(
            qwen3=Qwen3Options(
                model=self.qwen3_model,
                revision=self.qwen3_revision,
                device=self.qwen3_device,
                text_embedding_on_cpu=self.qwen3_text_embedding_on_cpu,
                sessions=self.qwen3_sessions,
                instruction=self.qwen3_instruction,
            ),
            musetalk=MuseTalkOptions(
                folder=self.musetalk_folder,
                device=self.musetalk_device,
                decoder=self.musetalk_decoder,
                render_decoder=self.musetalk_render_decoder,
            ),
            gpu=GpuOptions(memory_gb=self.gpu_memory_gb, idle_seconds=self.gpu_idle_seconds),
        )

    def sessions_at_once(self, carried: int | None = None) -> int:
        """How many live sessions there may be.

        Args:
            carried: by the graphics card; ``None`` where there is none, or it is not known yet.
        """
        if carried is None:
            return self.max_sessions or DEFAULT_SESSIONS_AT_ONCE
        return min(self.max_sessions or carried, carried)

    @property
    def resources(self) -> Resources:
        """What engines are made with, or asked about."""
        return Resources(self.data_dir, self.engine_options)

    @property
    def avatars_dir(self) -> Path:
        """Where a user's own avatars live."""
        return avatars_folder(self.data_dir)

    @property
    def voice_profiles_dir(self) -> Path:
        """Where the voices of people live."""
        return profiles_folder(self.data_dir)

    @property
    def jobs_dir(self) -> Path:
        """Where jobs live, with what they need and leave."""
        return self.data_dir / "jobs"

    @property
    def renders_dir(self) -> Path:
        """Where films of streams live."""
        return self.data_dir / "renders"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        **overrides: fields that the command line sets; ``None`` means not set.

    Raises:
        SettingsError: a variable is wrong; the message has one line for each.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            name, *rest = (str(part) for part in item["loc"])
            where = "".join(f"[{part}]" for part in rest)
            reason = item["msg"].removeprefix("Value error, ")
            shown = "" if name in SECRET_FIELDS else f" (it is {item['input']!r})"
            lines.append(f"{PREFIX}{name.upper()}{where}: {reason}{shown}")
        raise SettingsError("\n".join(lines)) from error
    except SourceError as error:
        name = next((n for n in Settings.model_fields if f'"{n}"' in str(error)), "")
        message = (
            f'{PREFIX}{name.upper()}: this is no valid JSON; a list looks like ["a", "b"]'
            if name
            else str(error)
        )
        raise SettingsError(message) from error


def unknown_variables(names: Iterable[str] | None = None) -> list[str]:
    """One sentence for each ``LIPSTREAM_...`` variable that means nothing, so that misspellings are seen.

    Args:
        names: the variables that are set; those of the environment and ``.env`` when not given.
    """
    if names is None:
        names = {*os.environ, *dotenv_values(ENV_FILE)}
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    notes = []
    for name in sorted(names):
        if not name.upper().startswith(PREFIX) or name.upper() in known:
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1)
        notes.append(f"{name} is not a setting." + (f" Did you mean {near[0]}?" if near else ""))
    return notes
