"""Values are real where real ones fit, follow notes that can be checked, and always have the shape asked for."""

import random

import pytest

from gtm.carg.fakes import examples_in, text
from gtm.carg.fitting import fits
from gtm.carg.notes import rules_of, templates
from gtm.carg.records import Entry, RecordedCall, Recording
from gtm.carg.values import Values, topic_of
from gtm.types import Json, Tool

PERSON: dict[str, Json] = {
    "type": "object",
    "properties": {"firstName": {"type": "string"}, "city": {"type": "string"}, "currency": {"type": "string"}},
    "required": ["firstName", "city", "currency"],
}


def _values(*responses: Json) -> Values:
    tool = Tool(name="get_person", parameters={"type": "object", "properties": {}})
    entry = Entry(id="p", family="f", split="train", domain="a/b", source="s", licence="MIT", tool=tool)
    calls = tuple(RecordedCall(tool="p", arguments={}, response=response) for response in responses)
    return Values.of([entry], [Recording(id="r", family="f", source="s", origin="o", licence="MIT", calls=calls)])


def test_recorded_values_are_drawn_and_placeholders_are_not() -> None:
    values = _values(
        {"first_name": "Ingrid", "city": "Bergen", "currency": "string"},
        {"first_name": "<name>", "city": "", "currency": "{id}"},
    )
    drawn = [values.fill(PERSON, random.Random(seed), ("person",)) for seed in range(30)]
    assert {one["firstName"] for one in drawn} == {"Ingrid"}
    assert {one["city"] for one in drawn} == {"Bergen"}
    assert not {"string", "{id}"} & {one["currency"] for one in drawn}


def test_fields_of_one_thing_stay_together() -> None:
    homes = {f"Person{n}": f"Ort {n}" for n in range(12)}
    values = _values(*({"firstName": name, "city": city} for name, city in homes.items()))
    drawn = [values.fill(PERSON, random.Random(seed), ("person",)) for seed in range(200)]
    assert sum(homes[one["firstName"]] == one["city"] for one in drawn) > 120


def test_what_begins_does_not_end_before() -> None:
    date = {"type": "string", "format": "date"}
    span = {
        "type": "object",
        "properties": {"startDate": date, "endDate": date},
        "required": ["startDate", "endDate"],
    }
    drawn = [_values().fill(span, random.Random(seed)) for seed in range(40)]
    assert all(one["startDate"] <= one["endDate"] for one in drawn)


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ({"type": "string", "maxLength": 3}, "abc", "abcd"),
        ({"type": "string", "format": "date"}, "2024-02-03", "soon"),
        ({"type": "string", "pattern": "^a+$"}, "aa", "b"),
        ({"type": "integer", "maximum": 4}, 4, 5),
        ({"type": "integer"}, 4, True),
        ({"enum": ["a"]}, "a", "b"),
    ],
)
def test_only_what_a_place_takes_fits(shape: dict[str, Json], good: Json, bad: Json) -> None:
    assert fits(good, shape)
    assert not fits(bad, shape)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ('IATA carrier code, e.g. "AA".', ("AA",)),
        ("Trading pair symbol, e.g. BTCUSDT", ("BTCUSDT",)),
        ("such as 'hyperliquid', 'gmx' or 'dydx'", ("hyperliquid", "gmx", "dydx")),
        ("for example if a user did not care", ()),
        ("The name, for example projects/{project}", ()),
    ],
)
def test_examples_are_read_from_descriptions(description: str, expected: tuple[str, ...]) -> None:
    assert examples_in(description, "string") == expected


def test_dates_are_written_as_the_description_spells_them() -> None:
    made = text({"type": "string", "description": "in the format MM/DD/YYYY"}, random.Random(1), "when")
    assert made is not None
    assert made[2] == made[5] == "/"
    assert len(made) == 10


def test_a_topic_is_what_a_tool_is_about() -> None:
    assert topic_of("list_pets") == topic_of("getPetById") == topic_of("createPet") == "pet"


def test_notes_that_can_be_checked_are_followed() -> None:
    values = _values({"firstName": "Bo", "city": "Rome", "currency": "USD"})
    rules = rules_of("All amounts are in Japanese yen.")
    drawn = [values.fill(PERSON, random.Random(seed), ("person",), rules) for seed in range(20)]
    assert {one["currency"] for one in drawn} == {"JPY"}
    assert all(rules.follows(one) for one in drawn)
    assert not rules.follows({"currency": "USD"})
    few = values.fill(
        {"type": "array", "items": PERSON, "minItems": 1, "maxItems": 3},
        random.Random(3),
        (),
        rules_of("Return at most two rows."),
    )
    assert 1 <= len(few) <= 2


def test_there_are_many_notes_and_only_models_get_those_that_none_can_check() -> None:
    assert len(templates()) >= 40
    for template in templates():
        if template.teacher_only:
            assert not rules_of(template.text).values
