import asyncio

import pytest

from server.jobs import AvatarJob
from tests.server.conftest import API_KEY, Still
from tests.support.job_shelf import JobShelf

JPEG = b"\xff\xd8\xff\xe0 a photo"
KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def shelf(tmp_path) -> JobShelf:
    return JobShelf(tmp_path / "shelf")


async def submitted(server: Still, shelf: JobShelf, name: str = "Anna", **headers: str) -> dict[str, str]:
    server.state.jobs = shelf  # pyright: ignore[reportAttributeAccessIssue]
    answer = await server.http.post(
        "/v1/avatars", files={"file": JPEG}, data={"consent": "me", "name": name}, headers=headers
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def owner(job: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {job['token']}"}


async def test_a_job_is_looked_at_with_its_steps(still, shelf):
    async with still() as server:
        job = await submitted(server, shelf)
        path = f"/v1/jobs/{job['id']}"
        await shelf.change(job["id"], "open", 1, b"picture")
        await shelf.change(job["id"], "face", 0.33333)
        seen = await server.http.get(path, headers=owner(job))
        assert seen.headers["cache-control"] == "no-store"
        told = seen.json()
        assert "token" not in told
        assert (told["status"], told["kind"], told["avatar"], told["revision"]) == (
            *("running", "avatar", "anna"),
            4,
        )
        assert told["steps"] == [
            {
                "name": "open",
                "title": "Opening the photo",
                "status": "done",
                "progress": 1,
                "seconds": 0.12,
                "preview_url": f"{path}/previews/open.webp?token={job['token']}",
                "notes": [],
            },
            {
                "name": "face",
                "title": "Finding the face",
                "status": "running",
                "progress": 0.333,
                "seconds": None,
                "preview_url": None,
                "notes": [],
            },
        ]
        await shelf.end(job["id"], "failed", "no_face", "There is no face.")
        told = (await server.http.get(path, headers=owner(job))).json()
        assert (told["status"], told["code"], told["message"]) == ("failed", "no_face", "There is no face.")
        assert told["avatar_url"] is None and told["finished"]


async def test_a_job_that_is_done_says_where_the_avatar_is(still, shelf):
    async with still() as server:
        job = await submitted(server, shelf)
        await shelf.end(job["id"], "done")
        told = (await server.http.get(f"/v1/jobs/{job['id']}", headers=owner(job))).json()
        assert told["avatar_url"] == "/v1/avatars/anna"


async def test_one_waits_for_news_and_not_for_what_is_known(still, shelf):
    async with still() as server:
        job = await submitted(server, shelf)
        path, revision = f"/v1/jobs/{job['id']}", job["revision"]
        for query in (f"wait=20&seen={revision}", "wait=20"):
            waiting = asyncio.create_task(server.http.get(f"{path}?{query}", headers=owner(job)))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await shelf.change(job["id"], "open", 0.5)
            assert (await waiting).json()["revision"] > revision
        known = await server.http.get(f"{path}?wait=20&seen={revision}", headers=owner(job))
        assert known.json()["revision"] > revision, "news that came before is told at once"
        for query in ("wait=61", "wait=-1", "wait=x", "seen=-1", "seen=x"):
            answer = await server.http.get(f"{path}?{query}", headers=owner(job))
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_job_that_is_forgotten_while_somebody_waits_is_gone(still, shelf, monkeypatch):
    async with still() as server:
        job = await submitted(server, shelf)
        monkeypatch.setattr(shelf, "wait", lambda job, seen, seconds: shelf.forget(job))
        answer = await server.http.get(f"/v1/jobs/{job['id']}?wait=20", headers=owner(job))
        assert answer.status_code == 404


async def test_pictures_are_of_their_bytes_and_change_with_them(still, shelf):
    async with still() as server:
        job = await submitted(server, shelf)
        await shelf.change(job["id"], "open", 0.5, b"one")
        step = (await server.http.get(f"/v1/jobs/{job['id']}", headers=owner(job))).json()["steps"][0]
        first = await server.http.get(step["preview_url"])
        assert (first.status_code, first.content) == (200, b"one")
        assert first.headers["content-type"] == "image/webp"
        assert first.headers["cache-control"] == "private, no-cache"
        again = {"If-None-Match": first.headers["etag"]}
        known = await server.http.get(step["preview_url"], headers=again)
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
        await shelf.change(job["id"], "open", 0.6, b"two")
        changed = await server.http.get(step["preview_url"], headers=again)
        assert (changed.status_code, changed.content) == (200, b"two")
        later = (await server.http.get(f"/v1/jobs/{job['id']}", headers=owner(job))).json()["steps"][0]
        assert later["preview_url"] != step["preview_url"], (
            "a page would show what it has of the same address"
        )
        head = await server.http.head(step["preview_url"])
        assert (head.status_code, head.headers["content-length"]) == (200, "3")
        (shelf.get(job["id"]).folder / "open.webp").unlink()
        assert (await server.http.get(step["preview_url"])).json()["code"] == "file_not_found"


@pytest.mark.parametrize("step", ["face", "none", "..%2f..%2fjobs", "%00", "open.webp"])
async def test_there_are_no_other_pictures(still, shelf, step):
    async with still() as server:
        job = await submitted(server, shelf)
        await shelf.change(job["id"], "open", 1, b"one")
        answer = await server.http.get(f"/v1/jobs/{job['id']}/previews/{step}.webp", headers=owner(job))
        assert answer.status_code == 404, answer.text


async def test_a_job_is_cancelled_and_then_forgotten(still, shelf):
    async with still() as server:
        job = await submitted(server, shelf)
        path = f"/v1/jobs/{job['id']}"
        assert (await server.http.delete(path, headers=owner(job))).status_code == 204
        told = (await server.http.get(path, headers=owner(job))).json()
        assert told["status"] == "cancelled"
        assert (await server.http.delete(path, headers=owner(job))).status_code == 204
        gone = await server.http.get(path, headers=owner(job))
        assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")


async def test_jobs_cannot_touch_each_other(still, shelf):
    async with still(api_key=API_KEY) as server:
        one = await submitted(server, shelf, "One", **KEY)
        other = await submitted(server, shelf, "Other", **KEY)
        await shelf.change(one["id"], "open", 1, b"one")
        path = f"/v1/jobs/{one['id']}"
        picture = f"{path}/previews/open.webp"
        for headers in ({}, owner(other), {"X-API-Key": "wrong"}):
            for method, address in (("GET", path), ("DELETE", path), ("GET", picture), ("HEAD", picture)):
                assert (await server.http.request(method, address, headers=headers)).status_code == 401
        # A token in an address is for pictures alone.
        assert (await server.http.get(f"{path}?token={one['token']}")).status_code == 401
        assert (await server.http.delete(f"{path}?token={one['token']}")).status_code == 401
        assert (await server.http.get(f"{picture}?token={other['token']}")).status_code == 401
        assert (await server.http.get(f"{picture}?token={one['token']}")).content == b"one"
        assert (await server.http.get(path, headers=KEY)).status_code == 200
        assert (await server.http.get("/v1/jobs/j_nothing", headers=owner(one))).status_code == 404
        assert (await server.http.delete(path, headers=owner(one))).status_code == 204


async def test_the_list_has_no_secrets_and_needs_the_key(still, shelf):
    async with still(api_key=API_KEY) as server:
        jobs = [await submitted(server, shelf, name, **KEY) for name in ("One", "Other")]
        await shelf.change(jobs[0]["id"], "open", 1, b"one")
        assert (await server.http.get("/v1/jobs", headers=owner(jobs[0]))).status_code == 401
        listed = await server.http.get("/v1/jobs", headers=KEY)
        assert [job["avatar"] for job in listed.json()["jobs"]] == ["other", "one"]
        assert not any(job["token"] in listed.text for job in jobs)
        assert all(step["preview_url"] is None for job in listed.json()["jobs"] for step in job["steps"])


async def test_renders_are_no_jobs_of_this_door(still, shelf, monkeypatch):
    async with still() as server:
        await submitted(server, shelf)
        monkeypatch.setattr(shelf, "get", lambda job_id: object())
        answer = await server.http.get("/v1/jobs/r_0123")
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
        assert not isinstance(shelf.get("r_0123"), AvatarJob)
