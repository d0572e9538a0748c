import re

import web_demo

ERRORS = {"400", "401", "403", "404", "405", "409", "410", "412", "413", "415", "422", "503"}


async def test_openapi_describes_every_operation_and_its_errors(still):
    async with still() as server:
        schema = (await server.http.get("/openapi.json")).json()
    operations = [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) > 20
    tags = {tag["name"] for tag in schema["tags"]}
    for path, method, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= tags, path
        for status, response in operation["responses"].items():
            if status in ERRORS and path != "/ready":
                assert "application/problem+json" in response["content"], (path, method, status)
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names))


async def test_openapi_names_what_is_said_of_bodies_and_every_parameter_of_a_path(still):
    async with still() as server:
        schema = (await server.http.get("/openapi.json")).json()
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path
            if "requestBody" in operation:
                assert {"400", "408", "413", "415"} <= operation["responses"].keys(), path


async def test_openapi_knows_what_a_refused_voice_is_told(still):
    async with still() as server:
        schemas = (await server.http.get("/openapi.json")).json()["components"]["schemas"]
    told = schemas["Problem"]["properties"]["check"]["anyOf"]
    assert {"$ref": "#/components/schemas/VoiceCheck"} in told and "speech_seconds" in str(
        schemas["VoiceCheck"]
    )


async def test_the_page_is_served_with_all_its_files(still):
    async with still() as server:
        index = await server.http.get("/")
        assert index.headers["content-type"].startswith("text/html")
        for path in web_demo.ROOT.rglob("*"):
            if path.suffix in {".js", ".css", ".svg"}:
                answer = await server.http.get(f"/demo/{path.relative_to(web_demo.ROOT).as_posix()}")
                assert answer.status_code == 200, path
                assert answer.headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(still):
    async with still() as server:
        first = await server.http.get("/demo/favicon.svg")
        again = await server.http.get("/demo/favicon.svg", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304


async def test_not_ready_before_the_performer_is_but_alive(still):
    async with still() as server:
        assert (await server.http.get("/health")).json()["status"] == "ok"
        answer = await server.http.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["performer"] == "starting"


async def test_a_missing_engine_is_told_by_readiness(still):
    async with still(speech="nonsense") as server:
        await server.state.start()
        await server.state.started()
        answer = await server.http.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["performer"] == "failed"
        assert "nonsense" in answer.json()["detail"]
