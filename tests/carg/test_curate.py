import json
from pathlib import Path

import pytest

from gtm.carg.balance import Cap
from gtm.carg.check import CheckStage
from gtm.carg.curate import CurateConfig, CurateStage
from gtm.carg.folder import RunFolder
from gtm.carg.records import Called, Row, Session
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError
from gtm.types import Json
from tests.carg.made import DEV, TEST, TRAIN, Asked, carried_out, life, run, run_folder, told

ALL = CurateConfig(errors=(0, 1), near=0)


def curated(path: Path, sessions: list[Session], config: CurateConfig = ALL) -> tuple[list[Row], dict[str, int]]:
    folder = run_folder(path, sessions, config)
    counts = run(folder, CheckStage())
    run(folder, CurateStage())
    return list(folder.every(Row, "curate", "curate")), counts


def with_call(session: Session, at: int, **changes: Json) -> Session:
    """The session with one call changed."""
    calls = list(session.calls)
    calls[at] = calls[at].model_copy(update=changes)
    return session.model_copy(update={"calls": tuple(calls)})


def answering(call: Called, **fields: Json) -> dict[str, Json]:
    """A call's result with other fields in its content."""
    content = {**call.result.content, **fields}
    return {"result": call.result.model_copy(update={"content": content, "text": json.dumps(content)})}


def test_a_sound_session_becomes_rows_that_say_where_they_belong(tmp_path: Path) -> None:
    rows, counts = curated(tmp_path, [life("a", TRAIN[0])])
    assert [row.step for row in rows] == [0, 1, 2, 3, 4, 5]
    assert {(row.steps, row.split, row.domain, row.repeat) for row in rows} == {
        (6, "train", "commerce/pet_shops", False)
    }
    assert rows[1].tool_id == f"{TRAIN[0]}/get_pet"
    assert not [name for name in counts if name.startswith("dropped")]


@pytest.mark.parametrize(
    ("at", "reason", "change"),
    [
        (1, "schema", lambda call: answering(call, status="lost")),
        (2, "echo", lambda call: answering(call, status="available")),
        (0, "mended", lambda call: answering(call, note="another note")),
        (1, "placeholder", lambda call: answering(call, note="YOUR_NOTE")),
        (1, "placeholder", lambda call: answering(call, note="string")),
        (1, "placeholder", lambda call: answering(call, note="{id}")),
        (1, "state", lambda call: answering(call, name="Somebody else")),
        (3, "totals", lambda call: answering(call, total=0)),
        (1, "truncated", lambda call: {"trimmed": True, "written": None}),
        (
            1,
            "false_error",
            lambda call: {"expect_error": False, "result": call.result.model_copy(update={"is_error": True})},
        ),
        (1, "no_error", lambda call: {"expect_error": True}),
        (1, "too_long", lambda call: answering(call, note="word " * 2000)),
    ],
)
def test_a_planned_session_ends_before_its_first_call_that_is_no_example(
    tmp_path: Path, at: int, reason: str, change: object
) -> None:
    good = life("a", TRAIN[0])
    assert callable(change)
    bad = with_call(good, at, **change(good.calls[at]))
    rows, counts = curated(tmp_path, [bad])
    assert len(rows) == at
    assert {row.steps for row in rows} <= {at}
    assert sum(n for name, n in counts.items() if name.startswith(f"dropped/{reason}/")) == 1
    assert sum(n for name, n in counts.items() if name.startswith("dropped/follows/")) == 5 - at


def test_a_deleted_thing_that_is_read_again_is_no_example(tmp_path: Path) -> None:
    good = life("a", TRAIN[0])
    undead = with_call(good, 5, result=good.calls[1].result, expect_error=None)
    rows, counts = curated(tmp_path, [undead])
    assert (len(rows), counts["dropped/state/code"]) == (5, 1)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("create_pet", {"name": "[redacted]"}), ("get_pet", {"petId": "[redacted]"})],
)
def test_a_refusal_of_a_secret_that_is_shown_no_more_is_no_example(
    tmp_path: Path, tool: str, arguments: dict[str, Json]
) -> None:
    good = carried_out("a", TRAIN[0], [Asked("get_pet", {"petId": "x"}, "wrong", "type", True)])
    _, counts = curated(tmp_path, [with_call(good, 0, tool=tool, arguments=arguments)])
    assert counts["dropped/unexplained/code"] == 1


