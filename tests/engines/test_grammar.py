"""Sentences of the grammar are drawn by a small reader of the same EBNF, and must be JSON of the shape."""

import json
import random
import re

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm.engines.grammar import FIRST, shape_to_ebnf
from gtm.errors import EngineError
from gtm.types import Json


def closed(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TOKEN = re.compile(r'\s+|(?P<lit>"(?:\\.|[^"\\])*")|(?P<cls>\[(?:\\.|[^\]\\])+\])|(?P<name>\w+)|(?P<op>[()|*?])')
CLASSES = {
    FIRST.removeprefix("first ::= "): "abzü€😀/#-_~$@+1",
    r'[^"\\\x00-\x1f]': "abz ü€😀,:{}[]",
    r'["\\/bfnrt]': '"\\/bfnrt',
    "[0-9]": "0123456789",
    "[1-9]": "123456789",
}


class Drawer:
    """Random sentences of a grammar in the dialect that `shape_to_ebnf` writes."""

    def __init__(self, text: str, rng: random.Random) -> None:
        self.rules = dict(line.split(" ::= ", 1) for line in text.split("\n"))
        self.rng = rng

    def sentence(self, rule: str = "root") -> str:
        tokens, at = [m for m in TOKEN.finditer(self.rules[rule]) if m.group().strip()], 0

        def alternatives() -> list[list[tuple[str, str, Json]]]:
            nonlocal at
            found: list[list[tuple[str, str, Json]]] = [[]]
            while at < len(tokens) and tokens[at].group() != ")":
                token = tokens[at]
                at += 1
                if token.group() == "|":
                    found.append([])
                    continue
                inner: Json = None
                if token.group() == "(":
                    inner = alternatives()
                    assert tokens[at].group() == ")"
                    at += 1
                times = "1"
                if at < len(tokens) and tokens[at].group() in ("*", "?"):
                    times = tokens[at].group()
                    at += 1
                found[-1].append((token.group(), times, inner))
            return found

        return self.write(alternatives())

    def write(self, alternatives: list[list[tuple[str, str, Json]]]) -> str:
        text = ""
        for word, times, inner in self.rng.choice(alternatives):
            count = {"1": 1, "?": self.rng.randint(0, 1), "*": self.rng.randint(0, 4)}[times]
            for _ in range(count):
                if inner is not None:
                    text += self.write(inner)
                elif word.startswith('"'):
                    text += re.sub(r"\\(u....|U.{8}|.)", lambda m: unescape(m.group(1)), word[1:-1])
                elif word.startswith("["):
                    text += self.rng.choice(CLASSES[word])
                else:
                    text += self.sentence(word)
        return text


def unescape(code: str) -> str:
    return chr(int(code[1:], 16)) if code[0] in "uU" else code


def sentences(shape: dict[str, Json], count: int = 40) -> list[Json]:
    drawer = Drawer(shape_to_ebnf(shape), random.Random(7))
    return [json.loads(drawer.sentence()) for _ in range(count)]


scalars: st.SearchStrategy[dict[str, Json]] = st.one_of(
    st.just({"type": "string", "description": "no more than a hint"}),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda v: {"const": v}, st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text(), max_size=2))
    ),
    st.builds(
        lambda v: {"enum": v}, st.lists(st.one_of(st.text(), st.integers(), st.booleans()), min_size=1, max_size=4)
    ),
    st.sampled_from([{"type": "integer"}, {"type": "number"}, {"type": "integer", "minimum": 0}]),
)
shapes: st.SearchStrategy[dict[str, Json]] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda p: closed(**p), st.dictionaries(st.text(), inner, max_size=4)),
        st.builds(
            lambda s, low, more: {"type": "array", "items": s, "minItems": low, "maxItems": low + more},
            inner, st.integers(0, 3), st.integers(0, 3),
        ),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(shapes)
def test_every_sentence_is_json_of_the_shape(shape: dict[str, Json]) -> None:
    drawer = Drawer(shape_to_ebnf(shape), random.Random(1))
    validator = jsonschema_rs.Draft202012Validator(shape)
    for _ in range(5):
        text = drawer.sentence()
        value = json.loads(text)
        assert validator.is_valid(value), (text, shape)
        if value and isinstance(value, dict):
            assert list(value) == list(shape.get("properties", value))


def test_output_is_compact_and_keys_are_escaped() -> None:
    shape = closed(**{'a"b\\c': {"const": 1}, "ключ\n": {"const": "\u2028 \x7f"}, "\ud800": {"const": "\udfff"}})
    text = Drawer(shape_to_ebnf(shape), random.Random(1)).sentence()
    assert json.loads(text) == {'a"b\\c': 1, "ключ\n": "\u2028 \x7f", "\ud800": "\udfff"}
    assert " " not in text.replace("\u2028 ", "")
    shape_to_ebnf(shape).encode("utf-8")


@pytest.mark.parametrize(
    ("bounds", "low", "high"),
    [
        ({"minimum": 1, "maximum": 5}, 1, 5),
        ({"minimum": 1.5, "maximum": 4.5}, 2, 4),
        ({"minimum": 0}, 0, 10**10),
        ({"minimum": 1}, 1, 10**10),
        ({"maximum": -1}, -(10**10), -1),
        ({"minimum": -300, "maximum": 300}, -999, 999),
        ({"minimum": float("-inf"), "maximum": 10**400}, -(10**10), 10**10),
        ({}, -(10**10), 10**10),
    ],
)
def test_integers_keep_sign_and_digits(bounds: dict[str, Json], low: int, high: int) -> None:
    values = sentences({"type": "integer", **bounds}, 200)
    assert all(isinstance(value, int) and low <= value <= high for value in values)
    assert len(set(values)) > 2


def test_numbers_may_have_a_fraction() -> None:
    values = sentences({"type": "number", "minimum": 0, "maximum": 9}, 100)
    assert all(0 <= value < 10 for value in values)
    assert any(isinstance(value, float) for value in values)


def test_arrays_keep_their_bounds() -> None:
    shape = {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4}
    assert {len(value) for value in sentences(shape, 200)} == {2, 3, 4}
    assert sentences({"type": "array", "items": {"type": "boolean"}, "maxItems": 0}, 3) == [[], [], []]
    assert {len(v) for v in sentences({"type": "array", "items": {"type": "null"}, "maxItems": 1}, 99)} == {0, 1}


def test_a_string_is_not_empty() -> None:
    assert "" not in sentences({"type": "string"}, 100)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"enum": []}, "empty enum"),
        ({"type": "thing"}, "'thing' is not a type"),
        ({"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2}, "wants 3 to 2 items"),
    ],
)
def test_what_is_no_shape_is_refused(shape: dict[str, Json], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        shape_to_ebnf(shape)


def test_depth_is_bounded() -> None:
    shape: dict[str, Json] = {"type": "null"}
    for _ in range(10_000):
        shape = {"type": "array", "items": shape, "minItems": 1, "maxItems": 1}
    with pytest.raises(EngineError, match="deeper than"):
        shape_to_ebnf(shape)
