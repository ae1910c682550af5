"""The checker is checked: each recorded answer is accepted as it is and refused when damaged."""

import itertools
import random
import string

import pytest

from gtm.eval.metrics.align import align
from gtm.eval.metrics.grounded import grounded
from gtm.eval.metrics.known import Known
from gtm.eval.metrics.response import Truth, measure, recorded
from gtm.eval.metrics.values import content_of, field_of
from gtm.eval.records import Answer
from gtm.types import Json
from tests.eval.samples import changed, truths, with_an_item_more, without_a_field


def match(truth: Truth, content: Json) -> float:
    return measure(truth, Answer(content=content)).values["match"]


def test_every_recorded_answer_is_accepted() -> None:
    measures = [measure(truth, recorded(truth.turn)) for truth in truths()]
    assert len(measures) > 200
    assert {value for one in measures for value in one.values.values()} == {1.0}
    assert sum(one.counts["tp"] for one in measures) > 300
    assert sum(one.counts["fp"] + one.counts["fn"] for one in measures) == 0


def test_a_dropped_field_is_refused() -> None:
    damaged = [
        (truth, value)
        for truth in truths()
        for value in itertools.islice(without_a_field(content_of(truth.turn.response)), 6)
    ]
    assert len(damaged) > 600
    accepted = [(truth.item.id, truth.step, value) for truth, value in damaged if match(truth, value) == 1.0]
    assert accepted == []


def test_a_changed_grounded_value_is_refused_by_recall_and_precision() -> None:
    count = 0
    for truth in truths():
        known = truth.known()

        def spoil(path: list[str | int], value: Json) -> Json:
            name = ".".join(part if isinstance(part, str) else "[]" for part in path)
            return f"{value}x" if known.has(name, value) else value  # noqa: B023 called before the loop goes on

        spoilt = changed(content_of(truth.turn.response), spoil)
        before, after = measure(truth, recorded(truth.turn)), measure(truth, Answer(content=spoilt))
        if before.counts["tp"]:
            count += 1
            assert after.values["grounded_recall"] < 1
            assert after.values["grounded_precision"] < 1
            assert after.values["match"] == 0
    assert count > 100


def test_an_invented_entity_is_refused() -> None:
    damaged = [(truth, value) for truth in truths() for value in with_an_item_more(content_of(truth.turn.response))]
    assert len(damaged) > 60
    assert [truth.item.id for truth, value in damaged if match(truth, value) == 1.0] == []


def test_an_entity_too_many_costs_precision_where_its_fields_can_be_known() -> None:
    found = [
        measure(truth, Answer(content=value)).counts["fp"]
        for truth in truths()
        for value in with_an_item_more(content_of(truth.turn.response))
    ]
    assert sum(map(bool, found)) > 10


def test_other_ids_and_times_are_accepted_and_counted() -> None:
    masked = 0
    for truth in truths():
        known = truth.known()

        def renew(path: list[str | int], value: Json) -> Json:
            name = ".".join(part for part in path if isinstance(part, str))
            time = isinstance(value, str) and value[4:5] == "-" and "T" in value
            if time and not known.has(name, value):  # noqa: B023 called before the loop goes on
                return "2031-01-02T03:04:05Z"
            return value

        other = changed(content_of(truth.turn.response), renew)
        found = measure(truth, Answer(content=other))
        assert found.values["match"] == 1.0, (truth.item.id, truth.step)
        masked += found.counts["masked_time"]
    assert masked > 20


def test_an_error_and_silence_are_zero_wherever_a_measure_applies() -> None:
    for answer in (Answer(content={"error": "no"}, text="no", is_error=True), Answer(failed="prose")):
        for truth in truths():
            values = measure(truth, answer).values
            assert {name: value for name, value in values.items() if not name.startswith(("rouge", "char"))} == (
                dict.fromkeys((name for name in values if not name.startswith(("rouge", "char"))), 0.0)
            )
            assert "grounded_precision" not in values


def test_random_answers_score_near_the_floor() -> None:
    rng = random.Random(7)

    def word() -> str:
        return "".join(rng.choices(string.ascii_lowercase, k=9))

    found = [measure(truth, Answer(content={word(): [{word(): word()}]})).values for truth in truths()]
    assert max(values["structure_f1"] for values in found) == 0.0
    assert max(values.get("grounded_recall", 0.0) for values in found) == 0.0
    assert sum(values["char_bleu4"] for values in found) / len(found) < 0.1


def test_random_values_in_the_true_structure_are_not_grounded() -> None:
    rng = random.Random(7)

    def scramble(_: list[str | int], value: Json) -> Json:
        return "".join(rng.choices(string.ascii_lowercase, k=9)) if isinstance(value, str) else value

    found = [measure(t, Answer(content=changed(content_of(t.turn.response), scramble))).values for t in truths()]
    recalls = [values["grounded_recall"] for values in found if "grounded_recall" in values]
    assert sum(recalls) / len(recalls) < 0.2
    assert sum(values["structure_f1"] for values in found) / len(found) > 0.99


@pytest.mark.parametrize("content", [float("nan"), [float("inf")], {"a": {"b": float("nan")}}])
def test_what_no_json_can_carry_says_nothing(content: Json) -> None:
    truth = next(truths())
    assert measure(truth, Answer(content=content)).values["structure_f1"] == 0.0


def test_free_fields_have_names_as_masks_see_them() -> None:
    assert field_of("items[].Created-At") == "createdat"


def test_how_many_rows_a_search_has_is_no_grounded_value() -> None:
    def pairs(true: Json, answer: Json) -> dict[str, float]:
        known = Known.before({"city": "Nairobi", "name": "Kilimani Flats"}, [])
        return grounded(align(true, answer), lambda pair: known.has(pair.path, pair.true)).values

    rows = [{"city": "Nairobi", "rent": rent} for rent in (10, 20, 30)]
    assert pairs(rows, rows[:1]) == {"grounded_recall": 1.0, "grounded_precision": 1.0, "grounded_f1": 1.0}
    assert pairs(rows, [*rows, *rows]) == {"grounded_recall": 1.0, "grounded_precision": 1.0, "grounded_f1": 1.0}
    assert pairs(rows, [*rows, {"city": "Lima"}])["grounded_precision"] == 3 / 4
    assert pairs(rows, [{**row, "city": "Lima"} for row in rows])["grounded_recall"] == 0.0
    assert pairs(rows, [{"rent": 10}, {"rent": 20}])["grounded_recall"] == 0.0, "a field that is missing is missed"
    assert pairs(rows, {"error": "no"})["grounded_recall"] == 0.0
    assert pairs(rows, [])["grounded_recall"] == 0.0, "silence is not left out of the mean"
    named = [{"name": "Kilimani Flats", "city": "Nairobi"}, {"name": "Other", "city": "Nairobi"}]
    assert pairs(named, named[1:])["grounded_recall"] == 1 / 3, "what is known by name is missed"
    assert pairs(named[:1], [named[0], named[0]])["grounded_precision"] == 2 / 3, "and not shown twice"