def test_what_a_teacher_left_to_code_is_no_example(tmp_path: Path) -> None:
    good = life("a", TRAIN[0])
    result = good.calls[0].result
    filled = result.model_copy(update={"provenance": {**result.provenance, "/note": "default"}})
    _, counts = curated(tmp_path, [with_call(good, 0, origin="teacher", result=filled)])
    assert counts["dropped/filled/teacher"] == 1


def test_a_target_that_its_shape_does_not_keep_is_no_example(tmp_path: Path) -> None:
    good = life("a", TRAIN[0])
    written = good.calls[0].written
    assert written is not None
    broken = written.model_copy(update={"target": written.target[:-1]})
    _, counts = curated(tmp_path, [with_call(good, 0, written=broken)])
    assert counts["dropped/shape/values"] == 1


def test_real_sessions_lose_bad_calls_alone_and_are_masked_throughout(tmp_path: Path) -> None:
    calls = [
        ("get_pet", {"petId": 1}, {"id": 1, "owner": "ada@lovelace.org"}),
        ("get_pet", {"petId": 2}, "word " * 3000),
        ("get_pet", {"petId": 3}, {"id": 3, "owner": "ada@lovelace.org"}),
    ]
    rows, counts = curated(tmp_path, [told("r", TRAIN[0], calls)])
    assert [(row.step, row.steps) for row in rows] == [(0, 2), (1, 2)]
    assert counts["dropped/too_long/recorded"] == 1
    assert counts["odd/schema/recorded"] == 2
    owners = {row.call.result.content["owner"] for row in rows}
    assert len(owners) == 1
    assert owners.pop().endswith("@example.com")
    assert all(row.call.written and "lovelace" not in row.call.written.target for row in rows)


def test_a_planned_session_with_personal_data_is_dropped_for_its_ids_follow_from_its_arguments(
    tmp_path: Path,
) -> None:
    session = carried_out("a", TRAIN[0], [Asked("create_pet", {"name": "ada@lovelace.org"})])
    rows, counts = curated(tmp_path, [session])
    assert rows == []
    assert counts["dropped/personal/values"] == 1


def test_what_was_only_drawn_by_name_and_format_stays(tmp_path: Path) -> None:
    session = carried_out("a", TRAIN[0], [Asked("create_pet", {"name": "Rex", "password": "lasting anchor"})])
    call = session.calls[0].model_copy(update={"arguments": {"name": "Rex", "password": "lasting anchor"}})
    rows, counts = curated(tmp_path, [session.model_copy(update={"calls": (call,)})])
    assert [row.call.arguments["password"] for row in rows] == ["lasting anchor"]
    assert "dropped/personal/values" not in counts


def test_equal_rows_are_one_example_but_stay_where_others_follow(tmp_path: Path) -> None:
    wrong = Asked("get_pet", {"petId": "x"}, "wrong", "type", True)
    sessions = [
        carried_out("a", TRAIN[0], [wrong]),
        carried_out("b", TRAIN[0], [wrong]),
        carried_out("c", TRAIN[0], [wrong, Asked("create_pet", {"name": "Rex"})]),
        carried_out("d", TRAIN[1], [wrong]),
    ]
    rows, _ = curated(tmp_path, sessions)
    assert [(row.session, row.repeat) for row in rows] == [("a", False), ("c", True), ("c", False), ("d", False)]


def test_rows_of_an_evaluation_file_are_dropped_by_words_and_by_call(tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(20))
    evaluation = tmp_path / "held.jsonl"
    evaluation.write_text(
        json.dumps({"task": f"before {text} after"})
        + "\n"
        + json.dumps({"calls": [{"name": "get_pet", "arguments": {"petId": 9}}]})
        + "\n"
    )
    calls = [
        ("get_pet", {"petId": 1}, {"said": text}),
        ("get_pet", {"petId": 9}, {"id": 9}),
        ("get_pet", {"petId": 8}, {"id": 8}),
    ]
    config = CurateConfig(errors=(0, 1), near=0, evaluation=(str(evaluation),))
    rows, counts = curated(tmp_path / "run", [told("r", TRAIN[0], calls)], config)
    assert [row.call.arguments for row in rows] == [{"petId": 8}]
    assert counts["dropped/evaluation/recorded"] == 2


def test_an_evaluation_file_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    config = CurateConfig(evaluation=("missing.jsonl",))
    folder = run_folder(tmp_path, [life("a", TRAIN[0])], config)
    with pytest.raises(ConfigError, match=r"missing.jsonl.*curate.evaluation"):
        run(folder, CheckStage())


