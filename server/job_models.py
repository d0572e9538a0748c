"""Bodies of the HTTP API about making avatars: what is wished for, and the job that does it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from avatars.manifest import AvatarId

MAX_LINE = 500
"""Characters of a text that is kept in the avatar's provenance."""
MAX_NAME = 100
MAX_URL = 2000

Repair = Literal["auto", "opencv", "lama", "migan", "off"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]
StepStatus = Literal["waiting", "running", "done", "skipped", "failed"]

Line = Annotated[str, Field(max_length=MAX_LINE)]


class AvatarWish(BaseModel):
    """What an avatar is to be; everything but the consent has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    consent: str = Field(
        min_length=1,
        max_length=MAX_LINE,
        description="Who is shown, and that this person agreed to it; kept with the avatar.",
        examples=["This is me, and I want it."],
    )
    id: AvatarId | None = Field(default=None, description="Made from the name if absent.", examples=["anna"])
    name: str | None = Field(
        default=None, min_length=1, max_length=MAX_NAME, description="For people.", examples=["Anna"]
    )
    background: str | None = Field(
        default=None,
        max_length=64,
        description="What is behind the person: `keep`, `blur`, `transparent`, a CSS colour (`#e8ebee`, "
        "`white`), or `picture` or `video`, which is the second file. `keep` if absent, or what the second "
        "file is.",
        examples=["blur"],
    )
    matting: str | None = Field(
        default=None,
        max_length=64,
        description="The network that finds the person, such as `modnet`, or one of rembg's; if absent the "
        "photo's own matte, or the best network that is on the server's machine.",
        examples=["modnet", "u2netp"],
    )
    repair: Repair = Field(default="auto", description="What draws what a cut-out lost of the clothing.")
    loop_only: bool = Field(
        default=False, description="Of a video: it plays its loop, and the lips do not move."
    )
    source: Line | None = Field(
        default=None, description="Where the photo or video comes from; the file's name or address if absent."
    )
    author: Line | None = Field(default=None, description="Who made it.")
    licence: Line | None = Field(
        default=None, description="What may be done with it.", examples=["CC-BY-4.0"]
    )


class AvatarAtAddress(AvatarWish):
    """The same, of a photo or video that the server fetches."""

    url: str = Field(
        max_length=MAX_URL,
        description="Of the photo or video: http or https, and no private network.",
        examples=["https://example.org/anna.jpg"],
    )
    backdrop_url: str | None = Field(
        default=None, max_length=MAX_URL, description="Of the picture or film behind the person."
    )


class JobStep(BaseModel):
    """One step of a job."""

    name: str = Field(examples=["face"])
    title: str = Field(description="For people.", examples=["Finding the face"])
    status: StepStatus
    progress: float = Field(ge=0, le=1)
    seconds: float | None = Field(default=None, description="That it took, once it has ended.")
    preview_url: str | None = Field(
        default=None,
        description="A picture (WebP) of what the step made; opens as it is, and is for the owner only.",
    )
    notes: list[str] = Field(default=[], description="What there is to say about it, for people.")


class Job(BaseModel):
    """A job and how far it is."""

    id: str = Field(examples=["j_0123456789abcdef"])
    kind: Literal["avatar"] = "avatar"
    status: JobStatus
    progress: float = Field(ge=0, le=1, description="Of the whole.")
    revision: int = Field(description="Rises with every change; `seen` takes it.")
    steps: list[JobStep]
    avatar: str = Field(description="Id of the avatar that it makes.", examples=["anna"])
    avatar_url: str | None = Field(default=None, description="The avatar, once done.")
    report: dict[str, Any] = Field(
        default={}, description="What was judged, by step: face, pose, light, the loop and others."
    )
    notes: list[str] = Field(default=[], description="All that there is to say, for people.")
    created: float = Field(description="Unix seconds.")
    finished: float | None = None
    code: str | None = Field(default=None, description="Why it failed, such as `no_face`.")
    message: str | None = Field(default=None, description="The same for people, and what to do.")


class JobCreated(Job):
    """A job as its creator sees it, once."""

    token: str = Field(description="The secret that everything about this job needs.")


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]
