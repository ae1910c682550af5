"""OpenAPI toolsets at their own paths, over real connections."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gtm.errors import ConfigError
from gtm.serve.app import build_app
from gtm.serve.options import ServeOptions
from gtm.simulator.simulator import Simulator

Serving = Callable[..., str]
Simulate = Callable[..., Simulator]

SPECS = Path(__file__).parents[2] / "examples" / "specs"
PETSTORE = SPECS / "petstore.yaml"
GALAXY = SPECS / "galaxy.yaml"

ERROR = {"type": "object", "properties": {"code": {"type": "integer"}, "message": {"type": "string"}}}
ITEM = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    "required": ["id", "name"],
}


def _parameter(name: str, place: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, **more}


def _answer(schema: dict[str, Any], media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"description": "", "content": {media: {"schema": schema}}, **more}


def _echo(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Echo", "version": "1"},
        "paths": {
            "/echo/{key}": {
                "get": {
                    "operationId": "echo",
                    "parameters": list(parameters),
                    "responses": {"200": _answer(ITEM)},
                }
            }
        },
    }


def _documented(paths: dict[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths}


def _arguments(url: str, path: str, **request: Any) -> dict[str, Any]:
    """What a request's arguments were taken to be."""
    httpx2.request(request.pop("method", "GET"), f"{url}/s/look{path}", **request)
    calls = httpx2.get(f"{url}/_gtm/sessions/look/calls").json()["calls"]
    found: dict[str, Any] = calls[-1]["call"]["arguments"]
    return found


def test_what_is_written_is_read_listed_and_gone_after_its_delete(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(GALAXY))
    made = httpx2.post(f"{url}/planets", json={"name": "Rex", "type": "super_earth"})
    assert made.status_code == 201
    key = made.json()["id"]
    read = httpx2.get(f"{url}/planets/{key}")
    assert read.status_code == 200
    assert read.headers["content-type"] == "application/json"
    assert read.headers["x-gtm-simulated"] == "true"
    assert read.json() == made.json()
    assert read.json()["name"] == "Rex"
    assert "simulated" not in read.text
    deleted = httpx2.delete(f"{url}/planets/{key}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = httpx2.get(f"{url}/planets/{key}")
    assert gone.status_code == 404
    assert str(key) in gone.text


def test_head_answers_as_get_without_the_body(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(PETSTORE))
    head, get = httpx2.head(f"{url}/pet/3"), httpx2.get(f"{url}/pet/3")
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-length"] == str(len(get.content))


def test_an_unknown_path_names_close_ones_and_a_wrong_method_the_right_ones(
    serving: Serving, simulator: Simulate
) -> None:
    url = serving(simulator(PETSTORE))
    missing, wrong = httpx2.get(f"{url}/pets/3"), httpx2.patch(f"{url}/pet/3")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert "/pet/{petId}" in missing.json()["detail"]
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "DELETE, GET, HEAD, POST"


@pytest.mark.parametrize(
    ("schema", "more", "query", "expected"),
    [
        ({"type": "integer"}, {}, "x=7", 7),
        ({"type": "integer"}, {}, "x=seven", "seven"),
        ({"type": "number"}, {}, "x=1.5", 1.5),
        ({"type": "boolean"}, {}, "x=true", True),
        ({"type": ["integer", "null"]}, {}, "x=", None),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {}, "x=7", "7"),
        ({"enum": [1, 2]}, {}, "x=2", 2),
        ({"type": "array", "items": {"type": "integer"}}, {}, "x=1&x=2", [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, {"explode": False}, "x=1,2", [1, 2]),
        ({"type": "array", "items": {"type": "string"}}, {}, "x=a%2Cb", ["a,b"]),
        (
            {"type": "object", "properties": {"low": {"type": "integer"}}},
            {"style": "deepObject", "explode": True},
            "x[low]=3&x[name]=a",
            {"low": 3, "name": "a"},
        ),
        ({"type": "object", "properties": {"low": {"type": "integer"}}}, {}, "low=3&other=4", {"low": 3}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"explode": False}, "x=a,1", {"a": 1}),
        ({"type": "string"}, {}, "x=%C3%A9%F0%9F%90%B6", "é🐶"),
        ({"type": "string"}, {}, "x=%ff", "\ufffd"),
    ],
)
def test_query_texts_become_what_the_schema_asks_for(
    serving: Serving, simulator: Simulate, schema: dict[str, Any], more: dict[str, Any], query: str, expected: Any
) -> None:
    url = serving(simulator(_echo(_parameter("x", "query", schema, **more))))
    assert _arguments(url, f"/echo/k?{query}")["x"] == expected


