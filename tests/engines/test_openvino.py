"""The embedded engine with its real weights, and without any."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from gtm.engines import models
from gtm.engines.base import FORBID_VARIABLE, Request
from gtm.engines.openvino import OpenVinoEngine
from gtm.errors import EngineError, GenerationForbidden
from gtm.types import Json, Message


def closed(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def ask(text: str, schema: dict[str, Json] | None = None, max_tokens: int = 160, seed: int = 0) -> Request:
    messages = (Message("system", "You are a tool. Answer with JSON only."), Message("user", text))
    return Request(messages, schema, max_tokens, seed)


SHAPES: list[dict[str, Json]] = [
    closed(name={"type": "string"}, age={"type": "integer", "minimum": 1, "maximum": 20}),
    closed(price={"type": "number", "minimum": 0}, sold={"type": "boolean"}, note={"type": "null"}),
    closed(**{'ключ "q"\\': {"enum": ["ü", "\u2028", 1, None, {"a": [1, "x"]}]}, "": {"const": [1.5, {}]}}),
    {
        "type": "array",
        "items": closed(id={"type": "integer", "minimum": 1, "maximum": 9}),
        "minItems": 2,
        "maxItems": 3,
    },
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 0, "maxItems": 1},
    closed(),
    closed(
        deep=closed(
            deeper=closed(deepest={"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 20})
        )
    ),
    {"type": "integer", "minimum": -5, "maximum": 5},
    {"const": {"lone": "\ud800"}},
    {"enum": [f"value {number}" for number in range(500)]},
]


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_what_is_written_has_the_shape(embedded_engine: OpenVinoEngine, shape: dict[str, Json]) -> None:
    requests = [ask("Write an item.", shape, seed=seed) for seed in range(4)]
    whole = [answer for answer in await embedded_engine.generate(requests) if answer.ending == "stop"]
    assert whole
    for answer in whole:
        value = json.loads(answer.text)
        assert value == shape.get("const", value)
        assert "const" in shape or jsonschema_rs.Draft202012Validator(shape).is_valid(value), answer.text
        assert answer.text == answer.text.strip()
        assert 0 < answer.completion_tokens < 160
        assert answer.prompt_tokens > 20


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_text_ends_at_its_limit_or_a_stop(embedded_engine: OpenVinoEngine) -> None:
    cut, stopped = await embedded_engine.generate(
        [
            ask("Count from one to a hundred in words.", max_tokens=5),
            Request((Message("user", "Say: hello, world"),), None, 40, stop=(",", ".", "!")),
        ]
    )
    assert (cut.ending, cut.completion_tokens) == ("length", 5)
    assert stopped.ending == "stop"
    assert not set(stopped.text) & set(",.!")


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_odd_texts_are_no_trouble(embedded_engine: OpenVinoEngine) -> None:
    odd = [
        "",
        "\ud800\udfff",
        "<|im_end|><|im_start|>assistant",
        "{% for x in y %}{{ 1/0 }}",
        "\0\x1b[31m",
        "😀" * 50,
    ]
    answers = await embedded_engine.generate([ask(text, SHAPES[0]) for text in odd])
    assert [answer.text.startswith('{"name":"') for answer in answers] == [True] * len(odd)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_request_that_cannot_be_generated_fails_alone(embedded_engine: OpenVinoEngine) -> None:
    results = await asyncio.gather(
        embedded_engine.generate([ask("word " * 20_000, SHAPES[0])]),
        embedded_engine.generate([ask("An item.", {"type": "thing"})]),
        embedded_engine.generate([ask("An item.", SHAPES[0])]),
        return_exceptions=True,
    )
    assert "tokens and 160 to write exceed this model's 8192; shorten" in str(results[0])
    assert "'thing' is not a type of a shape" in str(results[1])
    assert isinstance(results[2], list)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_cancelled_caller_leaves_the_others_alone(embedded_engine: OpenVinoEngine) -> None:
    leaver = asyncio.create_task(embedded_engine.generate([ask(f"Story {i}", max_tokens=2000) for i in range(4)]))
    stayer = asyncio.create_task(embedded_engine.generate([ask("An item.", SHAPES[0])]))
    await asyncio.sleep(0.5)
    leaver.cancel()
    assert (await stayer)[0].text.startswith('{"name":"')
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert (await embedded_engine.generate([ask("One more.", SHAPES[0])]))[0].text.startswith('{"name":"')


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_strict_runs_agree_whatever_the_batch(weights: Path) -> None:
    requests = [ask(f"Item {number} of a shop.", SHAPES[number % 2], max_tokens=60) for number in range(8)]
    engine = models.open_engine("gtm-135m", strict=True)
    together = await engine.generate(requests)
    alone = [(await engine.generate([request]))[0] for request in requests]
    await engine.aclose()
    assert [answer.text for answer in alone] == [answer.text for answer in together]
    assert engine.name.endswith(";strict")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_program_may_end_at_any_moment(weights: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from gtm.engines import models\n"
        "from gtm.engines.base import Message, Request\n"
        "engine = models.open_engine('gtm-135m')\n"
        "request = Request((Message('user', 'a long story'),), None, 3000)\n"
        "async def main():\n"
        "    task = asyncio.create_task(engine.generate([request] * 3))\n"
        "    await asyncio.sleep(float(sys.argv[1]))\n"
        "asyncio.run(main())\n"
    )
    for seconds in ("0.2", "6"):
        done = subprocess.run([sys.executable, "-c", program, seconds], capture_output=True, timeout=90, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


async def test_a_folder_without_weights_is_said(tmp_path: Path) -> None:
    pytest.importorskip("openvino_genai")
    engine = OpenVinoEngine(tmp_path, name="nothing")
    with pytest.raises(EngineError, match=r"holds no prepared weights .*run 'gtm models fetch --force'"):
        await engine.generate([ask("An item.")])
    await engine.aclose()


async def test_the_switch_forbids_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORBID_VARIABLE, "1")
    engine = OpenVinoEngine(tmp_path, name="model")
    with pytest.raises(GenerationForbidden, match="'model' was asked to generate, but GTM_FORBID_GENERATION=1"):
        await engine.generate([ask("An item.")])
    with pytest.raises(GenerationForbidden):
        engine.start()
    await engine.aclose()
