"""The teacher's answers: asked once, kept, counted; what it cannot say is silence, never an invention."""

import asyncio
import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gtm.carg.folder import RunFolder
from gtm.carg.recipe import Recipe
from gtm.carg.teacher import Answers, Asking, TeacherConfig, TeacherSilent
from gtm.engines.base import Completion, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError, RunError
from gtm.types import Message


def request(text: str) -> Request:
    return Request((Message("user", text),), None)


def folder(path: Path, **teacher: object) -> RunFolder:
    return RunFolder(path, Recipe(teacher=TeacherConfig.model_validate({"name": "t", **teacher})), base=path)


def ask(engine: Asking | Answers, *texts: str) -> list[Completion]:
    return asyncio.run(engine.generate([request(text) for text in texts]))


def test_an_answer_is_asked_for_once_and_found_in_another_process(tmp_path: Path) -> None:
    model = ScriptedEngine(["one", "two"])
    asking = Asking(folder(tmp_path), model)
    assert [c.text for c in ask(asking, "a", "a", "b")] == ["one", "one", "two"]
    assert asking.counts == {"asked": 2, "kept": 1}
    kept = Answers(folder(tmp_path))
    assert [c.text for c in ask(kept, "b", "a")] == ["two", "one"]
    with pytest.raises(TeacherSilent, match="never asked"):
        ask(kept, "c")


def test_answers_travel_as_a_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    ask(Asking(folder(first), ScriptedEngine(["one", "two", "three"])), "a", "b", "c")
    assert Answers(folder(first)).export(second / "answers.jsonl.gz") == 3
    taken = Answers(folder(second, answers="answers.jsonl.gz"))
    assert [c.text for c in ask(taken, "a", "b")] == ["one", "two"]
    other = Answers(folder(tmp_path, answers="second/answers.jsonl.gz", name="somebody else"))
    with pytest.raises(TeacherSilent):
        ask(other, "a")
    again = Asking(folder(second, answers="answers.jsonl.gz"), ScriptedEngine([]))
    ask(again, "b")
    assert again.answers.export(tmp_path / "used.jsonl.gz") == 1, "only what this run needed"


def test_the_budget_ends_asking_not_the_run(tmp_path: Path) -> None:
    asking = Asking(folder(tmp_path, max_calls=1), ScriptedEngine(["one", "two"]))
    assert ask(asking, "a")[0].text == "one"
    with pytest.raises(TeacherSilent, match="budget"):
        ask(asking, "b")
    assert ask(asking, "a")[0].text == "one"
    assert asking.counts == {"asked": 1, "over_budget": 1, "kept": 1}


def test_tokens_are_a_budget_too(tmp_path: Path) -> None:
    asking = Asking(folder(tmp_path, max_tokens=1), ScriptedEngine(["a long enough answer", "two"]))
    ask(asking, "a")
    with pytest.raises(TeacherSilent, match="budget"):
        ask(asking, "b")


def test_a_failure_is_silence_and_many_in_a_row_are_an_error(tmp_path: Path) -> None:
    model = ScriptedEngine([EngineError("timed out"), "fine", *[EngineError("gone")] * 20])
    asking = Asking(folder(tmp_path), model)
    with pytest.raises(TeacherSilent, match="timed out"):
        ask(asking, "a")
    assert ask(asking, "a")[0].text == "fine"
    for number in range(19):
        with pytest.raises(TeacherSilent):
            ask(asking, f"again {number}")
    with pytest.raises(RunError, match="20 times in a row"):
        ask(asking, "the last")
    assert ask(Answers(folder(tmp_path)), "a")[0].text == "fine"


def test_a_damaged_file_of_answers_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('["00", "x", "stop", 1, 1]\nnot json\n')
    with pytest.raises(RunError, match="line 2"):
        Answers(folder(tmp_path, answers="answers.jsonl"))
    with pytest.raises(RunError, match="cannot be read"):
        Answers(folder(tmp_path / "..", answers="nowhere.jsonl"))


def test_who_opens_a_file_that_another_makes_waits_for_it(tmp_path: Path) -> None:
    # SQLite answers at once that a file is locked while its journal changes: 2 of 3 runs of two workers failed so.
    with (tmp_path / "teacher.lock").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opening = pool.submit(Answers, folder(tmp_path))
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.5)
        fcntl.flock(lock, fcntl.LOCK_UN)
        opening.result(timeout=30).close()