def test_paths_headers_and_cookies_carry_arguments(serving: Serving, simulator: Simulate) -> None:
    integer = {"type": "integer"}
    url = serving(
        simulator(
            _echo(
                _parameter("key", "path", {"type": "string"}, required=True),
                _parameter("X-Count", "header", integer),
                _parameter("X-Names", "header", {"type": "array", "items": {"type": "string"}}),
                _parameter("theme", "cookie", {"type": "string"}),
            )
        )
    )
    headers = {"x-count": "3", "X-NAMES": "a,b", "Cookie": "theme=dark; other=1"}
    found = _arguments(url, "/echo/a%2Fb%20c", headers=headers)
    assert found == {"key": "a/b c", "X-Count": 3, "X-Names": ["a", "b"], "theme": "dark"}


def test_a_fixed_segment_is_found_before_a_parameter(serving: Serving, simulator: Simulate) -> None:
    paths = {
        path: {"get": {"operationId": name, "responses": {"200": _answer(ITEM)}}}
        for path, name in {
            "/things/{id}": "one",
            "/things/mine": "mine",
            "/things/{id}.json": "file",
            "/things/{id}/of/{owner}-{number}": "owned",
        }.items()
    }
    url = serving(simulator(_documented(paths)))
    for path in ("/things/7", "/things/mine", "/things/7.json", "/things/7/of/ada-3"):
        assert httpx2.get(f"{url}/s/x{path}").status_code == 200
    calls = httpx2.get(f"{url}/_gtm/sessions/x/calls").json()["calls"]
    assert [call["call"] for call in calls] == [
        {"tool": "one", "arguments": {"id": "7"}},
        {"tool": "mine", "arguments": {}},
        {"tool": "file", "arguments": {"id": "7"}},
        {"tool": "owned", "arguments": {"id": "7", "owner": "ada", "number": "3"}},
    ]


def test_a_bad_argument_is_refused_as_documented(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(PETSTORE))
    refused = httpx2.get(f"{url}/pet/abc")
    assert refused.status_code == 400
    assert "'petId' must be an integer" in refused.text


BODIES = {
    "/items": {
        "post": {
            "operationId": "create",
            "requestBody": {"required": True, "content": {"application/json": {"schema": ITEM}}},
            "responses": {"201": _answer(ITEM), "422": _answer(ERROR)},
        }
    },
    "/plain": {
        "post": {
            "operationId": "plain",
            "requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}},
            "responses": {"204": {"description": ""}},
        }
    },
    "/upload": {
        "post": {
            "operationId": "upload",
            "requestBody": {
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "properties": {"count": {"type": "integer"}, "file": {"type": "string"}},
                        }
                    }
                }
            },
            "responses": {"204": {"description": ""}},
        }
    },
}


