"""Avatars that the server makes of photos and videos, for ``server.client``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

import httpx

from server.client_avatars import WORK_SECONDS
from server.client_render import TIMEOUT_SECONDS
from server.client_stream import ApiError, check
from server.job_models import AvatarWish, Job, JobCreated, JobList, JobStep
from server.models import AvatarDetails

WAIT_SECONDS = 20.0
"""How long one request waits for news of a job."""
PAUSE_SECONDS = 0.1
"""Between two looks: some steps change faster than anybody reads."""

Source = bytes | Path | str
"""What is in a file, where it is here, or its address (``https://...``), which the server fetches."""
OnStep = Callable[[JobStep], object]


class JobClient:
    """One job that makes an avatar; use :meth:`server.client.LipstreamClient.order_avatar`.

    Attributes:
        id: of the job.
        token: the secret that owns it.
        avatar: id of the avatar that it makes.
    """

    def __init__(self, http: httpx.AsyncClient, job: Job, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = f"/v1/jobs/{job.id}"
        self._first = job
        self.id = job.id
        self.token = token
        self.avatar = job.avatar

    async def get(self, wait: float = 0.0, seen: int | None = None) -> Job:
        """How far it is.

        Args:
            wait: seconds to wait for news, at most 60.
            seen: the revision that is known already; the one of this moment when not given.
        """
        params = {"wait": wait} | ({} if seen is None else {"seen": seen})
        response = await self._http.get(
            self._path, params=params, headers=self._headers, timeout=TIMEOUT_SECONDS + wait
        )
        check(response)
        return Job.model_validate_json(response.content)

    async def wait(self, on_step: OnStep | None = None) -> Job:
        """Return when it is done.

        Args:
            on_step: gets each step that has changed since it was told last.

        Raises:
            ApiError: it failed or was cancelled; ``code`` says why, such as ``no_face``.
        """
        told: dict[str, JobStep] = {}
        job = self._first
        while True:
            for step in job.steps:
                if on_step is not None and step.status != "waiting" and told.get(step.name) != step:
                    on_step(step)
                told[step.name] = step
            if job.status == "done":
                return job
            if job.status in {"failed", "cancelled"}:
                raise ApiError(200, job.code or f"job_{job.status}", job.message or f"The job {job.status}.")
            await asyncio.sleep(PAUSE_SECONDS)
            job = await self.get(wait=WAIT_SECONDS, seen=job.revision)

    async def preview(self, step: str) -> bytes:
        """The picture (WebP) of what a step made."""
        response = await self._http.get(f"{self._path}/previews/{step}.webp", headers=self._headers)
        check(response)
        return response.content

    async def delete(self) -> None:
        """Cancel it, or forget it once it has ended; an avatar that it made stays."""
        check(await self._http.delete(self._path, headers=self._headers))


class JobCalls:
    """What :class:`server.client.LipstreamClient` does with jobs."""

    _http: httpx.AsyncClient

    async def create_avatar(
        self,
        file: Source,
        *,
        consent: str,
        avatar: str | None = None,
        name: str | None = None,
        background: str | None = None,
        backdrop: Source | None = None,
        on_step: OnStep | None = None,
        **more: str | bool,
    ) -> AvatarDetails:
        """Have a photo or a video made into an avatar, and return when it is there.

        The job is cancelled when the caller is.

        Args:
            file: the photo or video.
            consent: who is shown, and that this person agreed to it.
            avatar: an id for it; made from the name when not given.
            name: for people.
            background: what is behind the person: ``keep``, ``blur``, ``transparent`` or a colour.
            backdrop: a picture or film to be put behind.
            on_step: gets each step of the work whenever it changes.
            **more: ``matting``, ``repair``, ``loop_only``, ``source``, ``author``, ``licence``: see
                :class:`server.job_models.AvatarWish`.

        Raises:
            ApiError: the server refused, or the job failed; ``code`` says why, such as ``no_face``.
        """
        job = await self.order_avatar(
            file,
            consent=consent,
            avatar=avatar,
            name=name,
            background=background,
            backdrop=backdrop,
            **more,
        )
        try:
            await job.wait(on_step)
        except (ApiError, httpx.HTTPError):
            # It has ended; or nobody can be told, and the job goes on.
            raise
        except BaseException:
            with contextlib.suppress(ApiError, httpx.HTTPError):
                await job.delete()
            raise
        response = await self._http.get(f"/v1/avatars/{job.avatar}")
        check(response)
        return AvatarDetails.model_validate_json(response.content)

    async def order_avatar(
        self,
        file: Source,
        *,
        consent: str,
        avatar: str | None = None,
        name: str | None = None,
        background: str | None = None,
        backdrop: Source | None = None,
        **more: str | bool,
    ) -> JobClient:
        """The same, without waiting: returns the job, which goes on whatever becomes of this program."""
        wish = AvatarWish.model_validate(
            {"consent": consent, "id": avatar, "name": name, "background": background, **more}
        )
        fields = wish.model_dump(exclude_none=True, exclude_defaults=True)
        timeout = httpx.Timeout(TIMEOUT_SECONDS, read=WORK_SECONDS)
        if _is_address(file):
            if backdrop is not None and not _is_address(backdrop):
                raise ValueError("what is behind the person has to be an address, too")
            body = {**fields, "url": file} | ({"backdrop_url": backdrop} if backdrop else {})
            response = await self._http.post("/v1/avatars", json=body, timeout=timeout)
        else:
            with _opened(file=file, backdrop=backdrop) as files:
                data = {name: _text(value) for name, value in fields.items()}
                response = await self._http.post("/v1/avatars", data=data, files=files, timeout=timeout)
        check(response)
        created = JobCreated.model_validate_json(response.content)
        return JobClient(self._http, created, created.token)

    async def job(self, job: str, token: str) -> JobClient:
        """A job that was ordered before, by its id and token: it outlives the program, and the server."""
        response = await self._http.get(f"/v1/jobs/{job}", headers={"Authorization": f"Bearer {token}"})
        check(response)
        return JobClient(self._http, Job.model_validate_json(response.content), token)

    async def jobs(self) -> list[Job]:
        """All jobs that make avatars, newest first."""
        response = await self._http.get("/v1/jobs")
        check(response)
        return JobList.model_validate_json(response.content).jobs

    async def cancel_job(self, job: str) -> None:
        """Cancel a job by its id, or forget it once it has ended; this needs the API key."""
        check(await self._http.delete(f"/v1/jobs/{job}"))

    async def avatar(self, avatar: str) -> AvatarDetails:
        """All that is known of an avatar."""
        response = await self._http.get(f"/v1/avatars/{avatar}")
        check(response)
        return AvatarDetails.model_validate_json(response.content)


def _is_address(source: Source | None) -> bool:
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


@contextlib.contextmanager
def _opened(**sources: Source | None) -> Generator[dict[str, tuple[str, bytes | BinaryIO]]]:
    """The files of a form; those on the disk are read while they are sent."""
    files: dict[str, tuple[str, bytes | BinaryIO]] = {}
    with contextlib.ExitStack() as opened:
        for field, source in sources.items():
            if source is None:
                continue
            if isinstance(source, bytes):
                files[field] = (field, source)
                continue
            if _is_address(source):
                raise ValueError("a file that is sent cannot go with an address: fetch it first")
            path = Path(source)
            files[field] = (path.name, opened.enter_context(path.open("rb")))
        yield files


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
