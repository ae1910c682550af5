"""A real client, through the recording proxy, to a real HTTP API; then the same calls without it."""

import gzip
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gtm.errors import ConfigError
from gtm.serve.options import ServeOptions
from gtm.serve.record_http import HttpRecorder, app_of
from gtm.simulator.cassette import read_turns
from gtm.simulator.config import Config
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.simulator import Simulator
from gtm.simulator.upstream import UpstreamError
from gtm.types import Toolset
from tests.samples import notes, pets

PETS = Toolset(
    name="pets",
    kind="openapi",
    tools=tuple(
        tool.model_copy(update={"http": tool.http.model_copy(update={"body_media_type": "application/json"})})
        for tool in pets().tools
        if tool.http is not None
    ),
)
SEEN: list[dict[str, str]] = []


async def create(request: Request) -> Response:
    SEEN.append(dict(request.headers))
    body = await request.json()
    return JSONResponse({"id": 7, "name": body["name"]}, 201, {"Set-Cookie": "sid=topsecret", "X-Trace": "t1"})


async def read(request: Request) -> Response:
    number = request.path_params["id"]
    if number != 7:
        return JSONResponse({"code": 404, "message": "no such pet"}, 404)
    body = gzip.compress(json.dumps({"id": 7, "name": "Rex", "status": "sold"}).encode())
    return Response(body, headers={"content-encoding": "gzip", "content-type": "application/json"})


async def search(request: Request) -> Response:
    return JSONResponse([{"id": 7, "name": request.query_params.get("q", "Rex")}])


async def away(request: Request) -> Response:
    return RedirectResponse("https://elsewhere.invalid/")


API = Starlette(
    routes=[
        Route("/v1/pets", create, methods=["POST"]),
        Route("/v1/pets", search),
        Route("/v1/pets/{id:int}", read),
        Route("/v1/old", away),
    ]
)


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """An application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A cassette of a session with the API: create, read, miss, search, and two requests the spec does not know."""
    tape = tmp_path / "tape.jsonl"
    with running(API) as base, Recorder(tape, PETS, Scrubber()) as recorder:
        proxy = HttpRecorder(f"{base}/v1", PETS, recorder)
        with running(app_of(proxy, ServeOptions())) as url, httpx2.Client(base_url=url) as client:
            token = {"Authorization": "Bearer very-secret-token"}
            made = client.post("/pets", json={"name": "Rex", "secret": "psst"}, headers=token)
            assert made.status_code == 201 and made.json() == {"id": 7, "name": "Rex"}
            assert made.headers["x-trace"] == "t1" and made.cookies["sid"] == "topsecret"
            assert SEEN[-1]["authorization"] == "Bearer very-secret-token"
            assert client.get("/pets/7").json()["status"] == "sold"
            assert client.get("/pets/9").status_code == 404
            assert client.get("/pets", params={"q": "Ada", "limit": 3}).json()[0]["name"] == "Ada"
            assert client.get("/old").headers["location"] == "https://elsewhere.invalid/"
            assert client.put("/pets").status_code == 405
        assert [reason.rpartition(": ")[2] for reason in proxy.unmatched] == [
            "the path is not in the spec",
            "PUT is not in the spec",
        ]
    return tape


def simulator(**config: Any) -> Simulator:
    return Simulator(PETS, model="scripted", config=Config.parse(config), cache=False)


def test_what_went_through_is_replayed_without_the_api(recorded: Path) -> None:
    text = recorded.read_text()
    assert not any(secret in text for secret in ("very-secret", "topsecret", "psst"))
    assert [turn.call.tool for _, turn in read_turns(recorded)] == ["createPet", "getPet", "getPet", "listPets"]
    with simulator(cassette={"file": str(recorded)}) as sim, sim.session() as session:
        made = session.call("createPet", {"name": "Rex", "secret": "other"})
        assert made.status == 201 and made.content == {"id": 7, "name": "Rex"}
        assert session.call("getPet", {"petId": 7}).content["status"] == "sold"
        missing = session.call("getPet", {"petId": 9})
        assert missing.is_error and missing.status == 404 and missing.content["message"] == "no such pet"
        assert session.call("listPets", {"q": "Ada", "limit": 3}).content == [{"id": 7, "name": "Ada"}]