@pytest.mark.parametrize(
    "body", [b'{"id": 1', b"[1]", b'"x"', b'{"id": NaN, "name": "a"}', b"[" * 100_000, b"{}" * 3, b"\xff\xfe"]
)
def test_a_body_that_is_none_gets_the_documented_error(serving: Serving, simulator: Simulate, body: bytes) -> None:
    url = serving(simulator(_documented(BODIES)))
    answer = httpx2.post(f"{url}/items", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == 422
    assert "body" in answer.json()["message"]


def test_a_body_of_another_type_is_refused(serving: Serving, simulator: Simulate) -> None:
    paths = json.loads(json.dumps(BODIES))
    paths["/items"]["post"]["responses"].pop("422")
    url = serving(simulator(_documented(paths)))
    answer = httpx2.post(f"{url}/items", content="<a/>", headers={"Content-Type": "application/xml"})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert "application/json" in answer.json()["detail"]


def test_forms_texts_and_files_are_read(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(_documented(BODIES)))
    form = _arguments(url, "/items", method="POST", data={"id": "4", "name": "a b"})
    text = _arguments(url, "/plain", method="POST", content="hé", headers={"Content-Type": "text/plain"})
    files = _arguments(
        url, "/upload", method="POST", data={"count": "3"}, files={"file": ("a.txt", b"inside", "text/plain")}
    )
    assert (form, text) == ({"id": 4, "name": "a b"}, {"body": "hé"})
    assert files == {"count": 3, "file": "inside"}


def test_answers_without_body_images_and_texts_have_their_documented_type(
    serving: Serving, simulator: Simulate
) -> None:
    text = {"type": "string"}
    paths = {
        "/nothing": {"get": {"operationId": "nothing", "responses": {"204": {"description": ""}}}},
        "/picture": {"get": {"operationId": "picture", "responses": {"200": _answer(text, "image/png")}}},
        "/words": {"get": {"operationId": "words", "responses": {"200": _answer(text, "text/plain")}}},
        "/table": {"get": {"operationId": "table", "responses": {"200": _answer(text, "text/csv")}}},
        "/headers": {
            "get": {
                "operationId": "headers",
                "responses": {
                    "200": _answer(
                        ITEM, headers={"X-Left": {"required": True, "schema": {"type": "integer", "minimum": 5}}}
                    )
                },
            }
        },
    }
    url = serving(simulator(_documented(paths)))
    nothing, picture, words, table, headers = (httpx2.get(url + path) for path in paths)
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert words.headers["content-type"] == "text/plain; charset=utf-8"
    assert words.text
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[0] == "id,name"
    assert int(headers.headers["x-left"]) >= 5


def test_a_rate_limit_says_when_to_come_back_in_a_header(serving: Serving, simulator: Simulate) -> None:
    faults = [{"kind": "rate_limit", "retry_after": 1.5, "tools": ["getPetById"]}]
    url = serving(simulator(PETSTORE, faults=faults))
    limited = httpx2.get(f"{url}/pet/1")
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "2"
    assert "Retry-After" not in limited.text


def test_the_session_is_named_in_path_query_or_header(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(GALAXY))
    key = httpx2.post(f"{url}/s/one/planets", json={"name": "Rex"}).json()["id"]
    assert httpx2.get(f"{url}/planets/{key}?session=one").json()["name"] == "Rex"
    assert httpx2.get(f"{url}/planets/{key}", headers={"X-GTM-Session": "one"}).json()["name"] == "Rex"
    names = {session["id"] for session in httpx2.get(f"{url}/_gtm/sessions").json()["sessions"]}
    assert names == {"one"}
    assert httpx2.get(f"{url}/planets/7?session=a%20b").status_code == 400
    assert httpx2.get(f"{url}/s/{'x' * 129}/planets/7").status_code == 400


def test_a_session_parameter_of_the_api_stays_the_apis(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(_echo(_parameter("session", "query", {"type": "string"}))))
    assert _arguments(url, "/echo/k?session=theirs")["session"] == "theirs"


def test_a_path_of_the_servers_own_must_get_a_prefix(serving: Serving, simulator: Simulate) -> None:
    paths = {"/mcp": {"get": {"operationId": "theirs", "responses": {"200": _answer(ITEM)}}}}
    clashing = simulator(_documented(paths))
    with pytest.raises(ConfigError, match="--prefix /api"):
        build_app([clashing], options=ServeOptions())
    assert httpx2.get(serving(clashing, prefix="/api") + "/api/mcp").status_code == 200


def test_two_specs_with_one_path_must_get_prefixes(serving: Serving, simulator: Simulate) -> None:
    first = simulator(PETSTORE)
    second = Simulator(first.toolset.model_copy(update={"name": "other"}), model="scripted", cache=False)
    with pytest.raises(ConfigError, match=r"--prefix '/\{spec\}'"):
        build_app([first, second], options=ServeOptions())
    url = serving(first, second, prefix="/{spec}")
    assert httpx2.get(f"{url}/other/pet/1").status_code == 200
