import json

import pytest

from tests.server.conftest import API_KEY

KEYED = {"api_key": API_KEY}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_with_an_api_key_nothing_opens_without_it(still):
    async with still(**KEYED) as server:
        for method, path in [
            ("POST", "/v1/sessions"),
            ("GET", "/v1/sessions"),
            ("POST", "/v1/whep"),
            ("GET", "/v1/renders"),
            ("GET", "/v1/avatars"),
            ("GET", "/v1/avatars/mira"),
            ("GET", "/v1/avatars/mira/poster.webp"),
            ("GET", "/v1/voices"),
            ("GET", "/metrics"),
        ]:
            for headers in (
                {},
                bearer("wrong"),
                {"X-API-Key": API_KEY + "x"},
                {"Authorization": "Basic " + API_KEY},
            ):
                answer = await server.http.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, headers)
                assert answer.json()["code"] == "unauthorized"
                assert answer.headers["www-authenticate"].startswith("Bearer")
        assert (await server.http.post("/v1/renders", json={"text": "x"})).status_code == 401


async def test_the_page_and_health_need_no_key(still):
    async with still(**KEYED) as server:
        for path in ("/", "/health", "/docs", "/openapi.json"):
            assert (await server.http.get(path)).status_code == 200, path


@pytest.mark.parametrize("headers", [bearer(API_KEY), {"X-API-Key": API_KEY}])
async def test_the_api_key_opens_sessions_and_rules_them(still, headers):
    async with still(**KEYED) as server:
        created = await server.http.post("/v1/sessions", headers=headers)
        assert created.status_code == 201
        path = created.json()["links"]["self"]
        assert (await server.http.get(path, headers=headers)).status_code == 200
        assert (await server.http.delete(path, headers=headers)).status_code == 204


async def test_without_an_api_key_a_session_still_needs_its_token(still):
    async with still() as server:
        mine = (await server.http.post("/v1/sessions")).json()
        other = (await server.http.post("/v1/sessions")).json()
        path = mine["links"]["self"]
        calls = [
            ("GET", path, None),
            ("POST", f"{path}/say", {"text": "x"}),
            ("POST", f"{path}/append", {"utterance": "u1", "text": "x"}),
            ("POST", f"{path}/interrupt", None),
            ("PUT", f"{path}/avatar", {"avatar": "theo"}),
            ("POST", f"{path}/whep", None),
            ("DELETE", path, None),
        ]
        for method, address, body in calls:
            for headers in ({}, bearer(other["token"]), {"Authorization": "Bearer"}):
                answer = await server.http.request(method, address, json=body, headers=headers)
                assert answer.status_code == 401, (method, address)
        in_query = await server.http.get(path, params={"token": mine["token"]})
        assert in_query.status_code == 401, "a query ends up in logs and histories"
        assert (await server.http.get(path, headers=bearer(mine["token"]))).status_code == 200


async def test_no_list_shows_a_token(still):
    async with still() as server:
        session = (await server.http.post("/v1/sessions")).json()
        render = (await server.http.post("/v1/renders", json={"text": "a private text"})).json()
        for path in ("/v1/sessions", "/v1/renders"):
            text = (await server.http.get(path)).text
            assert session["token"] not in text
            assert render["token"] not in text
            assert "private" not in text


async def test_a_render_needs_its_token_in_a_header_or_for_players_in_the_query(still):
    async with still() as server:
        render = (await server.http.post("/v1/renders", json={"text": "Hello"})).json()
        path, token = f"/v1/renders/{render['id']}", render["token"]
        assert (await server.http.get(path)).status_code == 401
        assert (await server.http.get(path, params={"token": token})).status_code == 401
        assert (await server.http.get(path, headers=bearer(token))).status_code == 200
        for name in ("video.mp4", "captions.vtt"):
            assert (await server.http.get(f"{path}/{name}")).status_code == 401
            assert (await server.http.get(f"{path}/{name}", params={"token": token})).status_code == 409
        assert (await server.http.delete(path)).status_code == 401