def test_a_miss_is_no_answer_of_the_tool(recorded: Path, serving: Callable[..., str]) -> None:
    url = serving(simulator(cassette={"file": str(recorded)}))
    assert httpx2.get(f"{url}/pets/7").json()["status"] == "sold"
    missed = httpx2.get(f"{url}/pets/8")
    assert missed.status_code == 500
    assert "petId: recorded 7, given 8" in missed.json()["detail"]


def test_an_operation_of_mode_real_reaches_the_api_once(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    cassette = {"file": str(tape), "mode": "once"}
    with running(API) as base:
        real = {"url": f"{base}/v1", "headers": {"Authorization": "Bearer very-secret-token"}}
        with simulator(cassette=cassette, real=real, mode="real") as sim, sim.session() as session:
            first = session.call("createPet", {"name": "Rex"})
            found = session.call("listPets", {"q": "a b&c", "limit": 2})
            assert session.call("getPet", {"petId": 9}).status == 404
    assert first.content == {"id": 7, "name": "Rex"} and first.provenance == {"": "cassette"}
    assert found.content == [{"id": 7, "name": "a b&c"}]
    assert SEEN[-1]["authorization"] == "Bearer very-secret-token"
    assert "very-secret" not in tape.read_text()
    with simulator(cassette=cassette, real=real, mode="real") as sim, sim.session() as session:
        assert session.call("createPet", {"name": "Rex"}).content == first.content
        assert session.call("listPets", {"q": "a b&c", "limit": 2}).content == found.content


def test_an_api_that_is_away_is_an_error_with_its_name(tmp_path: Path) -> None:
    real = "http://127.0.0.1:9"
    with simulator(real=real, mode="real") as sim, pytest.raises(UpstreamError, match="cannot be reached"):
        sim.session().call("getPet", {"petId": 1})
    with Recorder(tmp_path / "t.jsonl", PETS, Scrubber()) as recorder:
        proxy = HttpRecorder(real, PETS, recorder)
        with running(app_of(proxy, ServeOptions())) as url:
            assert httpx2.get(f"{url}/pets/1").status_code == 502


def test_the_command_stands_in_for_the_api(tmp_path: Path) -> None:
    tape, spec = tmp_path / "tape.jsonl", tmp_path / "pets.json"
    read: dict[str, Any] = {"operationId": "getPet", "responses": {"200": {"description": "ok"}}}
    read["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    info = {"title": "Pets", "version": "1"}
    spec.write_text(json.dumps({"openapi": "3.0.3", "info": info, "paths": {"/pets/{id}": {"get": read}}}))
    with running(API) as base:
        words = ["--out", str(tape), "--spec", str(spec), "--to", f"{base}/v1", "--port", "0", "--json"]
        command = [sys.executable, "-m", "gtm", "record", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert httpx2.get(f"{url}/pets/7").json()["name"] == "Rex"
            assert httpx2.get(f"{url}/pets").status_code == 200
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=20)[1]
    assert process.returncode == 0
    assert "1 calls recorded" in said and "1 requests were forwarded but not recorded" in said
    assert [turn.call.arguments for _, turn in read_turns(tape)] == [{"id": 7}]


def test_a_spec_without_operations_cannot_be_recorded_over_http(tmp_path: Path) -> None:
    with (
        Recorder(tmp_path / "t.jsonl", notes(), Scrubber()) as recorder,
        pytest.raises(ConfigError, match="no HTTP operations"),
    ):
        HttpRecorder("https://api.example.com", notes(), recorder)
