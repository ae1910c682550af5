"""Each kind of fault as an agent meets it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm import Result, Simulator, Tool, Toolset
from gtm.simulator.session import Session
from gtm.simulator.validation import compile_validator
from gtm.types import Json
from tests.samples import PET, notes, pets

PETS = Simulator(pets(), model="scripted", cache=False)
NOTES = Simulator(notes(), model="scripted", cache=False)


def started(*rules: dict[str, Any], simulator: Simulator = PETS, **options: Any) -> Session:
    return simulator.session(faults=rules, **options)


def kinds(results: list[Result]) -> list[str | None]:
    return [result.fault.kind if result.fault else None for result in results]


def listed(session: Session, times: int) -> list[str | None]:
    return kinds([session.call("listPets") for _ in range(times)])


def error(result: Result) -> tuple[str, bool, bool]:
    assert result.error is not None and result.is_error and result.fault is not None
    assert result.provenance == {"": "computed"}
    assert (result.fault.kind, result.fault.solvable) == (result.error.kind, result.error.solvable)
    return result.error.kind, result.error.injected, result.error.solvable


def test_without_rules_a_result_says_nothing_of_faults() -> None:
    result = PETS.session().call("listPets")
    assert "fault" not in result.model_dump()
    assert "delay_ms" not in result.model_dump()


# What each kind does


@pytest.mark.parametrize(
    ("rule", "status", "solvable"),
    [
        ({"kind": "rate_limit"}, 429, True),
        ({"kind": "timeout"}, 504, False),
        ({"kind": "timeout", "on_call": [1]}, 504, True),
        ({"kind": "timeout", "when": "args.limit > 1"}, 504, True),
        ({"kind": "server_error", "probability": 0.999999}, 503, True),
        ({"kind": "server_error", "status": 507}, 507, False),
        ({"kind": "unauthorized"}, 401, False),
        ({"kind": "unauthorized", "clears_after": 60}, 401, True),
        ({"kind": "unauthorized", "cleared_by": ["createPet"]}, 401, True),
        ({"kind": "forbidden"}, 403, False),
        ({"kind": "committed_timeout"}, 504, True),
    ],
)
def test_an_error_has_its_status_and_says_whether_it_can_be_solved(
    rule: dict[str, Json], status: int, solvable: bool
) -> None:
    result = started(rule).call("listPets", {"limit": 2})
    assert error(result) == (rule["kind"], True, solvable)
    assert result.status == status


def test_an_error_reads_as_the_tool_documents_it_and_as_the_rule_says() -> None:
    told = started({"kind": "rate_limit", "message": "Slow down, {retry_after} s", "retry_after": 3})
    assert json.loads(told.call("listPets").text)["detail"] == "Slow down, 3 s"
    function = started({"kind": "server_error"}, simulator=NOTES).call("get_note", {"note_id": "1"})
    assert function.content == {
        "error": {"code": "server_error", "message": "The service is temporarily unavailable"}
    }


def test_a_rate_limit_holds_until_the_clock_has_passed_it() -> None:
    session = started({"kind": "rate_limit", "on_call": [2], "retry_after": 20, "tools": ["list*", "get*"]})
    results = [session.call(name, arguments) for name, arguments in (
        ("listPets", {}), ("listPets", {}), ("getPet", {"petId": 1}), ("createPet", {"name": "Rex"}),
        ("listPets", {}), ("listPets", {}))]  # fmt: skip
    assert kinds(results) == [None, "rate_limit", "rate_limit", None, None, None]
    assert [r.error.retry_after for r in results if r.error] == [20, 13]
    assert "retry after 13 seconds" in results[2].text


def test_waiting_as_long_as_told_lifts_a_limit() -> None:
    session = started({"kind": "rate_limit", "retry_after": 3600})
    first = session.call("listPets")
    assert first.error is not None and first.error.retry_after == 3600
    session.advance(first.error.retry_after / 2)
    assert session.call("listPets").is_error
    session.advance(first.error.retry_after / 2)
    assert listed(session, 10) == [None] * 10


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), wait=st.floats(0, 500))
def test_the_call_after_a_limit_by_chance_gets_through(seed: int, wait: float) -> None:
    session = started({"kind": "rate_limit", "probability": 0.7, "retry_after": wait}, seed=seed)
    for _ in range(5):
        result = session.call("listPets")
        if result.error is not None and result.error.retry_after is not None:
            session.advance(result.error.retry_after)
            assert not session.call("listPets").is_error


def test_a_quota_allows_so_many_calls_in_any_window() -> None:
    session = started({"kind": "rate_limit", "limit": 3, "per": 60})
    refused: list[bool] = []
    for call in range(40):
        result = session.call("listPets")
        refused.append(result.is_error)
        if result.error is not None:
            # The oldest of the last three calls that were let through leaves the window then.
            let_through = [7 * index for index, was in enumerate(refused) if not was]
            assert result.error.retry_after == let_through[-3] + 60 - 7 * call
    times = [7 * index for index, was in enumerate(refused) if not was]
    assert refused[:4] == [False, False, False, True]
    assert all(late - early >= 60 for early, late in zip(times, times[3:], strict=False))
    assert len(times) > 12


def test_expired_credentials_come_back_with_time_by_login_or_never() -> None:
    forever = started({"kind": "unauthorized", "on_call": [2]})
    assert listed(forever, 5) == [None, *["unauthorized"] * 4]
    forever.advance(1e6)
    assert forever.call("listPets").status == 401
    timed = started({"kind": "unauthorized", "on_call": [1], "clears_after": 15})
    assert listed(timed, 5) == [*["unauthorized"] * 3, None, None]
    login = started({"kind": "unauthorized", "cleared_by": ["createPet"], "on_call": [1, 6]})
    assert listed(login, 2) == ["unauthorized"] * 2
    assert login.call("createPet", {"name": 3}).is_error
    assert listed(login, 1) == ["unauthorized"]
    assert not login.call("createPet", {"name": "token"}).is_error
    assert listed(login, 2) == ["unauthorized", "unauthorized"]
    always = started({"kind": "unauthorized", "cleared_by": ["create*"]})
    assert listed(always, 2) == ["unauthorized"] * 2
    always.call("createPet", {"name": "token"})
    assert listed(always, 5) == [None] * 5


def test_a_denied_tool_stays_denied_and_others_do_not() -> None:
    session = started({"kind": "forbidden", "on_call": [1]})
    assert listed(session, 2) == ["forbidden"] * 2
    session.advance(1e6)
    assert [session.call("createPet", {"name": "x"}).is_error, session.call("listPets").is_error] == [False, True]


def test_a_committed_timeout_loses_the_answer_and_keeps_the_write() -> None:
    session = started({"kind": "committed_timeout", "on_tool_call": [1]}, world="closed")
    lost = session.call("createPet", {"name": "Rex"})
    assert error(lost) == ("committed_timeout", True, True)
    assert lost.text.count("timed out") == 1
    assert [pet["name"] for pet in started(world="closed").call("listPets").content] == []
    session.call("listPets")
    assert [pet["name"] for pet in session.call("listPets").content] == ["Rex"]


def test_a_stale_read_shows_the_world_before_its_last_write_and_changes_nothing() -> None:
    session = started({"kind": "stale", "tools": ["getPet", "listPets"], "on_tool_call": [2]})
    key = session.call("createPet", {"name": "Rex", "status": "available"}).content["id"]
    session.call("updatePet", {"petId": key, "status": "sold"})
    one = [session.call("getPet", {"petId": key}) for _ in range(3)]
    assert [result.content["status"] for result in one] == ["sold", "available", "sold"]
    assert kinds(one) == [None, "stale", None]
    assert not one[1].is_error
    new = session.call("createPet", {"name": "Ada"}).content["id"]
    many = [[pet["id"] for pet in session.call("listPets").content] for _ in range(3)]
    assert [new in keys for keys in many] == [True, False, True]
    assert many[0] == many[2]


def test_a_stale_read_of_a_new_thing_does_not_find_it_and_is_labelled() -> None:
    session = started({"kind": "stale", "tools": ["getPet"], "on_call": [2]})
    key = session.call("createPet", {"name": "Rex"}).content["id"]
    result = session.call("getPet", {"petId": key})
    assert result.error is not None
    assert (result.error.kind, result.error.injected) == ("not_found", True)
    assert kinds([result]) == ["stale"]
    assert session.call("getPet", {"petId": key}).content["name"] == "Rex"


def test_a_partial_answer_lacks_items_or_optional_fields_and_is_still_valid() -> None:
    schema = {"type": "array", "items": PET}
    for seed in range(10):
        session = started({"kind": "partial", "tools": ["listPets", "getPet"]}, seed=seed, world="closed")
        keys = [session.call("createPet", {"name": f"n{n}", "tags": ["a"]}).content["id"] for n in range(5)]
        result = session.call("listPets")
        assert kinds([result]) == ["partial"]
        assert len(result.content) < 5
        assert compile_validator(schema).is_valid(result.content)
        assert json.loads(result.text) == result.content
        assert all(int(pointer.split("/")[1]) < len(result.content) for pointer in result.provenance)
        pet = session.call("getPet", {"petId": keys[0]})
        assert compile_validator(PET).is_valid(pet.content)
        assert pet.fault is not None and pet.content != PETS.session().call("getPet", {"petId": keys[0]}).content
        session.set_faults([])
        assert len(session.call("listPets").content) == 5


def test_a_truncated_answer_ends_in_the_middle() -> None:
    session = started({"kind": "truncated", "on_call": [2]})
    whole = session.call("createPet", {"name": "Rex"})
    got = session.call("getPet", {"petId": whole.content["id"]})
    assert got.content == got.text
    assert 0 < len(got.text) < len(whole.text)
    assert session.call("getPet", {"petId": whole.content["id"]}).text.startswith(got.text)
    with pytest.raises(ValueError, match="line 1"):
        json.loads(got.text)
    assert got.fault is not None and "characters" in got.fault.detail


def test_truncated_and_partial_text_tools() -> None:
    toolset = Toolset(name="m", kind="mcp", tools=(Tool(name="motivate", description="Say something kind."),))
    simulator = Simulator(toolset, model="scripted", cache=False)
    plain = simulator.session().call("motivate").text
    cut = started({"kind": "truncated"}, simulator=simulator).call("motivate")
    assert plain.startswith(cut.text) and len(cut.text) < len(plain)
    left = started({"kind": "partial"}, simulator=simulator).call("motivate")
    assert (left.text, left.fault) == (plain, None)
    assert left.warnings == ("the fault 'partial' was left out: the answer is plain text",)
    documents = Simulator(notes().model_copy(update={"kind": "mcp"}), model="scripted", cache=False)
    session = started({"kind": "partial", "tools": ["get_note"]}, simulator=documents)
    made = session.call("create_note", {"note_id": "n1", "title": "Milk", "body": "two"})
    got = session.call("get_note", {"note_id": "n1"})
    assert isinstance(got.content, str) and got.content == got.text
    assert json.loads(got.text).items() < json.loads(made.text).items()
    function = started({"kind": "partial", "tools": ["get_note"]}, simulator=NOTES)
    function.call("create_note", {"note_id": "n1", "title": "Milk"})
    assert kinds([function.call("get_note", {"note_id": "n1"})]) == ["partial"]


def test_a_drift_is_the_same_for_the_tool_from_then_on() -> None:
    seen = set()
    for seed in range(12):
        session = started({"kind": "schema_drift", "tools": ["getPet"], "on_call": [3]}, seed=seed)
        plain = session.call("createPet", {"name": "Rex", "tags": ["a"]}).content
        results = [session.call("getPet", {"petId": plain["id"]}) for _ in range(4)]
        assert kinds(results) == [None, *["schema_drift"] * 3]
        assert results[0].content == plain
        assert results[1].content != plain
        assert len({result.text for result in results[1:]}) == 1
        assert len({result.fault.detail for result in results[1:] if result.fault}) == 1
        other = session.call("getPet", {"petId": session.call("createPet", {"name": "Ada"}).content["id"]})
        assert other.fault == results[1].fault or not other.fault
        seen.add(str(results[1].fault.detail if results[1].fault else "").split("' ")[1].split()[0])
        assert {p.split("/")[1] for p in results[1].provenance} <= results[1].content.keys()
    assert seen == {"is", "has"}


def test_latency_goes_with_any_answer_and_other_faults() -> None:
    delay = {"distribution": "uniform", "min_ms": 10, "max_ms": 20}
    session = started({"kind": "latency", "delay": delay}, {"kind": "timeout", "on_call": [2]})
    results = [session.call("listPets") for _ in range(3)]
    assert kinds(results) == ["latency", "timeout", "latency"]
    delays = [result.delay_ms for result in results]
    assert all(value is not None and 10 <= value <= 20 for value in delays)
    assert len(set(delays)) == 3
    two = started({"kind": "latency", "delay": {"ms": 5}}, {"kind": "latency", "delay": {"ms": 7.5}})
    assert two.call("listPets").delay_ms == 12.5


@pytest.mark.parametrize(
    ("delay", "low", "high", "mean"),
    [
        ({"ms": 40}, 40, 40, 40),
        ({"distribution": "uniform", "min_ms": 0, "max_ms": 100}, 0, 100, 50),
        ({"distribution": "normal", "mean_ms": 100, "std_ms": 20}, 0, 200, 100),
        ({"distribution": "normal", "mean_ms": 0, "std_ms": 1000, "at_most_ms": 1}, 0, 1, 0.5),
        ({"distribution": "lognormal", "median_ms": 100, "sigma": 0.5}, 1, 2000, 113),
        ({"distribution": "exponential", "mean_ms": 100}, 0, 2000, 100),
        ({"distribution": "exponential", "mean_ms": 0}, 0, 0, 0),
    ],
)
def test_a_delay_follows_its_distribution(delay: dict[str, Json], low: float, high: float, mean: float) -> None:
    session = started({"kind": "latency", "delay": delay})
    drawn = [session.call("getPet", {"petId": 1}).delay_ms or 0 for _ in range(400)]
    assert low <= min(drawn) <= max(drawn) <= high
    assert sum(drawn) / len(drawn) == pytest.approx(mean, rel=0.2)


def test_waiting_is_real_and_changes_no_byte() -> None:
    def run(wait: bool) -> tuple[bytes, float]:
        session = started({"kind": "latency", "delay": {"ms": 300}, "wait": wait, "on_call": [2]})
        began = time.perf_counter()
        for _ in range(3):
            session.call("listPets")
        return session.episode.comparable(), time.perf_counter() - began

    told, quick = run(False)
    waited, slow = run(True)
    assert told == waited
    assert quick < 0.3 <= slow
