"""A run's folder: appended unit by unit, gone on with, refused for another configuration; nothing left out unsaid."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gtm.engines.base import Completion, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError, RunError, SpecError
from gtm.eval.bench import make_bench
from gtm.eval.candidates import Engines
from gtm.eval.folder import Folder, RunConfig, check_scores, read_run
from gtm.eval.items import Families, Items
from gtm.eval.records import Candidate, Score
from gtm.eval.run import Bench, run
from gtm.eval.suites.format import FormatSuite
from gtm.eval.suites.speed import SpeedSuite
from tests.eval.made import ITEMS, PETS, TOOLSETS

CONFIG = RunConfig(
    suites=("format",), candidates=("simulator:scripted",), data="made", prompt_version="1", version="0"
)


class Fake:
    """A suite of the test's own."""

    name = "format"
    at_once = 2

    def __init__(self, names: Sequence[str], measure: Callable[[str], float]) -> None:
        self.names = names
        self.measured: list[str] = []
        self._measure = measure

    def units(self, candidate: str) -> Sequence[str]:
        return self.names

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        self.measured.append(unit)
        values = {"good": self._measure(unit)}
        return [Score(suite="format", candidate=candidate.name, item=unit, family="f", step=0, values=values)]


def bench(*suites: object, engines: Engines | None = None, **excluded: str) -> Bench:
    return Bench(suites, engines or Engines(), lambda toolset: (), excluded)  # type: ignore[arg-type]


async def carry_out(path: Path, made: Bench, config: RunConfig = CONFIG) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    with Folder(path, config) as folder:
        await run(made, folder, lambda done, total: told.append((done, total)))
    return told


async def test_a_run_says_how_far_it_is_and_keeps_a_line_a_unit(tmp_path: Path) -> None:
    told = await carry_out(tmp_path, bench(FormatSuite(ITEMS, TOOLSETS, 0)))
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)
    [lines] = (tmp_path / "items").glob("format.*.jsonl")
    assert len(lines.read_text().splitlines()) == 3
    _, scores, exclusions = read_run(tmp_path)
    assert [(score.item, score.step) for score in scores[:4]] == [
        ("session-1", 0), ("session-1", 1), ("session-1", 2), ("session-2", 0)
    ]  # fmt: skip
    assert all(score.values["result_valid"] == 1.0 for score in scores if score.step < 2)
    assert exclusions == []


async def test_a_run_that_was_killed_measures_no_unit_twice(tmp_path: Path) -> None:
    def fail(unit: str) -> float:
        if unit == "c":
            raise EngineError("the server is gone")
        return 1.0

    with pytest.raises(EngineError, match="gone"):
        await carry_out(tmp_path, bench(Fake("abcd", fail)))
    [lines] = (tmp_path / "items").glob("*.jsonl")
    done = {score.item for score in read_run(tmp_path)[1]}
    assert {"a", "b"} <= done
    with lines.open("ab") as file:
        file.write(b'{"unit":"d","sco')
    again = Fake("abcd", lambda unit: 1.0)
    told = await carry_out(tmp_path, bench(again))
    assert sorted(again.measured) == sorted(set("abcd") - done)
    assert told[-1] == (4, 4)
    assert [score.item for score in read_run(tmp_path)[1]] == list("abcd")


async def test_a_folder_of_another_configuration_is_refused(tmp_path: Path) -> None:
    await carry_out(tmp_path, bench(Fake("a", lambda unit: 1.0)))
    with pytest.raises(RunError, match=r"another configuration \(it differs in limit, seed\)"):
        Folder(tmp_path, CONFIG.model_copy(update={"seed": 1, "limit": 7}))


def test_two_processes_do_not_write_one_run(tmp_path: Path) -> None:
    with Folder(tmp_path, CONFIG), pytest.raises(RunError, match="another process"):
        Folder(tmp_path, CONFIG)


async def test_what_cannot_be_measured_is_left_out_by_name(tmp_path: Path) -> None:
    def measure(unit: str) -> float:
        if unit == "b":
            raise SpecError("the schema is unusable")
        return float("nan") if unit == "c" else 1.0

    await carry_out(tmp_path, bench(Fake("abc", measure)))
    _, scores, exclusions = read_run(tmp_path)
    assert [score.item for score in scores] == ["a"]
    assert [(one.unit, one.reason) for one in exclusions] == [
        ("b", "SpecError: the schema is unusable"),
        ("c", "the metric 'good' is not a finite number"),
    ]


