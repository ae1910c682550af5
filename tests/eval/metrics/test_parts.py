"""Structure, alignment, masks, what is known, what fields show: each on values that fit on a line."""

import pytest

from gtm.eval.metrics.align import align, match
from gtm.eval.metrics.fields import declared_fields, in_range, is_constant
from gtm.eval.metrics.free import free_leaf, similarity
from gtm.eval.metrics.known import Known
from gtm.eval.metrics.masks import mask_of
from gtm.eval.metrics.paths import structure_f1, typed_paths
from gtm.eval.metrics.values import MISSING, content_of
from gtm.eval.records import TrueTurn
from gtm.types import Json


def test_array_indices_are_collapsed_and_types_count() -> None:
    assert typed_paths({"a": [{"b": 1}, {"b": "x"}]}) == {
        ("a", "array"), ("a[]", "object"), ("a[].b", "number"), ("a[].b", "string"),
    }  # fmt: skip
    assert structure_f1({"a": [1, 2, 3]}, {"a": [9]}) == 1.0
    assert structure_f1({"a": 1}, {"a": "1"}) == 0.0
    assert structure_f1({"a": 1, "b": 2}, {"a": 1}) == pytest.approx(2 / 3)


def test_two_objects_do_not_share_their_root() -> None:
    assert structure_f1({"a": 1}, {"b": 1}) == 0.0
    assert structure_f1({"a": 1}, None) == 0.0
    assert structure_f1(None, None) == 1.0


@pytest.mark.parametrize("value", [None, "", {}, "{}"])
def test_nothing_has_one_form(value: Json) -> None:
    assert content_of(value) is None


def test_items_pair_by_key_then_likeness_then_order() -> None:
    true = [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}, {"id": 3, "n": "c"}]
    assert match(true, [{"id": 3, "n": "x"}, {"id": 1, "n": "y"}, {"id": 9, "n": "b"}]) == ([1, 2, 0], [])
    assert match([{"a": 1, "b": 2}], [{"a": 7}, {"a": 1, "b": 3}]) == ([1], [0])
    assert match(["x", "y"], ["y"]) == ([None, 0], []) or match(["x", "y"], ["y"])[0][1] == 0
    assert match([1, 2], [2, 1]) == ([0, 1], [])


def test_an_item_is_its_own_partner_among_items_that_contain_it() -> None:
    items: list[Json] = [{"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}]
    assert match(items, list(items)) == ([0, 1, 2], [])


def test_what_only_the_answer_has_is_extra() -> None:
    aligned = align({"a": [{"id": 1}], "b": 2}, {"a": [{"id": 1}, {"id": 2}], "c": 3})
    assert [(extra.path, extra.value, extra.is_item) for extra in aligned.extra] == [
        ("a[]", {"id": 2}, True),
        ("c", 3, False),
    ]
    assert [pair.answer for pair in aligned.pairs] == [1, MISSING]
    assert aligned.lengths == [(1, 2)]


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("created_at", "2026-11-22T09:04:18.504Z", "time"),
        ("items[].updated", 1667035809255, "time"),
        ("nextToken", "abc", "token"),
        ("etag", "x", "token"),
        ("id", 3236253, "id"),
        ("applicationId", "mkto70pn6rzzzps0", "id"),
        ("arn", "arn:aws:x:us-east-1:1:applications/epxr6so5ln2tlzj1", "id"),
        ("self", "https://h/things/5b0e7f3c-1111-4222-8333-444455556666", "id"),
        ("departure_date", "2019-03-05", None),
        ("name", "alerts", None),
        ("price", 29.5, None),
        ("active", True, None),
        ("description", "made at 2026-11-22 by abc123def456ghi", None),
    ],
)
def test_run_time_values_are_masked_by_name_and_looks(path: str, value: Json, kind: str | None) -> None:
    assert mask_of(path, value) == kind


def test_known_are_arguments_history_and_first_state() -> None:
    turn = TrueTurn(tool="t", arguments={"path": "/docs/report.txt"}, response={"size": 512, "owner": "ada"})
    known = Known.before({"name": "alerts-7", "kind": "abc"}, [turn], {"city": "Nairobi"})
    assert known.has("title", "alerts-7")
    assert known.has("file", "report.txt")
    assert known.has("city", "Nairobi")
    assert known.has("size", 512)
    assert not known.has("width", 512), "a short value counts in a field of its own name only"
    assert not known.has("kind", "ab")
    assert not known.has("flag", True)
    assert not known.has("name", "alerts-8")


def test_what_a_field_shows() -> None:
    assert is_constant("x", ["x", "x", "x"])
    assert not is_constant("x", ["x", "x"])
    assert not is_constant("x", ["x", "x", "y"])
    assert in_range(5, 3, [1, 9])
    assert not in_range(10, 3, [1, 9])
    assert not in_range("far too long", "abc", ["ab", "abcd"])
    assert not in_range("5", 3, [1, 9])


def test_enums_and_formats_are_found_through_references_and_loops() -> None:
    schema = {
        "type": "object",
        "properties": {"state": {"enum": ["on", "off"]}, "inner": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {"properties": {"at": {"format": "date"}, "next": {"items": {"$ref": "#/$defs/node"}}}},
        },
    }  # fmt: skip
    found = declared_fields(schema)
    assert found["state"].enum == ["on", "off"]
    assert found["inner.at"].format == "date"
    assert not found["inner.at"].allows("soon")


def test_a_free_leaf_is_judged_by_type_enum_range_and_likeness() -> None:
    declared = declared_fields({"properties": {"s": {"enum": ["on", "off"]}}})["s"]
    assert free_leaf("on", "off", declared, []) == {"free_type": 1.0, "free_similarity": 0.0, "free_valid": 1.0}
    assert free_leaf("on", "odd", declared, [])["free_valid"] == 0.0
    assert set(free_leaf("abc", MISSING, declared, ["abc", "abd", "x"]).values()) == {0.0}
    assert free_leaf(7, 700, None, [5, 6, 7])["free_plausible"] == 0.0
    assert similarity(10, 9) == pytest.approx(0.9)
    assert 0.3 < similarity("Kia Ceed 2019", "Kia Rio 2019") < 1
