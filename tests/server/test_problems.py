import pytest

from avatars import errors as avatar_errors
from server.problems import MEDIA_TYPE, STATUS_OF_CODE, status_of
from streaming import errors


def known(base: type[Exception]) -> list[type[Exception]]:
    return [kind for child in base.__subclasses__() for kind in (child, *known(child))]


def test_every_expected_error_has_a_status_of_its_own():
    codes = {
        kind.code  # pyright: ignore[reportAttributeAccessIssue]
        for kind in [*known(errors.LipstreamError), *known(avatar_errors.AvatarError)]
        if kind.__module__ in {errors.__name__, avatar_errors.__name__}
    }
    assert codes <= set(STATUS_OF_CODE)


def test_a_rejected_photo_is_the_callers_fault():
    from precompute.errors import AvatarRejected

    assert status_of(AvatarRejected("no_face", "There is no face.")) == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nothing", None, 404, "not_found"),
        ("GET", "/v1/sessions/none", None, 404, "session_not_found"),
        ("GET", "/v1/renders/none", None, 404, "render_not_found"),
        ("GET", "/v1/avatars/none", None, 404, "avatar_not_found"),
        ("GET", "/v1/avatars/none/poster.webp", None, 404, "avatar_not_found"),
        ("GET", "/v1/avatars/No Such", None, 422, "invalid_request"),
        ("PUT", "/v1/sessions", None, 405, "method_not_allowed"),
        ("POST", "/v1/sessions", {"avatar": "nobody"}, 404, "avatar_not_found"),
        ("POST", "/v1/sessions", {"avatar": "../x"}, 422, "invalid_request"),
        ("POST", "/v1/sessions", {"colour": "red"}, 422, "invalid_request"),
        ("POST", "/v1/renders", {"text": "  "}, 422, "script_rejected"),
        ("POST", "/v1/renders", {"text": "x" * 10_001}, 422, "invalid_request"),
        ("POST", "/v1/renders", {"text": "x", "speed": 9}, 422, "invalid_request"),
        ("POST", "/v1/renders", {"text": "x", "avatar": "nobody"}, 404, "avatar_not_found"),
        ("DELETE", "/v1/whep/none", None, 404, "viewer_not_found"),
    ],
)
async def test_every_error_is_a_problem_that_says_what_to_do(still, method, path, body, status, code):
    async with still() as server:
        answer = await server.http.request(method, path, json=body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == MEDIA_TYPE
        problem = answer.json()
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["type"].endswith(code)
        assert problem["title"]
        assert len(problem["detail"]) > 10


async def test_an_invalid_field_is_pointed_at(still):
    async with still() as server:
        answer = await server.http.post("/v1/renders", json={"text": "x", "speed": "fast"})
        assert answer.json()["errors"][0]["pointer"] == "/speed"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_a_foreign_page_could_send_is_not_read(still, media_type):
    async with still() as server:
        answer = await server.http.post(
            "/v1/renders", content=b'{"text": "x"}', headers={"Content-Type": media_type}
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert server.state.renders.all() == []


async def test_broken_json_is_a_problem(still):
    async with still() as server:
        answer = await server.http.post(
            "/v1/renders", content=b'{"text": ', headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_capacity_says_when_to_try_again(still):
    async with still(max_sessions=1) as server:
        assert (await server.http.post("/v1/sessions")).status_code == 201
        answer = await server.http.post("/v1/sessions")
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        assert int(answer.headers["retry-after"]) > 0


async def test_a_bug_is_a_problem_without_its_secrets(still, monkeypatch, log_lines):
    def broken() -> list[object]:
        raise RuntimeError("secret detail")

    async with still() as server:
        monkeypatch.setattr(server.state.sessions, "all", broken)
        answer = await server.http.get("/v1/sessions")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "secret" not in answer.text
    assert any("secret detail" in line.get("exception", "") for line in log_lines())


async def test_a_body_that_is_wrong_everywhere_gets_a_short_answer(still):
    body = {"text": "x"} | {f"x{n}": n for n in range(5000)}
    async with still() as server:
        answer = await server.http.post("/v1/renders", json=body)
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == 20


@pytest.mark.parametrize(
    "body", [b"[" * 10_000, b'{"text": "x", "seed": ' + b"9" * 5000 + b"}", b"\xff\xfe{"]
)
async def test_json_that_cannot_be_read_is_a_problem_that_says_so(still, body):
    async with still() as server:
        answer = await server.http.post(
            "/v1/renders", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/sessions", {"GET", "HEAD", "POST"}),
        ("/v1/sessions/any", {"GET", "HEAD", "DELETE"}),
        ("/v1/whep", {"POST", "OPTIONS"}),
        ("/v1/whep/any", {"PATCH", "DELETE"}),
        ("/health", {"GET", "HEAD"}),
        ("/demo/favicon.svg", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_all_the_right_ones(still, path, methods):
    async with still() as server:
        answer = await server.http.put(path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == methods


async def test_no_address_is_redirected_with_its_query(still):
    async with still() as server:
        answer = await server.http.get("/v1/sessions/", params={"token": "secret"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