async def test_an_empty_suite_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"'format' has nothing to measure.*1 items were left out, the first, 'x'"):
        await carry_out(tmp_path, bench(FormatSuite({}, TOOLSETS, 0), x="it was cut"))


def test_a_run_without_scores_has_no_report(tmp_path: Path) -> None:
    with Folder(tmp_path, CONFIG):
        pass
    with pytest.raises(RunError, match="has no scores"):
        check_scores(read_run(tmp_path)[1], tmp_path)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run of 'gtm eval run'"):
        read_run(tmp_path)
    with Folder(tmp_path / "run", CONFIG) as folder:
        (folder.path / "items" / "format.simulator_scripted-1.jsonl").write_text("x")
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        read_run(tmp_path / "run")


async def test_a_damaged_line_is_no_silence(tmp_path: Path) -> None:
    await carry_out(tmp_path, bench(Fake("ab", lambda unit: 1.0)))
    [lines] = (tmp_path / "items").glob("*.jsonl")
    lines.write_text(lines.read_text().replace('"good"', "good", 1))
    with pytest.raises(RunError, match="line 1 is damaged"):
        read_run(tmp_path)


async def test_a_model_that_answers_nothing_is_counted_as_that(tmp_path: Path) -> None:
    engines = Engines(lambda model: ScriptedEngine(lambda request: "", raw=True))
    config = CONFIG.model_copy(update={"candidates": ("free:mute",)})
    await carry_out(tmp_path, bench(FormatSuite(ITEMS, TOOLSETS, 0), engines=engines), config)
    _, scores, _ = read_run(tmp_path)
    assert len(scores) == 9
    assert all(score.values["answered"] == 0.0 and score.counts == {"failed: nothing": 1} for score in scores)
    assert all(score.values["result_valid"] == 0.0 for score in scores)


async def test_two_runs_of_the_same_thing_give_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        await carry_out(tmp_path / name, bench(FormatSuite(ITEMS, TOOLSETS, 0)))
        texts.append([score.model_dump_json() for score in read_run(tmp_path / name)[1]])
    assert texts[0] == texts[1]


async def test_speed_stands_beside_the_engine_alone(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"suites": ("speed",)})
    await carry_out(tmp_path, bench(SpeedSuite(ITEMS, TOOLSETS, 0)), config)
    _, scores, _ = read_run(tmp_path)
    values = {name: value for score in scores for name, value in score.values.items()}
    for in_flight in (1, 8, 32):
        assert values[f"calls_per_second_{in_flight}"] > 0
        assert values[f"p50_ms_{in_flight}"] <= values[f"p95_ms_{in_flight}"]
        assert values[f"engine_calls_per_second_{in_flight}"] > values[f"calls_per_second_{in_flight}"]


class Fickle:
    """An engine that never writes the same twice."""

    name = "fickle"

    def __init__(self, counter: "itertools.count[int]") -> None:
        self._counter = counter

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        numbers = [next(self._counter) for _ in requests]
        return [Completion(f'{{"id": {number}}}' if number % 2 else "prose") for number in numbers]

    async def aclose(self) -> None:
        pass


async def test_what_an_engine_wrote_is_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    config = CONFIG.model_copy(update={"candidates": ("free:fickle",)})
    counter = itertools.count()
    texts, asked = [], []
    for name in ("one", "two"):
        engines = Engines(lambda model: Fickle(counter))
        await carry_out(tmp_path / name, bench(FormatSuite(ITEMS, TOOLSETS, 0), engines=engines), config)
        await engines.aclose()
        texts.append([score.model_dump_json() for score in read_run(tmp_path / name)[1]])
        asked.append(next(counter))
    assert texts[0] == texts[1]
    assert asked[1] == asked[0] + 1  # the count itself


async def test_determinism_asks_the_engine_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("gtm.eval.suites.determinism.WAYS", ("repeat", "fresh"))
    engines = Engines(lambda model: Fickle(itertools.count()))
    config = CONFIG.model_copy(update={"suites": ("format", "determinism"), "candidates": ("free:fickle",)})
    items = Items(Families(), list(ITEMS.values()))
    items.families.take(PETS.model_copy(update={"name": "pets.example"}))
    made = make_bench(config, items, items.items, engines)
    await carry_out(tmp_path / "run", made, config)
    scores = [score for score in read_run(tmp_path / "run")[1] if score.suite == "determinism"]
    same = {name: [s.values[name] for s in scores if name in s.values] for name in ("same_repeat", "same_fresh")}
    assert [0.0 in values for values in same.values()] == [True, True]
