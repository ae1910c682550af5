"""When a fault happens, that nothing but the session decides it, and how a policy is said."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm import Result, Simulator
from gtm.errors import ConfigError, SessionError
from gtm.simulator.config import Config, load_faults
from gtm.simulator.faults import PRESETS, FaultRule
from gtm.simulator.session import Session
from gtm.types import Json
from gtm.world.store import Store
from tests.samples import pets

PETS = Simulator(pets(), model="scripted", cache=False)


def started(*rules: dict[str, Any], **options: Any) -> Session:
    return PETS.session(faults=rules, **options)


def kinds(results: list[Result]) -> list[str | None]:
    return [result.fault.kind if result.fault else None for result in results]


def listed(session: Session, times: int) -> list[str | None]:
    return kinds([session.call("listPets") for _ in range(times)])


@settings(max_examples=40, deadline=None)
@given(call=st.integers(1, 12), kind=st.sampled_from(["rate_limit", "timeout", "server_error", "unauthorized",
       "forbidden", "committed_timeout", "truncated", "schema_drift"]), seed=st.integers())  # fmt: skip
def test_a_fault_happens_exactly_on_the_call_it_was_asked_for(call: int, kind: str, seed: int) -> None:
    chance = {"kind": "timeout", "probability": 0.3}
    session = started(chance, {"kind": kind, "on_call": [call]}, seed=abs(seed) % 10**9)
    assert listed(session, call)[-1] == kind
    alone = started({"kind": kind, "on_call": [call]})
    assert listed(alone, call) == [*[None] * (call - 1), kind]


def test_a_schedule_counts_every_call_even_a_wrong_one() -> None:
    session = started({"kind": "timeout", "on_call": [4, 5]}, {"kind": "server_error", "on_tool_call": [3]})
    results = [session.call(*call) for call in (
        ("nope", {}), ("getPet", {"petId": "x"}), ("listPets", {}), ("getPet", {"petId": "x"}), ("listPets", {}),
        ("listPets", {}), ("getPet", {"petId": 1}), ("getPet", {"petId": 2}))]  # fmt: skip
    assert kinds(results) == [None, None, None, "timeout", "timeout", "server_error", "server_error", None]


def test_a_tools_own_calls_are_counted_over_snapshots_forks_saves_and_other_rules() -> None:
    rule = {"kind": "timeout", "on_tool_call": [3]}
    session = started(rule)
    session.call("listPets")
    session.call("getPet", {"petId": 1})
    start = session.snapshot()

    def rest(session: Session) -> list[str | None]:
        return listed(session, 3)

    expected = [None, "timeout", None]
    loaded = PETS.load_session(json.loads(json.dumps(session.dump())))
    assert rest(session.fork()) == rest(loaded) == rest(session) == expected
    session.restore(start)
    assert rest(session) == expected
    session.restore(start)
    session.set_faults([])
    session.call("listPets")
    session.set_faults([rule])
    assert listed(session, 2) == ["timeout", None]
    session.reset()
    session.set_faults([rule])
    assert listed(session, 3) == [None, None, "timeout"]


def test_what_holds_survives_snapshot_fork_and_save() -> None:
    rules: list[dict[str, Json]] = [
        {"kind": "rate_limit", "tools": ["listPets"], "on_call": [2], "retry_after": 40},
        {"kind": "schema_drift", "tools": ["getPet"], "on_call": [3]},
        {"kind": "unauthorized", "tools": ["createPet"], "on_call": [4], "cleared_by": ["deletePet"]},
    ]
    session = started(*rules)
    calls = [("listPets", {}), ("listPets", {}), ("getPet", {"petId": 5}), ("createPet", {"name": "x"})]
    for name, arguments in calls:
        session.call(name, arguments)
    copies = [session.fork(), PETS.load_session(json.loads(json.dumps(session.dump()))), session]
    seen = [[copy.call(name, arguments) for name, arguments in calls] for copy in copies]
    assert kinds(seen[0]) == ["rate_limit", "rate_limit", "schema_drift", "unauthorized"]
    assert seen[0] == seen[1] == seen[2]


def test_a_stored_session_goes_on_with_its_faults_in_another_process(tmp_path: Path) -> None:
    rules: list[dict[str, Json]] = [
        {"kind": "stale", "tools": ["getPet"], "on_tool_call": [2, 3]},
        {"kind": "rate_limit", "tools": ["listPets"], "on_call": [4], "retry_after": 100},
    ]
    made = [("createPet", {"name": "Rex", "status": "sold"}), ("updatePet", {"petId": 1001, "status": "available"})]
    calls = [*made, ("getPet", {"petId": 1001}), ("listPets", {}), ("getPet", {"petId": 1001}),
             ("listPets", {}), ("getPet", {"petId": 1001}), ("getPet", {"petId": 1001})]  # fmt: skip
    whole = started(*rules)
    expected = [whole.call(*call) for call in calls]
    assert kinds(expected) == [None, None, None, "rate_limit", "stale", "rate_limit", "stale", None]
    assert [expected[n].content["status"] for n in (2, 4, 6, 7)] == ["available", "sold", "sold", "available"]
    for call, result in zip(calls, expected, strict=True):
        store = Store(str(tmp_path / "sessions.db"))
        session = PETS.session(faults=rules, store=store, name="a")
        assert session.call(*call) == result
        session.close()
        store.close()


def test_a_condition_reads_the_arguments_and_says_when_it_cannot() -> None:
    session = started({"kind": "forbidden", "when": "args.limit > 10"})
    results = [session.call("listPets", arguments) for arguments in ({"limit": 11}, {"limit": 10}, {})]
    assert kinds(results) == ["forbidden", None, None]
    assert not results[1].warnings
    assert len(results[2].warnings) == 1 and "'forbidden' was left out" in results[2].warnings[0]
    assert session.call("listPets", [1]).error is not None


def run_all(session: Session, calls: int = 40) -> list[Result]:
    names: list[tuple[str, dict[str, Json]]] = [
        ("listPets", {}), ("createPet", {"name": "Rex"}), ("getPet", {"petId": 1001}),
        ("updatePet", {"petId": 1001, "name": "Ada"}), ("deletePet", {"petId": 3})]  # fmt: skip
    return [session.call(*names[index % 5]) for index in range(calls)]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_repeatable_and_another_seed_differs(name: str) -> None:
    one, two, other = (run_all(PETS.session(seed=seed, faults=name)) for seed in (5, 5, 6))
    assert one == two
    assert kinds(one) != kinds(other) or [r.delay_ms for r in one] != [r.delay_ms for r in other]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**9), at=st.integers(0, 20))
def test_a_fork_goes_on_as_the_session_does(seed: int, at: int) -> None:
    session = PETS.session(seed=seed, faults="hostile")
    run_all(session, at)
    fork = session.fork()
    assert run_all(fork, 15) == run_all(session, 15)


def test_presets_are_as_bad_as_they_are_called() -> None:
    def errors(name: str) -> int:
        return sum(
            bool(r.error and r.error.injected) for s in range(5) for r in run_all(PETS.session(seed=s, faults=name))
        )

    calm, flaky, hostile = (errors(name) for name in PRESETS)
    assert calm <= 8 < flaky < hostile


# How it is said


def test_a_policy_comes_by_name_from_a_file_or_from_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flaky.yaml").write_text("faults:\n- kind: timeout\n")
    Path("flaky").write_text("- kind: forbidden\n")
    assert load_faults("flaky") == PETS.session(faults="flaky").snapshot().faults
    assert [rule.kind for rule in load_faults("flaky.yaml")] == ["timeout"]
    assert Config.parse({"faults": "flaky"}).faults == load_faults("flaky")
    assert [rule.kind for rule in PETS.session(faults=Path("flaky.yaml")).snapshot().faults] == ["timeout"]
    with pytest.raises(ConfigError, match="calm, flaky, hostile"):
        load_faults("flakey")
    Path("odd.yaml").write_text("kind: timeout\n")
    with pytest.raises(ConfigError, match="holds no list"):
        load_faults("odd.yaml")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"kind": "gremlin"}, "kind"),
        ({"kind": "timeout", "tool": ["x"]}, "did you mean 'tools'"),
        ({"kind": "timeout", "tools": ["listPet"]}, "did you mean 'listPets'"),
        ({"kind": "unauthorized", "cleared_by": ["creatPet"]}, "did you mean 'createPet'"),
        ({"kind": "timeout", "probability": 1.5}, "probability"),
        ({"kind": "timeout", "probability": float("nan")}, "probability"),
        ({"kind": "rate_limit", "retry_after": -1}, "retry_after"),
        ({"kind": "rate_limit", "retry_after": float("inf")}, "retry_after"),
        ({"kind": "rate_limit", "retry_after": float("nan")}, "retry_after"),
        ({"kind": "timeout", "retry_after": 5}, "'retry_after' is not for 'timeout'"),
        ({"kind": "rate_limit", "limit": 5}, "go together"),
        ({"kind": "rate_limit", "limit": 5, "per": 60, "on_call": [1]}, "takes no"),
        ({"kind": "server_error", "status": 404}, "status"),
        ({"kind": "timeout", "on_call": [0]}, "on_call"),
        ({"kind": "timeout", "on_call": [1], "on_tool_call": [1]}, "two rules"),
        ({"kind": "latency"}, "how long"),
        ({"kind": "latency", "delay": {"ms": 1e9}}, "delay.ms"),
        ({"kind": "latency", "delay": {"distribution": "normal", "ms": 5}}, "mean_ms and std_ms"),
        ({"kind": "latency", "delay": {"distribution": "uniform", "min_ms": 5, "max_ms": 1}}, "above"),
        ({"kind": "timeout", "when": "args.limit >"}, "args.limit >"),
        ({"kind": "timeout", "when": "world.x"}, "world"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_reason(rule: dict[str, Json], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PETS.session(faults=[rule])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rules_are_at_most_a_hundred() -> None:
    with pytest.raises(ConfigError, match="100"):
        PETS.session(faults=[{"kind": "timeout"}] * 101)
    assert len(PETS.session(faults=[FaultRule(kind="timeout")] * 100).snapshot().faults) == 100


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "5", True, 1e30])
def test_the_clock_moves_on_by_a_sensible_number(seconds: Any) -> None:
    session = PETS.session()
    with pytest.raises(SessionError, match="clock"):
        session.advance(seconds)
    session.advance(0)
    session.advance(90)
    session.call("listPets")
    assert session.turns[0].time == "2025-06-02T09:01:30Z"


def test_faults_of_a_running_session_are_replaced_and_saved() -> None:
    session = PETS.session()
    session.call("listPets")
    session.set_faults([{"kind": "timeout"}])
    assert session.call("listPets").status == 504
    assert PETS.load_session(json.loads(json.dumps(session.dump()))).call("listPets").status == 504
    with pytest.raises(ConfigError):
        session.set_faults([{"kind": "timeout", "tools": ["x"]}])
    session.set_faults("calm")
    assert not session.call("listPets").is_error


def test_many_rules_and_calls_stay_cheap() -> None:
    session = started(*({"kind": "timeout", "on_tool_call": [10**5], "message": str(n)} for n in range(100)))

    def hundred_calls() -> float:
        began = time.perf_counter()
        listed(session, 100)
        return time.perf_counter() - began

    assert min(hundred_calls() for _ in range(5)) < 1.0
