"""The client against a small HTTP server on a real socket, and (slow) against llama.cpp's own server."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gtm.engines.base import FORBID_VARIABLE, Request
from gtm.engines.openai import OpenAIEngine, Patience
from gtm.errors import EngineError, GenerationForbidden, ModelError
from gtm.types import Json, Message

SHAPE: dict[str, Json] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
    "required": ["name", "legs"],
    "additionalProperties": False,
}
QUICK = Patience(attempts=3, first_wait=0.001, timeout=2.0)
KEY = "sk-very-secret"

Answer = tuple[int, dict[str, str], str]


def ask(schema: dict[str, Json] | None = None, *, text: str = "a pet", max_tokens: int = 40) -> Request:
    return Request((Message("system", "be brief"), Message("user", text)), schema, max_tokens, seed=2**40 + 7)


def completion(text: str | None, finish: str = "stop") -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return 200, {}, json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})


class Server:
    """Answers as the script says; keeps what it was asked."""

    def __init__(self, script: Callable[[dict[str, Json]], Answer] | list[Answer], delay: float = 0.0) -> None:
        self.script = script
        self.delay = delay
        self.asked: list[dict[str, Json]] = []
        self.heads: list[str] = []
        self.times: list[float] = []
        self.open = 0
        self.widest = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                self.heads.append(head)
                self.asked.append(body)
                self.times.append(time.monotonic())
                self.open += 1
                self.widest = max(self.widest, self.open)
                status, headers, text = self.script.pop(0) if isinstance(self.script, list) else self.script(body)
                await asyncio.sleep(self.delay)
                self.open -= 1
                if status == 0:
                    return
                lines = [f"HTTP/1.1 {status} X", f"content-length: {len(text.encode())}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def served(server: Server, patience: Patience = QUICK, max_in_flight: int = 32) -> AsyncIterator[OpenAIEngine]:
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    engine = OpenAIEngine(f"openai:m@http://127.0.0.1:{port}/v1", patience=patience, max_in_flight=max_in_flight)
    try:
        yield engine
    finally:
        await engine.aclose()
        listener.close()


async def test_a_request_travels_as_the_protocol_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Server([completion('{"name":"Rex","legs":4}'), completion("cut", "length"), completion(None)])
    async with served(server) as engine:
        first = (await engine.generate([ask(SHAPE)]))[0]
        second = (await engine.generate([Request((Message("user", "\ud800"),), None, 7, stop=("\n",))]))[0]
        third = (await engine.generate([ask()]))[0]
    assert (first.text, first.ending, first.prompt_tokens, first.completion_tokens) == (
        '{"name":"Rex","legs":4}', "stop", 9, 4,
    )  # fmt: skip
    assert (second.text, second.ending, third.text) == ("cut", "length", "")
    assert server.asked[0] == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a pet"}],
        "max_tokens": 40,
        "temperature": 0,
        "seed": 7,
        "response_format": {
            "type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SHAPE},
        },
    }  # fmt: skip
    assert server.asked[1]["stop"] == ["\n"]
    assert server.asked[1]["messages"] == [{"role": "user", "content": "?"}]
    assert server.heads[0].startswith("POST /v1/chat/completions ")
    assert f"authorization: bearer {KEY}" in server.heads[0].lower()


async def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server = Server([completion("x")])
    async with served(server) as engine:
        await engine.generate([ask()])
    assert "authorization" not in server.heads[0].lower()


@pytest.mark.parametrize("trouble", [(500, {}, "oops"), (429, {}, "slow down"), (408, {}, ""), (0, {}, "")])
async def test_passing_trouble_is_tried_again(trouble: Answer) -> None:
    script: list[Answer] = [trouble, trouble, completion("made it")]
    server = Server(script)
    async with served(server) as engine:
        assert (await engine.generate([ask()]))[0].text == "made it"
    assert len(server.asked) == 3


async def test_lasting_trouble_names_address_and_status_but_not_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    busy: Answer = (503, {}, f"no\nroom for {KEY}")
    server = Server([busy] * 3 + [(401, {}, f"Incorrect API key provided: {KEY}")])
    async with served(server) as engine:
        with pytest.raises(EngineError, match=r"127.0.0.1:\d+/v1/chat/completions' answered 503: no room for …, 3 t"):
            await engine.generate([ask()])
        with pytest.raises(EngineError, match="answered 401: Incorrect API key provided: …; check the API key"):
            await engine.generate([ask()])
    assert len(server.asked) == 4


async def test_retry_after_is_honoured() -> None:
    server = Server([(429, {"retry-after": "0.3"}, ""), completion("x")])
    async with served(server) as engine:
        await engine.generate([ask()])
    assert server.times[1] - server.times[0] >= 0.3
    past = Server([(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, ""), completion("x")])
    async with served(past) as engine:
        assert (await engine.generate([ask()]))[0].text == "x"


@pytest.mark.parametrize("header", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_server_that_asks_for_an_hour_gets_none(header: str) -> None:
    async with served(Server([(429, {"retry-after": header}, "")])) as engine:
        with pytest.raises(EngineError, match=r"asks to wait .* try again later"):
            await engine.generate([ask()])


async def test_a_silent_server_times_out() -> None:
    async with served(Server(lambda body: completion("x"), delay=1.0), Patience(2, 0.001, 0.05)) as engine:
        with pytest.raises(EngineError, match=r"cannot be reached .*ReadTimeout.*, 2 times"):
            await engine.generate([ask()])


async def test_nobody_there() -> None:
    engine = OpenAIEngine("openai:m@http://user:pw@127.0.0.1:9/v1?token=t", patience=QUICK)
    with pytest.raises(EngineError, match=r"'http://127.0.0.1:9/v1/chat/completions' cannot be reached"):
        await engine.generate([ask()])
    assert engine.name == "openai:m@http://127.0.0.1:9/v1"
    await engine.aclose()
    with pytest.raises(EngineError, match="is closed"):
        await engine.generate([ask()])


async def test_what_a_server_refuses_is_left_out_from_then_on() -> None:
    def picky(body: dict[str, Json]) -> Answer:
        if "response_format" in body:
            return 400, {}, '{"error": "json_schema is not supported"}'
        if "max_tokens" in body:
            return 400, {}, '{"error": "use max_completion_tokens"}'
        return completion("plain")

    server = Server(picky)
    async with served(server) as engine:
        assert [c.text for c in await engine.generate([ask(SHAPE)])] == ["plain"]
        assert len(server.asked) == 3
        await engine.generate([ask(SHAPE)])
    assert len(server.asked) == 4
    assert server.asked[3]["max_completion_tokens"] == 40


async def test_a_request_that_is_wrong_anyway_is_refused_once() -> None:
    server = Server(lambda body: (400, {}, "prompt too long"))
    async with served(server) as engine:
        with pytest.raises(EngineError, match="answered 400: prompt too long; the server refuses"):
            await engine.generate([ask(SHAPE)])
        with pytest.raises(EngineError, match="answered 400"):
            await engine.generate([ask()])
    assert len(server.asked) == 3


@pytest.mark.parametrize("text", ["<html>", "[]", '{"choices": []}', '{"choices": [{"message": {"content": [1]}}]}'])
async def test_what_is_not_the_protocol_is_said(text: str) -> None:
    async with served(Server([(200, {}, text)])) as engine:
        with pytest.raises(EngineError, match="did not answer as /chat/completions does"):
            await engine.generate([ask()])


async def test_concurrency_is_limited_and_order_is_kept() -> None:
    server = Server(lambda body: completion(body["messages"][1]["content"]), delay=0.01)
    async with served(server, max_in_flight=3) as engine:
        found = await engine.generate([ask(text=f"{i}") for i in range(12)])
    assert [c.text for c in found] == [f"{i}" for i in range(12)]
    assert server.widest == 3


def test_one_engine_serves_many_event_loops() -> None:
    async def once(engine_of: list[OpenAIEngine]) -> str:
        async with served(Server([completion("x")])) as engine:
            engine_of.append(engine)
            return (await engine.generate([ask()]))[0].text

    engines: list[OpenAIEngine] = []
    assert [asyncio.run(once(engines)), asyncio.run(once(engines))] == ["x", "x"]


@pytest.mark.parametrize("spec", ["openai:m", "openai:@http://h/v1", "openai:m@ftp://h", "openai:m@http://a b/v1"])
def test_what_is_no_spec_is_refused(spec: str) -> None:
    with pytest.raises(ModelError, match="is not openai:NAME@URL"):
        OpenAIEngine(spec)


async def test_the_switch_forbids_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORBID_VARIABLE, "1")
    server = Server([])
    async with served(server) as engine:
        with pytest.raises(GenerationForbidden, match="GTM_FORBID_GENERATION=1"):
            await engine.generate([ask()])
    assert server.asked == []


LLAMA = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.warmup = 4096, 2, False
params.hostnames, params.port, params.cpuparams.n_threads = ["127.0.0.1"], 0, 2
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def llama_server(weights: Path) -> Iterator[str]:
    pytest.importorskip("xllamacpp", reason="the llama.cpp server comes with the extra 'bench'")
    process = subprocess.Popen(
        [sys.executable, "-c", LLAMA, str(weights)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        yield next(line.strip() for line in process.stdout if line.startswith("http"))
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@pytest.mark.slow
@pytest.mark.timeout(240)  # it loads and runs a model of its own
async def test_llama_cpp_writes_under_the_shape(llama_server: str) -> None:
    engine = OpenAIEngine(f"openai:smollm2@{llama_server}/v1")
    found = await engine.generate([ask(SHAPE, text=f"A pet store. Write pet {i} as JSON.") for i in range(3)])
    again = await engine.generate([ask(SHAPE, text="A pet store. Write pet 0 as JSON.")])
    text = (await engine.generate([ask(max_tokens=5)]))[0]
    await engine.aclose()
    for answer in [*found, *again]:
        value = json.loads(answer.text)
        assert list(value) == ["name", "legs"]
        assert isinstance(value["legs"], int)
        assert answer.ending == "stop"
        assert answer.prompt_tokens > 20
    assert (text.ending, text.completion_tokens) == ("length", 5)