def test_a_cap_drops_whole_planned_sessions_and_no_real_ones(tmp_path: Path) -> None:
    sessions = [carried_out(f"s{n}", TRAIN[0], [Asked("create_pet", {"name": f"Rex {n}"})]) for n in range(8)]
    sessions.append(told("r", TRAIN[0], [("create_pet", {"name": f"Ada {n}"}, {"id": n}) for n in range(8)]))
    config = CurateConfig(errors=(0, 1), near=0, caps=(Cap(by=("tool",), most=3),))
    rows, _ = curated(tmp_path, sessions, config)
    assert sum(row.call.kind == "recorded" for row in rows) == 8
    assert sum(row.call.kind != "recorded" for row in rows) == 3


@pytest.mark.parametrize(("wrong", "right"), [(10, 10), (2, 38)])
def test_the_share_of_errors_is_brought_within_its_limits(tmp_path: Path, wrong: int, right: int) -> None:
    sessions = [
        carried_out(f"w{n}", TRAIN[0], [Asked("get_pet", {"petId": f"x{n}y"}, "wrong", "type", True)])
        for n in range(wrong)
    ]
    sessions += [carried_out(f"s{n}", TRAIN[0], [Asked("create_pet", {"name": f"Rex {n}"})]) for n in range(right)]
    rows, _ = curated(tmp_path, sessions, CurateConfig(near=0))
    share = sum(row.call.result.is_error for row in rows) / len(rows)
    assert 0.12 <= share <= 0.20


def test_a_row_of_train_that_is_nearly_one_of_test_or_dev_is_dropped(tmp_path: Path) -> None:
    said = {"text": " ".join(f"word{n}" for n in range(60))}
    sessions = [
        told(
            f"r {family}",
            family,
            [("get_pet", {"petId": 1}, {**said, "of": family}), ("get_pet", {"petId": 2}, family)],
        )
        for family in (TRAIN[0], DEV, TEST)
    ]
    rows, _ = curated(tmp_path, sessions, CurateConfig(errors=(0, 1)))
    assert [row.split for row in rows if row.call.arguments == {"petId": 1}] == ["test"]
    assert sorted(row.split for row in rows if row.call.arguments == {"petId": 2}) == ["dev", "test", "train"]


def test_the_rows_do_not_depend_on_restarts(tmp_path: Path) -> None:
    sessions = [life(f"l{n}", family, seed=n) for family in (*TRAIN, DEV, TEST) for n in range(2)]
    config = CurateConfig(errors=(0, 1))
    whole = run_folder(tmp_path / "whole", sessions, config)
    run(whole, CheckStage(), CurateStage())
    broken = run_folder(tmp_path / "broken", sessions, config)
    run(broken, CheckStage())
    _stop_after_one(broken)
    run(broken, CurateStage())
    assert whole.rows("curate").read_bytes() == broken.rows("curate").read_bytes()


def _stop_after_one(folder: RunFolder) -> None:
    class Stopping(CurateStage):
        def work(self, folder: RunFolder, unit: object) -> object:  # type: ignore[override]
            if folder.noted("curate"):
                raise KeyboardInterrupt
            return super().work(folder, unit)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        run(folder, Stopping())  # type: ignore[arg-type]


@pytest.mark.parametrize("errors", [(0.3, 0.2), (-0.1, 0.2), (0.1, 1.5)])
def test_limits_that_are_no_range_are_refused(errors: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="two shares"):
        CurateConfig(errors=errors)


@pytest.mark.parametrize(
    ("said", "kept", "counted"),
    [
        ('{"verdict": "good"}', 2, "judged/good"),
        ('{"verdict": "implausible"}', 1, "dropped/judged_implausible/teacher"),
        ("no idea", 2, "unjudged"),
    ],
)
def test_a_judge_looks_at_what_a_teacher_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, kept: int, counted: str
) -> None:
    judge = ScriptedEngine(lambda request: said, raw=True)
    monkeypatch.setattr("gtm.carg.check.judging", lambda model: judge)
    asked = [Asked("create_pet", {"name": "Rex"}), Asked("create_pet", {"name": "Ada"})]
    session = with_call(carried_out("a", TRAIN[0], asked), 1, origin="teacher")
    rows, counts = curated(tmp_path, [session], CurateConfig(errors=(0, 1), near=0, judge="openai:judge@http://h/v1"))
    assert (len(rows), counts[counted]) == (kept, 1)
    assert len(judge.requests) == 1
