"""Bytes to JSON within limits: bad input is one clear line, YAML is read by the 1.2 rules."""

import gzip
import json
import time

import pytest

from gtm.errors import SpecError
from gtm.tools import document
from gtm.tools.document import check_value, read_document


def read(text: str, source: str = "spec.yaml") -> object:
    return read_document(text.encode(), source)


def test_yaml_scalars_stay_what_json_can_say() -> None:
    text = """
day: 2023-10-29
stamp: 2023-10-29T10:00:00Z
time: 18:00
yes: yes
on: off
flag: true
nothing: ~
empty:
int: 12
float: 1.5e3
octal: 010
version: '3'
200: ok
inf: .inf
block: |
  a
  b
"""
    assert read(text) == {
        "day": "2023-10-29",
        "stamp": "2023-10-29T10:00:00Z",
        "time": "18:00",
        "yes": "yes",
        "on": "off",
        "flag": True,
        "nothing": None,
        "empty": None,
        "int": 12,
        "float": 1500.0,
        "octal": 10,
        "version": "3",
        "200": "ok",
        "inf": ".inf",
        "block": "a\nb\n",
    }


def test_yaml_aliases_merges_and_duplicate_keys() -> None:
    text = "base: &b {a: 1, b: 2}\nother: *b\nmerged: {<<: *b, b: 3}\ntwice: 1\ntwice: 2\n"
    assert read(text) == {
        "base": {"a": 1, "b": 2},
        "other": {"a": 1, "b": 2},
        "merged": {"a": 1, "b": 3},
        "twice": 2,
    }


def test_json_with_a_byte_order_mark_and_in_gzip() -> None:
    assert read_document(b'\xef\xbb\xbf{"a": 1}', "a.json") == {"a": 1}
    assert read_document('{"a": "ö"}'.encode("utf-16"), "a.json") == {"a": "ö"}
    assert read_document(gzip.compress(b'{"a": 1}'), "a.json.gz") == {"a": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "'bad' is empty"),
        (b" \n\t", "'bad' is empty"),
        (b"# only a comment", "'bad' is empty"),
        (b'{"a": ', "'bad' is not JSON: Expecting value at line 1 column 7"),
        (b"a: [1, 2", "'bad' is neither JSON nor YAML"),
        (b"a: b: c", "'bad' is neither JSON nor YAML: mapping values are not allowed"),
        (b"a: *nowhere", "'bad' has the alias 'nowhere'"),
        (b"a: &x [*x]", "'bad' has the alias 'x' inside"),
        (b"a: !python/object:os.system x", "uses the tag"),
        (b"a: 1\n---\nb: 2\n", "2 YAML documents"),
        (b"a:\n  [b]: 1", "a key that is a list"),
        (b"\x89PNG\r\n\x1a\n\x00", "'bad' is not text"),
        (b"\x1f\x8b\x08garbage", "'bad' is damaged gzip"),
        (b'{"a": NaN}', "'NaN', which JSON has not"),
        (b'{"a": 1e999}', "inf, which JSON has not"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "a number that is too long"),
        (b"[" * 10_000 + b"]" * 10_000, "nested more than 128 levels"),
        (b"a: " + b"[" * 10_000 + b"]" * 10_000, "nested more than 128 levels"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested more than 128 levels"),
    ],
)
def test_bad_input_is_one_clear_line(data: bytes, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_document(data, "bad")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_alias_bomb_is_refused_in_no_time() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join(['*a' + str(n - 1)] * 10)}]" for n in range(1, 12)]
    started = time.perf_counter()
    with pytest.raises(SpecError, match="aliases included"):
        read("\n".join(lines))
    assert time.perf_counter() - started < 1


def test_a_document_over_the_limit_says_the_limit() -> None:
    with pytest.raises(SpecError, match="larger than 50 MB; keep the operations you need"):
        read_document(b" " * (document.MAX_BYTES + 1), "big.json")
    with pytest.raises(SpecError, match="larger than 50 MB"):
        read_document(gzip.compress(b" " * (document.MAX_BYTES + 1)), "big.json.gz")


def test_python_values_are_checked_too() -> None:
    with pytest.raises(SpecError, match="has the key 1, which is not a string"):
        check_value({"a": {1: 2}}, "value")
    with pytest.raises(SpecError, match="holds a bytes"):
        check_value([b"x"], "value")
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(SpecError, match="nested more than"):
        check_value(loop, "value")


def test_json_and_yaml_of_one_document_are_equal() -> None:
    value = {"a": [1, 2.5, None, True, "x: y", "2020-01-01"], "b": {"": "", "ü": "\u2028 \U0001f600"}}
    assert read(json.dumps(value), "x.json") == read(json.dumps(value, ensure_ascii=True), "x.yaml") == value
