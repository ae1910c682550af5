"""Recordings of VCR.py, of browsers and of OpenTelemetry as cassettes, through `gtm record --import`."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtm.cli.main import main
from gtm.simulator.cassette import read_turns
from gtm.types import Turn

SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/items": {
            "post": {
                "operationId": "addItem",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"name": {"type": "string"}, "password": {"type": "string"}},
                            }
                        }
                    }
                },
                "responses": {"201": {"description": "ok"}},
            }
        },
        "/items/{itemId}": {
            "get": {
                "operationId": "getItem",
                "parameters": [
                    {"name": "itemId", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "lang", "in": "query", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
}
BASE = "https://api.shop.test/v2"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(SPEC))
    return str(path)


class Import:
    """`gtm record --import`, and what came of it."""

    def __init__(self, folder: Path, spec: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._spec, self._capsys = folder, spec, capsys
        self.tape = folder / "tape.jsonl"
        self.said = ""
        self.counts: dict[str, Any] = {}

    def __call__(self, content: str | bytes, *words: str, name: str = "in.dat") -> int:
        source = self._folder / name
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        out = ["record", "--import", str(source), "--spec", self._spec, "--out", str(self.tape), "--json", *words]
        code = main(out)
        caught = self._capsys.readouterr()
        self.said = caught.err
        self.counts = json.loads(caught.out) if caught.out else {}
        return code

    @property
    def turns(self) -> list[Turn]:
        return [turn for _, turn in read_turns(self.tape)]


@pytest.fixture
def take(tmp_path: Path, spec: str, capsys: pytest.CaptureFixture[str]) -> Import:
    return Import(tmp_path, spec, capsys)


def vcr(*interactions: dict[str, Any]) -> str:
    return yaml.safe_dump({"interactions": list(interactions), "version": 1})


def interaction(
    method: str, path: str, body: Any, status: int, answer: Any, headers: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    kind = {"Content-Type": ["application/json"]}
    return {
        "request": {"body": body, "headers": {**kind, "Authorization": ["Bearer abcdefghij"]}, "method": method,
                    "uri": path if path.startswith("http") else BASE + path},
        "response": {"body": {"string": answer}, "headers": {**kind, **(headers or {})},
                     "status": {"code": status, "message": "x"}},
    }  # fmt: skip


def test_a_vcr_cassette_with_text_gzip_and_binary_bodies(take: Import) -> None:
    packed = gzip.compress(b'{"id": 3, "name": "Tea"}')
    code = take(
        vcr(
            interaction(
                "POST", "/items", '{"name": "Tea", "password": "hunter2"}', 201, '{"id": 3, "since": "2024-01-02"}'
            ),
            interaction("GET", "/items/3?lang=de", None, 200, packed, {"Content-Encoding": ["gzip"]}),
            interaction("GET", "/items/9", None, 404, b'{"error": "none"}'),
            interaction("GET", "/health", None, 200, "ok"),
            interaction("GET", "https://telemetry.test/items/3", None, 200, "{}"),
        ),
        "--to",
        BASE,
    )
    assert code == 0 and take.counts["matched"] == 3
    assert take.counts["skipped"] == {
        f"another address than '{BASE}'": 1,
        "the path is not in the spec: GET https://api.shop.test/health": 1,
    }
    added, read, missing = take.turns
    assert added.call.tool == "addItem" and added.call.arguments == {"name": "Tea", "password": "[redacted]"}
    assert added.result.content == {"id": 3, "since": "2024-01-02"} and added.result.status == 201
    assert read.call.arguments == {"itemId": 3, "lang": "de"} and read.result.content == {"id": 3, "name": "Tea"}
    assert missing.result.is_error and missing.result.status == 404
    assert "hunter2" not in take.tape.read_text() and "abcdefghij" not in take.tape.read_text()


def test_the_base_of_the_urls_is_found_from_the_spec(take: Import) -> None:
    assert take(vcr(interaction("GET", "/items/3", None, 200, '{"id": 3}'))) == 0
    assert take.turns[0].call.arguments == {"itemId": 3}


def har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": list(entries)}})


def entry(method: str, path: str, status: int, content: dict[str, Any], posted: Any = None) -> dict[str, Any]:
    request = {"method": method, "url": BASE + path, "headers": [{"name": "Cookie", "value": "sid=topsecret"}]}
    if posted:
        request["postData"] = posted
    return {"time": 12.5, "request": request, "response": {"status": status, "headers": [], "content": content}}


def test_a_har_file_with_base64_bodies_and_requests_without_response(take: Import) -> None:
    packed = base64.b64encode(b'{"id": 3}').decode()
    code = take(
        har(
            entry("GET", "/items/3", 200, {"mimeType": "application/json", "text": packed, "encoding": "base64"}),
            entry("POST", "/items", 201, {"mimeType": "application/json", "text": '{"id": 4}'},
                  {"mimeType": "application/json", "text": '{"name": "Milk"}'}),
            entry("GET", "/items/5", 0, {}),
            entry("DELETE", "/items/5", 204, {}),
        )
    )  # fmt: skip
    assert code == 0 and take.counts["matched"] == 2
    assert take.counts["skipped"]["there was no response"] == 1
    read, added = take.turns
    assert read.result.content == {"id": 3} and read.latency_ms == 12.5
    assert added.call.arguments == {"name": "Milk"} and added.result.content == {"id": 4}
    assert "topsecret" not in take.tape.read_text()


def span(start: int, name: str, *, failed: bool = False, **attributes: Any) -> dict[str, Any]:
    pairs = {"gen_ai.operation.name": {"stringValue": "execute_tool"}, "gen_ai.tool.name": {"stringValue": name}}
    for key, value in attributes.items():
        pairs[f"gen_ai.tool.call.{key}"] = value
    return {
        "name": f"execute_tool {name}",
        "startTimeUnixNano": str(start),
        "attributes": [{"key": key, "value": value} for key, value in pairs.items()],
        "status": {"code": 2, "message": "it broke"} if failed else {},
    }


def otlp(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


def test_spans_of_tool_calls_in_the_order_of_their_start(take: Import) -> None:
    first = otlp(
        span(20, "getItem", arguments={"stringValue": '{"itemId": 3}'}, result={"stringValue": '{"id": 3}'}),
        span(30, "getItem", arguments={"stringValue": '{"itemId": 9}'}, failed=True),
        span(40, "getItem"),
        {"name": "chat gpt", "attributes": []},
    )
    value = {"kvlistValue": {"values": [{"key": "name", "value": {"stringValue": "Tea"}}]}}
    second = otlp(
        span(
            10,
            "addItem",
            arguments=value,
            result={"kvlistValue": {"values": [{"key": "id", "value": {"intValue": "3"}}]}},
        ),
        span(50, "wipe", arguments={"stringValue": "{}"}, result={"stringValue": "done"}),
    )
    assert take(f"{first}\n{second}\n") == 0
    assert [turn.call.tool for turn in take.turns] == ["addItem", "getItem", "getItem"]
    added, read, broken = take.turns
    assert added.call.arguments == {"name": "Tea"} and added.result.content == {"id": 3}
    assert read.call.arguments == {"itemId": 3} and read.result.content == {"id": 3}
    assert broken.result.is_error and broken.result.text == "it broke"
    assert take.counts["skipped"] == {
        "the span has no gen_ai.tool.call.arguments; let your agent record contents": 1,
        "the tool 'wipe' is not in the spec": 1,
    }


READ = interaction("GET", "/items/3", None, 200, "{}")
SEEN = entry("GET", "/items/3", 200, {})
UNREADABLE = {"status": 200, "content": {"text": "%%%", "encoding": "base64"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (vcr(READ)[:120], "has no request and response"),
        ("interactions:\n- request: {body: 'x\n", "is neither JSON nor YAML"),
        (har(SEEN)[:150], "line 1"),
        (har({"request": {}}), "entry 1 has no request and response"),
        (har({**SEEN, "request": {"method": "GET"}}), "entry 1 lacks the request's method or url"),
        (har({**SEEN, "response": UNREADABLE}), "entry 1 has a body that is no Base64"),
        (otlp() + "\n" + otlp(span(1, "getItem"))[:-3], "line 2"),
        ("hello", "is no recording that is known"),
        (vcr({**READ, "request": {**READ["request"], "uri": f"{BASE}/nothing"}}), "nothing in"),
        ("interactions:\n- request: !!python/object/apply:os.system ['x']\n- !!binary aGk=\n", "python/object"),
    ],
)
def test_a_broken_file_is_named_with_its_line_or_entry(take: Import, content: str, message: str) -> None:
    assert take(content) == 2
    assert message in take.said and not take.tape.exists()


def test_a_damaged_body_is_left_out_and_counted(take: Import) -> None:
    broken = interaction("GET", "/items/3", None, 200, b"\x1f\x8b\x08broken", {"Content-Encoding": ["gzip"]})
    fine = interaction("GET", "/items/4", None, 200, '{"id": 4}')
    assert take(vcr(broken, fine)) == 0
    assert take.counts == {"matched": 1, "skipped": {"a body is damaged gzip": 1}}


def test_an_import_needs_definitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--import", "x.har", "--out", str(tmp_path / "t.jsonl")]) == 2
    assert "no tools can be made up" in capsys.readouterr().err
    assert main(["record", "--out", str(tmp_path / "t.jsonl")]) == 2
    assert "there is nothing to record" in capsys.readouterr().err
