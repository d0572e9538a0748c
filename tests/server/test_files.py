import pytest

IDLE = "/v1/avatars/mira/idle.mp4"


@pytest.mark.parametrize(
    ("wanted", "begin", "stop"), [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("Bytes=-7", -7, None)]
)
async def test_a_range_is_that_part_of_the_file(still, wanted, begin, stop):
    async with still() as server:
        whole = await server.http.get(IDLE)
        part = await server.http.get(IDLE, headers={"Range": wanted})
    assert part.status_code == 206
    assert part.content == whole.content[begin:stop]
    assert part.headers["content-range"].endswith(f"/{len(whole.content)}")


@pytest.mark.parametrize(
    "wanted",
    ["chars=0-1", "bytes", "bytes=", "bytes=-", "bytes=abc", "bytes=5-2", "bytes=0-1,x", "bytes=\xb2-"],
)
async def test_a_range_that_means_nothing_is_ignored(still, wanted):
    async with still() as server:
        answer = await server.http.get(IDLE, headers={"Range": wanted.encode("latin-1")})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=-0", "bytes=0-1,999999999-"])
async def test_a_range_behind_the_end_is_a_problem_that_names_the_length(still, wanted):
    async with still() as server:
        size = (await server.http.head(IDLE)).headers["content-length"]
        answer = await server.http.get(IDLE, headers={"Range": wanted})
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["content-range"] == f"bytes */{size}"
        changed = await server.http.get(IDLE, headers={"Range": wanted, "If-Range": '"an older one"'})
        assert changed.status_code == 200


async def test_what_the_client_has_is_not_sent_again(still):
    async with still() as server:
        first = await server.http.get(IDLE)
        for tags in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
            again = await server.http.get(IDLE, headers={"If-None-Match": tags})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["cache-control"] == first.headers["cache-control"]
        other = await server.http.get(IDLE, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200


async def test_head_says_what_get_would_send(still):
    async with still() as server:
        for path in (
            IDLE,
            "/v1/avatars/mira/poster.webp",
            "/health",
            "/v1/sessions",
            "/",
            "/docs",
            "/metrics",
        ):
            head, get = await server.http.head(path), await server.http.get(path)
            assert head.status_code == get.status_code == 200, path
            assert head.headers["content-type"] == get.headers["content-type"]
        assert (await server.http.head("/v1/sessions/none")).status_code == 404


async def test_head_needs_the_key_that_get_needs(still):
    async with still(api_key="a-key-for-the-tests") as server:
        for path in ("/v1/sessions", "/v1/renders", "/v1/avatars", IDLE, "/metrics"):
            assert (await server.http.head(path)).status_code == 401, path
