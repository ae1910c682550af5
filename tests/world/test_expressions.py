"""Expressions: CEL over JSON, bounded, with errors that name the expression and the cause."""

import contextlib
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm.errors import ConfigError, ExpressionError
from gtm.world.expressions import Expression

NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6, allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def value_of(text: str, **values: Any) -> Any:
    return Expression.parse(text, tuple(values)).evaluate(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.n + 1", 4),
        ("a.n + 1.5", 4.5),
        ("a.f * 2", 3.0),
        ("a.n == 3.0 && a.f < a.n", True),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7 / 2.0", 3.5),
        ("a.n -1", 2),
        ("a.big + 1", 2**70 + 1),
        ("a.none == null", True),
        ("a.none == 0", False),
        ("true == 1", False),
        ("a.name + '!'", "zoë!"),
        (r"'\u00e9\n\x41' + r'\d'", "é\nA\\d"),
        ("a.list + [3]", [1, 2, 3]),
        ("{'x': a.n, 'y': [a.f]}", {"x": 3, "y": [1.5]}),
        ("a['name']", "zoë"),
        ("a.list[1]", 2),
        ("2 in a.list && 'n' in a", True),
        ("has(a.n) && !has(a.zz) && !has(a.zz.y)", True),
        ("a.n > 2 ? 'many' : 'few'", "many"),
        ("a.zz == 1 || true", True),
        ("a.list.all(x, x > 0) && a.list.exists(x, x == 2) && a.list.exists_one(x, x > 1)", True),
        ("a.list.filter(x, x > 1).map(x, x * 10)", [20]),
        ("a.list.map(x, x > 1, x * 10)", [20]),
        ("a.list.map(x, a.list.map(y, x * y))", [[1, 2], [2, 4]]),
        ("a.list.map(n, n)[0] + a.n", 4),
        ("sum(a.list) + sum([]) + sum([0.5, 1])", 4.5),
        ("sum([0.1, 0.2, 0.3]) == sum([0.3, 0.2, 0.1])", True),
        ("min(a.list) + max(1, 5)", 6),
        ("round(2.675, 2)", 2.68),
        ("round(-2.5)", -3),
        ("abs(-a.f)", 1.5),
        ("size(a.name) + a.list.size()", 5),
        ("string(a.n) + string(a.f) + string(true)", "31.5true"),
        ("int('5') + int(2.9) + double('1.5')", 8.5),
        ("'Hello'.startsWith('He') && 'Hello'.endsWith('lo') && 'Hello'.contains('ell')", True),
        ("'AB-12'.matches('^[A-Z]{2}-[0-9]+$')", True),
        ("' Ab '.trim().lowerAscii()", "ab"),
    ],
)
def test_values(text: str, expected: Any) -> None:
    thing = {"n": 3, "f": 1.5, "big": 2**70, "none": None, "name": "zoë", "list": [1, 2]}
    got = value_of(text, a=thing)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("args.", "no CEL"),
        ("", "no CEL"),
        ("agrs.x", "did you mean 'args'"),
        ("sise(args)", "did you mean 'size'"),
        ("args.now()", "no function 'now'"),
        ("has(args)", "has() takes one field"),
        ("args.l.map(1, 2)", "a plain name"),
        ("args.l.all(x, x, x)", "takes a name"),
        ("round()", "1 to 2 arguments"),
        ("1u", "not supported"),
        ("b'x'", "not supported"),
        (r"'\q'", "unknown escape"),
        ("1" + " + 1" * 200, "nested"),
        ("!" * 900 + "true", "nested"),
        ("x" * 1001, "1001 characters"),
        ("args.l.all(a, " * 6 + "true" + ")" * 6, "2 comprehensions"),
    ],
)
def test_what_cannot_be_read_is_a_config_error(text: str, cause: str) -> None:
    with pytest.raises(ConfigError, match="expression") as caught:
        Expression.parse(text)
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("args.zz", "no field 'zz'"),
        ("args.n.x", "int has no field"),
        ("args.l[9]", "no item 9"),
        ("args.n / 0", "division by zero"),
        ("1.5 % 0", "division by zero"),
        ("1e308 * 10", "too large"),
        ("args.huge * args.huge", "too large"),
        ("args.huge + 0.5", "too large"),
        ("args.n + true", "int + bool"),
        ("args.n < 'a'", "int < string"),
        ("args.n ? 1 : 2", "a bool is needed"),
        ("{1: 2}", "keys of a map"),
        ("'a'.matches('(')", "pattern"),
        ("int('five')", "does not read"),
        ("min([])", "min() of nothing"),
        ("sum([true])", "does not take bool"),
    ],
)
def test_what_has_no_value_is_an_expression_error(text: str, cause: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of(text, args={"n": 1, "l": [], "huge": 10**400})
    assert text in str(caught.value).replace('"', "'") or repr(text) in str(caught.value)
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a.all(x, a.all(y, x + y >= 0))",
        "a.map(x, a.map(y, a)) == a.map(x, a.map(y, a))",
        "a.all(x, a == a)",
        "a.map(x, a.map(y, string(x) + string(y)))",
        "a.all(x, a.all(y, 'aaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a*)*(a*)*b') == false))",
        "sum(a.map(x, sum(a.map(y, x * y))))",
    ],
)
def test_an_endless_evaluation_is_stopped(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ExpressionError, match="too many steps"):
        value_of(text, a=list(range(2000)))
    assert time.process_time() - began < 2


@given(NUMBERS, NUMBERS)
def test_arithmetic_is_that_of_python(left: float, right: float) -> None:
    for sign, expected in (("+", left + right), ("-", left - right), ("*", left * right)):
        got = value_of(f"a.l {sign} a.r", a={"l": left, "r": right})
        assert got == expected
        assert type(got) is type(expected)


@given(JSON)
def test_json_goes_through_unchanged(value: Any) -> None:
    assert value_of("[a, {'x': a}]", a=value) == [value, {"x": value}]
    assert value_of("a == a", a=value) is True


@given(st.text(alphabet="abxs.()[]{}!&|<>=+-*/%?:,'\"\\ 0123uetrl", max_size=60), JSON)
def test_any_text_gives_a_value_or_an_error_of_ours(text: str, value: Any) -> None:
    with contextlib.suppress(ConfigError, ExpressionError):
        Expression.parse(text, ("a", "b")).evaluate({"a": value, "b": [value]})


def test_what_an_expression_reads_is_known() -> None:
    text = "state.balance + args.l.map(x, x.n)[0] + (has(state.hold) ? state.hold : 0)"
    parsed = Expression.parse(text, ("state", "args", "world"))
    assert parsed.names == {"state", "args"}
    assert parsed.fields == {("state", "balance"), ("args", "l")}


def test_the_library_is_imported_at_the_first_use_only() -> None:
    code = "import sys, gtm.world.expressions; sys.exit('celpy' in sys.modules or 'lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