async def test_whoever_was_given_an_avatars_address_may_look_without_a_header(still):
    async with still(**KEYED) as server:
        avatars = (await server.http.get("/v1/avatars", headers=bearer(API_KEY))).json()["avatars"]
        for avatar in avatars:
            for url in (avatar["poster_url"], avatar["idle_url"]):
                answer = await server.http.get(url)
                assert answer.status_code == 200
                assert "immutable" in answer.headers["cache-control"]
                assert (await server.http.get(url[:-1] + "x")).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/demo/../server/settings.py",
        "/demo/%2e%2e/pyproject.toml",
        "/demo/..%2fpyproject.toml",
        "/demo/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/demo//etc/passwd",
        "/demo/__init__.py",
        "/demo/",
        "/demo/css",
        "/v1/avatars/..%2f..%2fetc",
        "/v1/avatars/%2e%2e/poster.webp",
        "/v1/avatars/mira/..%2f..%2f..%2fpyproject.toml",
        "/v1/avatars/mira/avatar.json",
        "/v1/renders/..%2fx/video.mp4",
    ],
)
async def test_no_path_leads_out_of_what_is_served(still, path):
    async with still() as server:
        answer = await server.http.get(path)
        assert answer.status_code in {401, 404, 422}, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_no_token_reaches_the_log(still, log_lines):
    async with still() as server:
        session = (await server.http.post("/v1/sessions")).json()
        await server.http.get(session["links"]["self"], headers=bearer(session["token"]))
        await server.http.get(session["links"]["self"], params={"token": session["token"]})
    logged = json.dumps(log_lines())
    assert session["id"] in logged, "the access log is on"
    assert session["token"] not in logged


@pytest.mark.parametrize("path", ["/v1/avatars/nobody/poster.webp", "/v1/avatars/mira/poster.webp?v=wrong"])
async def test_without_the_key_a_missing_avatar_looks_like_a_closed_one(still, path):
    async with still(**KEYED) as server:
        answer = await server.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_pages_of_other_sites_change_nothing(still):
    async with still() as server:
        for origin in ("https://a.example", "http://localhost:1", "null"):
            for method, path in [("POST", "/v1/sessions"), ("POST", "/v1/renders"), ("DELETE", "/v1/whep/x")]:
                answer = await server.http.request(method, path, headers={"Origin": origin})
                assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
        assert server.state.sessions.all() == []
        assert (await server.http.post("/v1/sessions", headers={"Origin": "http://localhost"})).is_success
        proxied = {"Origin": "https://talk.example", "Sec-Fetch-Site": "same-origin"}
        assert (await server.http.post("/v1/sessions", headers=proxied)).is_success
    async with still(cors_origins=["https://a.example"]) as server:
        assert (await server.http.post("/v1/sessions", headers={"Origin": "https://a.example"})).is_success


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "LocalHost:8000", "a.localhost."]
)
async def test_a_server_for_its_own_machine_goes_by_names_that_nobody_can_own(still, host):
    async with still() as server:
        assert (await server.http.get("/v1/avatars", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["a.example:8000", "localhost.a.example", "127.0.0.1.a.example", "[x", ""])
async def test_a_foreign_name_that_points_at_this_machine_opens_nothing(still, host):
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with still() as server:
        for path in ("/", "/v1/avatars", "/v1/avatars/mira/poster.webp", "/openapi.json"):
            answer = await server.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": API_KEY},
        {"host": "0.0.0.0"},
        {"cors_origins": ["https://a.example"]},
        {"cors_origins": ["*"]},
    ],
)
async def test_a_server_that_others_are_meant_to_reach_goes_by_any_name_of_theirs(still, settings):
    async with still(**settings) as server:
        assert (await server.http.get("/", headers={"Host": "a.example"})).status_code == 200
