"""What CEL's operators and functions do to JSON values, under a budget that ends every evaluation.

Numbers are one family: an int and a float meet as a float, int and int stay int (`7 / 2` is 3, as CEL divides). A
bool is no number. Nothing here reads a clock, the environment or chance.
"""

import math
import operator
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext

from gtm.types import Json

STEPS = 500_000
"""Units of work in one evaluation: below a second on a slow machine."""

MAX_SIZE = 100_000
"""Characters of a string, items of a list, that an expression may build."""

MAX_BITS = 256
"""Of an integer that arithmetic gives; larger ones pass through unchanged."""


class CelError(Exception):
    """Why an expression has no value."""


class Spent(CelError):
    """The budget of an evaluation is used up; no operator absorbs it."""


class Meter:
    """What is left of one evaluation's budget."""

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps

    def pay(self, steps: int) -> None:
        """Use up some of the budget."""
        self.left -= steps
        if self.left < 0:
            raise Spent("it takes too many steps; make its lists or comprehensions smaller")


def kind(value: Json) -> str:
    """A value's type in CEL's words."""
    names = {bool: "bool", int: "int", float: "double", str: "string", list: "list", dict: "map", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def is_number(value: Json) -> bool:
    """Whether a value is an int or a float, not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _checked(value: Json) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        raise CelError("the number is too large")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise CelError("the integer is too large")
    return value


_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {c: c for c in "\\\"'`?"}


def unquoted(text: str) -> str:
    """What a string literal says."""
    raw = text[0] in "rR"
    text = text[1:] if raw else text
    quotes = 3 if text[:3] in {'"""', "'''"} else 1
    text = text[quotes:-quotes]
    return text if raw else _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    *codes, octal, plain = match.groups()
    if plain is not None:
        if plain not in _PLAIN:
            raise CelError(f"a string has the unknown escape \\{plain}")
        return _PLAIN[plain]
    code = int(octal, 8) if octal else int(next(code for code in codes if code), 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CelError("a string has an escape that is no character")
    return chr(code)


def _sized(value: Json, meter: Meter) -> Json:
    meter.pay(len(value) // 16)
    if len(value) > MAX_SIZE:
        raise CelError(f"the {kind(value)} has more than {MAX_SIZE} parts")
    return value


def _divide(left: Json, right: Json) -> Json:
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right


def _remainder(left: Json, right: Json) -> Json:
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return math.fmod(left, right)


_ARITHMETIC: dict[str, Callable[[Json, Json], Json]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
}


def arithmetic(sign: str, left: Json, right: Json, meter: Meter) -> Json:
    """`left sign right` for numbers; `+` joins two strings or two lists."""
    if is_number(left) and is_number(right):
        if sign in "/%" and right == 0:
            raise CelError("division by zero")
        return _checked(_ARITHMETIC[sign](left, right))
    if sign == "+" and isinstance(left, str | list) and type(left) is type(right):
        return _sized(_ARITHMETIC[sign](left, right), meter)
    raise CelError(f"{kind(left)} {sign} {kind(right)} is not defined")


def negated(value: Json) -> Json:
    """`-value`."""
    if not is_number(value):
        raise CelError(f"-{kind(value)} is not defined")
    return -value


_ORDER: dict[str, Callable[[Json, Json], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(sign: str, left: Json, right: Json, meter: Meter) -> bool:
    """An ordering of two numbers, strings or bools, an equality of anything, or `in`."""
    if sign == "==":
        return equal(left, right, meter)
    if sign == "!=":
        return not equal(left, right, meter)
    if sign == "in":
        return _within(left, right, meter)
    alike = is_number(left) and is_number(right)
    if not alike and not (isinstance(left, str | bool) and type(left) is type(right)):
        raise CelError(f"{kind(left)} {sign} {kind(right)} is not defined")
    meter.pay(1)
    return _ORDER[sign](left, right)


def equal(left: Json, right: Json, meter: Meter) -> bool:
    """Deep equality; 1 equals 1.0, values of other types never equal each other."""
    meter.pay(1)
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(equal(a, b, meter) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key], meter) for key, value in left.items())
    return bool(left == right)


def _within(item: Json, container: Json, meter: Meter) -> bool:
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    if not isinstance(container, list):
        raise CelError(f"'in' needs a list or a map, not {kind(container)}")
    return any(equal(item, other, meter) for other in container)


def member(value: Json, name: str) -> Json:
    """A field of a map."""
    if not isinstance(value, dict):
        raise CelError(f"{kind(value)} has no field {name!r}")
    if name not in value:
        raise CelError(f"there is no field {name!r}")
    return value[name]


def item(value: Json, at: Json) -> Json:
    """`value[at]`: a list's item by position, a map's value by key."""
    if isinstance(value, list) and isinstance(at, int) and not isinstance(at, bool):
        if not 0 <= at < len(value):
            raise CelError(f"the list has no item {at}")
        return value[at]
    if isinstance(value, dict) and isinstance(at, str):
        return member(value, at)
    raise CelError(f"{kind(value)}[{kind(at)}] is not defined")


def truth(value: Json) -> bool:
    """A bool, and nothing else."""
    if not isinstance(value, bool):
        raise CelError(f"a bool is needed here, not {kind(value)}")
    return value


def _need(value: Json, types: type | tuple[type, ...], function: str) -> Json:
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        raise CelError(f"{function}() does not take {kind(value)}")
    return value


def _numbers(values: tuple[Json, ...], function: str, meter: Meter) -> list[Json]:
    given = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    meter.pay(len(given))
    return [_need(value, (int, float), function) for value in given]


def _size(meter: Meter, value: Json) -> int:
    return len(_need(value, (str, list, dict), "size"))


def _sum(meter: Meter, *values: Json) -> Json:
    """Exact for integers; for others the sum rounded once, so the order of the list does not matter."""
    numbers = _numbers(values, "sum", meter)
    whole = all(isinstance(number, int) for number in numbers)
    return _checked(sum(numbers) if whole else math.fsum(numbers))


def _min(meter: Meter, *values: Json) -> Json:
    numbers = _numbers(values, "min", meter)
    if not numbers:
        raise CelError("min() of nothing")
    return min(numbers)


def _max(meter: Meter, *values: Json) -> Json:
    numbers = _numbers(values, "max", meter)
    if not numbers:
        raise CelError("max() of nothing")
    return max(numbers)


def _round(meter: Meter, value: Json, digits: Json = None) -> Json:
    """Halves go away from zero, as money is rounded: `round(2.675, 2)` is 2.68, `round(2.5)` is 3."""
    number = _need(value, (int, float), "round")
    places = 0 if digits is None else _need(digits, int, "round")
    if not 0 <= places <= 15:
        raise CelError("round() takes 0 to 15 digits")
    if isinstance(number, int):
        return number
    with localcontext(prec=400):
        rounded = Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return _checked(int(rounded) if digits is None else float(rounded))


def _abs(meter: Meter, value: Json) -> Json:
    return abs(_need(value, (int, float), "abs"))


def _string(meter: Meter, value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    given = _need(value, (str, int, float), "string")
    return str(_checked(given)) if isinstance(given, int) else str(given)


def _number(value: Json, function: str, read: Callable[[Json], Json]) -> Json:
    given = _need(value, (str, int, float), function)
    if isinstance(given, str) and (len(given) > 100 or "_" in given):
        raise CelError(f"{function}() does not read this string")
    try:
        return _checked(read(given))
    except (ValueError, OverflowError):
        raise CelError(f"{function}() does not read {str(given)[:40]!r}") from None


def _int(meter: Meter, value: Json) -> Json:
    return _number(value, "int", int)


def _double(meter: Meter, value: Json) -> Json:
    return _number(value, "double", float)


def _contains(meter: Meter, value: Json, part: Json) -> bool:
    meter.pay(len(_need(value, (str, list), "contains")) // 16)
    return _within(part, value, meter) if isinstance(value, list) else _need(part, str, "contains") in value


def _starts_with(meter: Meter, value: Json, part: Json) -> bool:
    return bool(_need(value, str, "startsWith").startswith(_need(part, str, "startsWith")))


def _ends_with(meter: Meter, value: Json, part: Json) -> bool:
    return bool(_need(value, str, "endsWith").endswith(_need(part, str, "endsWith")))


def _matches(meter: Meter, value: Json, pattern: Json) -> bool:
    import re2  # type: ignore[import-untyped]  # linear in its text; comes with cel-python

    meter.pay(200 + len(_need(value, str, "matches")))
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.search(_need(pattern, str, "matches"), value, options=options) is not None
    except re2.error:
        raise CelError("matches() cannot read the pattern") from None


def _text(change: Callable[[str], str], function: str) -> Callable[..., Json]:
    def changed(meter: Meter, value: Json) -> Json:
        return change(_sized(_need(value, str, function), meter))

    return changed


FUNCTIONS: dict[str, tuple[Callable[..., Json], int, int]] = {
    "size": (_size, 1, 1),
    "sum": (_sum, 1, 20),
    "min": (_min, 1, 20),
    "max": (_max, 1, 20),
    "round": (_round, 1, 2),
    "abs": (_abs, 1, 1),
    "string": (_string, 1, 1),
    "int": (_int, 1, 1),
    "double": (_double, 1, 1),
    "contains": (_contains, 2, 2),
    "startsWith": (_starts_with, 2, 2),
    "endsWith": (_ends_with, 2, 2),
    "matches": (_matches, 2, 2),
    "lowerAscii": (_text(str.lower, "lowerAscii"), 1, 1),
    "upperAscii": (_text(str.upper, "upperAscii"), 1, 1),
    "trim": (_text(str.strip, "trim"), 1, 1),
}
"""Name -> (function, fewest and most arguments). `x.f(y)` and `f(x, y)` are the same call."""
