"""A language model that is simply asked: free-form, as LangChain's tool emulator asks, as MirrorAPI asks.

The prompts follow the published ones in what they show and in what form they want the answer; the words are ours.
None has a grammar, a plan or a world; `free` sees the history, the other two do not, as in their originals. What does
not parse is scored as an answer that says nothing, and counted by its reason. A prompt that is too long is cut from
the history, then from the schemas, so that the call itself always stands in it.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from pydantic_core import from_json

from gtm.engines.base import Completion, Engine, Request
from gtm.eval.records import Answer, Task
from gtm.eval.simulated import strictly
from gtm.types import Json, Message, Tool
from gtm.world.services import seed_of

MAX_TOKENS = 512
"""Of an answer: nine in ten recorded answers are shorter, and a model that loops has to end."""

SCHEMA_CHARACTERS = 3000
HISTORY_CHARACTERS = 2400
TURN_CHARACTERS = 600
CALL_CHARACTERS = 2400
"""What a part of a prompt may take; together about the 2,000 tokens that the simulator's own prompts may have, once
more for the schemas that it never has to show."""


class Prompted:
    """An engine, a way to ask and a way to read what it says."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        ask: Callable[[Task], tuple[Message, ...]],
        read: Callable[[Task, Completion], Answer],
    ) -> None:
        self._name = name
        self._engine = engine
        self._ask = ask
        self._read = read

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self._name

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order."""
        requests = [
            Request(self._ask(task), None, MAX_TOKENS, seed_of(task.seed, task.item, task.step)) for task in tasks
        ]
        began = time.perf_counter()
        completions = await self._engine.generate(requests)
        took = time.perf_counter() - began
        return [
            self._read(task, completion).model_copy(
                update={"raw": completion.text, "model_tokens": completion.completion_tokens, "seconds": took}
            )
            for task, completion in zip(tasks, completions, strict=True)
        ]

    async def aclose(self) -> None:
        """Nothing: the engine is its owner's."""


def free(name: str, engine: Engine) -> Prompted:
    """The base model with schema and history in its prompt."""

    def ask(task: Task) -> tuple[Message, ...]:
        tool = task.tool
        output = "none: text" if tool.output_schema is None else cut(tool.output_schema, SCHEMA_CHARACTERS)
        return _user(
            "free",
            tool,
            task,
            parameters=cut(tool.parameters, SCHEMA_CHARACTERS),
            output=output,
            history=history_of(task),
        )

    return Prompted(name, engine, ask, read_plain)


def emulator(name: str, engine: Engine) -> Prompted:
    """As LangChain's `LLMToolEmulator` asks: name, description and arguments, no schema, no history."""

    def ask(task: Task) -> tuple[Message, ...]:
        return _user("emulator", task.tool, task)

    return Prompted(name, engine, ask, read_plain)


def mirror(name: str, engine: Engine) -> Prompted:
    """As MirrorAPI asks: documentation, documented examples and input; `error` and `response` come back."""

    def ask(task: Task) -> tuple[Message, ...]:
        tool = task.tool
        documentation = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        examples = [[one.arguments, one.response] for one in tool.examples[:5] if not one.is_error]
        text = filled(
            "mirror_call",
            documentation=cut(documentation, SCHEMA_CHARACTERS),
            examples=cut(examples, HISTORY_CHARACTERS),
            arguments=cut(task.arguments, CALL_CHARACTERS),
        )
        return (Message("system", text_of("mirror")), Message("user", text))

    return Prompted(name, engine, ask, read_mirror)


def read_plain(task: Task, completion: Completion) -> Answer:
    """JSON where there is any, the text itself where the tool may answer text, else no answer."""
    text = unfenced(completion.text)
    if not text:
        return Answer(failed="nothing")
    valid = strictly(task.tool.output_schema, completion.text.strip())
    value = first_json(text)
    if isinstance(value, dict | list):
        shown = json.dumps(value, ensure_ascii=False)
        return Answer(content=value, text=shown, is_error=says_error(value), raw_valid=valid)
    if completion.ending == "length":
        return Answer(failed="too long", raw_valid=valid)
    if task.tool.output_schema is not None or task.tool.http is not None:
        return Answer(failed="prose", raw_valid=valid)
    return Answer(content=text, text=text, is_error=says_error(text), raw_valid=valid)


def read_mirror(task: Task, completion: Completion) -> Answer:
    """The form that was asked for, or no answer; a `response` that holds JSON as a text is that JSON."""
    text = unfenced(completion.text)
    if not text:
        return Answer(failed="nothing")
    value = first_json(text)
    fits = isinstance(value, dict) and {"error", "response"} <= value.keys()
    valid = fits and strictly(True, completion.text.strip()) is True
    if not isinstance(value, dict) or not fits:
        return Answer(failed="too long" if completion.ending == "length" else "prose", raw_valid=False)
    error = value["error"]
    if error:
        said = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
        return Answer(content=said, text=said, is_error=True, raw_valid=valid)
    response = value["response"]
    inner = first_json(response) if isinstance(response, str) else response
    content = inner if isinstance(inner, dict | list) else response
    shown = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return Answer(content=content, text=shown, is_error=says_error(content), raw_valid=valid)


def says_error(value: Json) -> bool:
    """Whether a free answer calls itself an error: an `error` that is not empty, or a text that begins so."""
    if isinstance(value, dict):
        return any(bool(value.get(name)) for name in ("error", "errors", "Error"))
    return isinstance(value, str) and re.match(r"\W*error\b", value, re.IGNORECASE) is not None


def first_json(text: str) -> Json:
    """The first object or list that a text holds, else None."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"[\[{]", text):
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        try:
            return from_json(json.dumps(value), allow_inf_nan=False)
        except ValueError:
            return None
    return None


def unfenced(text: str) -> str:
    """A text without the fence that chat models put around code."""
    found = re.search(r"```(?:\w+)?\n(.*?)(?:```|\Z)", text, re.DOTALL)
    return (found.group(1) if found else text).strip()


def cut(value: Json, limit: int) -> str:
    """JSON, no longer than a limit."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= limit else text[: limit - 1] + "…"


@cache
def text_of(name: str) -> str:
    """A text of `prompts/`."""
    return (Path(__file__).parent / "prompts" / f"{name}.txt").read_text(encoding="utf-8").strip()


def filled(prompt: str, **parts: str) -> str:
    """A text with its places filled; what is filled in is not looked at again."""
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found.group(1), found.group(0)), text_of(prompt))


def _user(prompt: str, tool: Tool, task: Task, **parts: str) -> tuple[Message, ...]:
    description = tool.description or "No description available"
    call = cut(task.arguments, CALL_CHARACTERS)
    return (Message("user", filled(prompt, name=tool.name, description=description, arguments=call, **parts)),)


def history_of(task: Task) -> str:
    """The newest turns that there is room for, oldest first."""
    lines: list[str] = []
    room = HISTORY_CHARACTERS
    for turn in reversed(task.history):
        said = "failed with" if turn.is_error else "answered"
        line = f"Earlier: {turn.tool}({cut(turn.arguments, 300)}) {said} {cut(turn.response, TURN_CHARACTERS)}"
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    return "\n".join(reversed(lines))
