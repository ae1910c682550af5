"""Small safe expressions: CEL text in, JSON values out.

CEL's syntax comes from `cel-python` (0.5: pure Python; its grammar of the language); what a parsed expression does
to values is `gtm.world.cel_values`. Chosen over `common-expression-language` (Rust, 10 us an evaluation) because
that one refuses `1 + 1.5`, turns integers above 64 bits into floats and cannot be stopped, and over cel-python's own
evaluator (400 us) because it refuses and cannot be stopped either; here an evaluation takes a few microseconds.

An expression sees the values it is given and nothing else. Its text, nesting, comprehensions and steps are bounded.
Left out of CEL: bytes, unsigned integers, messages, timestamps (RFC 3339 strings compare as strings), type values.
Added: `sum`, `min`, `max`, `round`, `abs` over numbers or a list of them.
"""

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from gtm.errors import ConfigError, ExpressionError
from gtm.types import Json
from gtm.world import cel_values as cel
from gtm.world.cel_values import CelError, Meter, Spent

if TYPE_CHECKING:
    from lark import Token, Tree

MAX_TEXT = 1_000
"""Characters of an expression."""

MAX_DEPTH = 40
"""Operators within operators."""

MAX_LOOPS = 2
"""Comprehensions within comprehensions."""

Code = Callable[[Mapping[str, Json], Meter], Json]
"""A compiled expression: its variables and its budget in, its value out."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    text: str
    names: frozenset[str]
    """Variables it reads."""
    fields: frozenset[tuple[str, str]]
    """(variable, field) pairs it cannot do without: `state.balance` gives ("state", "balance"); `has` excuses one."""
    _code: Code = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, names: Collection[str] = ("args",)) -> "Expression":
        """An expression over these variables. Raises ConfigError naming the expression and what is wrong."""
        if not isinstance(text, str):
            raise ConfigError(f"an expression is a string; got {text!r:.60}")
        if len(text) > MAX_TEXT:
            raise ConfigError(f"the expression {text[:40]!r}... has {len(text)} characters; at most {MAX_TEXT}")
        try:
            reader = _Reader(frozenset(names))
            code = reader.read(_tree(text), _Place())
        except CelError as error:
            raise ConfigError(f"the expression {text!r} cannot be read: {error}") from None
        return cls(text, frozenset(reader.used), frozenset(reader.fields - reader.excused), code)

    def evaluate(self, values: Mapping[str, Json]) -> Json:
        """Its value, sharing parts with the values given. Raises ExpressionError naming expression and cause."""
        try:
            return self._code(values, Meter(cel.STEPS))
        except CelError as error:
            cause = str(error)
        except RecursionError:
            cause = "its values are nested too deeply"
        except (ArithmeticError, ValueError) as error:
            cause = str(error)
        raise ExpressionError(f"the expression {self.text!r} has no value: {cause}")


@cache
def _parser() -> Any:
    from celpy.celparser import CELParser

    return CELParser()


def _tree(text: str) -> "Tree[Token]":
    parser = _parser()
    from celpy.celparser import CELParseError
    from lark.exceptions import LarkError

    try:
        tree: Tree[Token] = parser.parse(text)
    except CELParseError as error:
        at = f"column {error.column}" if error.column and error.column > 0 else "the end"
        raise CelError(f"it is no CEL (see {at})") from None
    except LarkError:
        raise CelError("it is no CEL") from None
    return tree


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an expression the reader is."""

    depth: int = 0
    loops: int = 0
    local: frozenset[str] = frozenset()

    def inner(self) -> "_Place":
        if self.depth >= MAX_DEPTH:
            raise CelError(f"it is nested more than {MAX_DEPTH} deep")
        return _Place(self.depth + 1, self.loops, self.local)

    def loop(self, name: str) -> "_Place":
        if self.loops >= MAX_LOOPS:
            raise CelError(f"it has more than {MAX_LOOPS} comprehensions (all, exists, map, filter) in one another")
        return _Place(self.depth, self.loops + 1, self.local | {name})


_SIGNS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}


class _Reader:
    """Turns a syntax tree into nested functions."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.used: set[str] = set()
        self.fields: set[tuple[str, str]] = set()
        self.excused: set[tuple[str, str]] = set()

    def read(self, tree: "Tree[Token]", place: _Place) -> Code:
        """The code of a tree."""
        tree = _unwrapped(tree)
        read = getattr(self, f"_{tree.data}", None)
        if read is None:
            raise CelError(f"{str(tree.data).replace('_', ' ')} is not supported")
        code: Code = read(tree.children, place.inner())
        return code

    def _expr(self, parts: list[Any], place: _Place) -> Code:
        condition, then, other = (self.read(part, place) for part in parts)
        return lambda values, meter: (then if cel.truth(condition(values, meter)) else other)(values, meter)

    def _conditionalor(self, parts: list[Any], place: _Place) -> Code:
        return _logical(self.read(parts[0], place), self.read(parts[1], place), decisive=True)

    def _conditionaland(self, parts: list[Any], place: _Place) -> Code:
        return _logical(self.read(parts[0], place), self.read(parts[1], place), decisive=False)

    def _binary(self, parts: list[Any], place: _Place, apply: Callable[..., Json]) -> Code:
        sign = _SIGNS[str(parts[0].data)]
        left, right = self.read(parts[0].children[0], place), self.read(parts[1], place)
        return lambda values, meter: apply(sign, left(values, meter), right(values, meter), meter)

    def _relation(self, parts: list[Any], place: _Place) -> Code:
        return self._binary(parts, place, cel.compare)

    def _addition(self, parts: list[Any], place: _Place) -> Code:
        return self._binary(parts, place, cel.arithmetic)

    _multiplication = _addition

    def _unary(self, parts: list[Any], place: _Place) -> Code:
        inner = self.read(parts[1], place)
        if parts[0].data == "unary_not":
            return lambda values, meter: not cel.truth(inner(values, meter))
        return lambda values, meter: cel.negated(inner(values, meter))

    def _ident(self, parts: list[Any], place: _Place) -> Code:
        name = str(parts[0])
        if name not in place.local:
            if name not in self.names:
                known = sorted(self.names | place.local)
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]!r}?" if close else "it may read " + (", ".join(known) or "nothing")
                raise CelError(f"it knows no {name!r}; {hint}")
            self.used.add(name)
        return lambda values, meter: cel.member(values, name)

    def _member_dot(self, parts: list[Any], place: _Place) -> Code:
        owner, name = _unwrapped(parts[0]), str(parts[1])
        if owner.data == "ident" and str(owner.children[0]) not in place.local:
            self.fields.add((str(owner.children[0]), name))
        inner = self.read(owner, place)
        return lambda values, meter: cel.member(inner(values, meter), name)

    def _member_index(self, parts: list[Any], place: _Place) -> Code:
        inner, at = self.read(parts[0], place), self.read(parts[1], place)
        return lambda values, meter: cel.item(inner(values, meter), at(values, meter))

    def _member_dot_arg(self, parts: list[Any], place: _Place) -> Code:
        name = str(parts[1])
        given = parts[2].children if len(parts) > 2 else []
        if name in _LOOPS:
            return self._loop(name, parts[0], given, place)
        return self._call(name, [parts[0], *given], place)

    def _ident_arg(self, parts: list[Any], place: _Place) -> Code:
        name = str(parts[0])
        given = parts[1].children if len(parts) > 1 else []
        return self._has(given, place) if name == "has" else self._call(name, given, place)

    def _call(self, name: str, given: list[Any], place: _Place) -> Code:
        if name not in cel.FUNCTIONS:
            close = difflib.get_close_matches(name, [*cel.FUNCTIONS, *_LOOPS, "has"], 1)
            hint = f"did you mean {close[0]!r}?" if close else "known are " + ", ".join(sorted(cel.FUNCTIONS))
            raise CelError(f"it knows no function {name!r}; {hint}")
        function, fewest, most = cel.FUNCTIONS[name]
        if not fewest <= len(given) <= most:
            raise CelError(f"{name}() takes {fewest}{f' to {most}' if most > fewest else ''} arguments")
        codes = [self.read(one, place) for one in given]

        def call(values: Mapping[str, Json], meter: Meter) -> Json:
            meter.pay(1)
            return function(meter, *(code(values, meter) for code in codes))

        return call

    def _has(self, given: list[Any], place: _Place) -> Code:
        """Whether a field is there; a path that breaks off earlier is not there either."""
        target = _unwrapped(given[0]) if len(given) == 1 else None
        if target is None or target.data != "member_dot":
            raise CelError("has() takes one field, like has(args.name)")
        parts: list[Any] = target.children
        owner = _unwrapped(parts[0])
        if owner.data == "ident":
            self.excused.add((str(owner.children[0]), str(parts[1])))
        code = self.read(target, place)

        def has(values: Mapping[str, Json], meter: Meter) -> bool:
            try:
                code(values, meter)
            except Spent:
                raise
            except CelError:
                return False
            return True

        return has

    def _loop(self, name: str, over: Any, given: list[Any], place: _Place) -> Code:
        if len(given) != 2 and not (name == "map" and len(given) == 3):
            raise CelError(f"{name}() takes a name and an expression, like {name}(x, x > 0)")
        variable = _unwrapped(given[0])
        if variable.data != "ident":
            raise CelError(f"the first argument of {name}() is a plain name")
        local = str(variable.children[0])
        items = self.read(over, place)
        bodies = [self.read(body, place.loop(local)) for body in given[1:]]
        cost = sum(1 for part in given[1:] for _ in part.iter_subtrees()) // 8 + 1
        loop = _LOOPS[name]

        def run(values: Mapping[str, Json], meter: Meter) -> Json:
            scope = dict(values)

            def step(body: Code, value: Json) -> Json:
                meter.pay(cost)
                scope[local] = value
                return body(scope, meter)

            return loop(_items(items(values, meter)), bodies, step)

        return run

    def _list_lit(self, parts: list[Any], place: _Place) -> Code:
        codes = [self.read(part, place) for part in (parts[0].children if parts else ())]
        return lambda values, meter: [code(values, meter) for code in codes]

    def _map_lit(self, parts: list[Any], place: _Place) -> Code:
        codes = [self.read(part, place) for part in (parts[0].children if parts else ())]

        def build(values: Mapping[str, Json], meter: Meter) -> Json:
            built = {
                key(values, meter): value(values, meter) for key, value in zip(codes[::2], codes[1::2], strict=True)
            }
            if not all(isinstance(key, str) for key in built):
                raise CelError("the keys of a map are strings")
            return built

        return build

    def _literal(self, parts: list[Any], place: _Place) -> Code:
        value = _literal(parts[0])
        return lambda values, meter: value


def _unwrapped(tree: "Tree[Token]") -> "Tree[Token]":
    """The innermost node that says something: the grammar wraps each operand in every level of precedence."""
    from lark import Tree

    while len(tree.children) == 1 and tree.data in _WRAPPERS:
        inner = tree.children[0]
        assert isinstance(inner, Tree)
        tree = inner
    return tree


_WRAPPERS = frozenset(
    "expr conditionalor conditionaland relation addition multiplication unary member primary paren_expr".split()
)


def _literal(token: "Token") -> Json:
    text = str(token)
    if token.type in {"STRING_LIT", "MLSTRING_LIT"}:
        return cel.unquoted(text)
    if token.type == "INT_LIT":
        return int(text, 16 if "x" in text else 10)
    if token.type == "FLOAT_LIT":
        number = float(text)
        if not math.isfinite(number):
            raise CelError(f"the number {text!r:.40} is too large")
        return number
    if token.type == "BOOL_LIT":
        return text == "true"
    if token.type == "NULL_LIT":
        return None
    raise CelError(f"{text!r} is not supported (bytes and unsigned integers are no JSON)")


def _logical(left: Code, right: Code, *, decisive: bool) -> Code:
    """`||` and `&&`: one side that decides is enough, whatever error the other side has."""

    def decide(values: Mapping[str, Json], meter: Meter) -> bool:
        try:
            first = cel.truth(left(values, meter))
        except Spent:
            raise
        except CelError:
            if cel.truth(right(values, meter)) is decisive:
                return decisive
            raise
        return decisive if first is decisive else cel.truth(right(values, meter))

    return decide


def _items(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value)
    if not isinstance(value, list):
        raise CelError(f"a comprehension needs a list or a map, not {cel.kind(value)}")
    return value


Step = Callable[[Code, Json], Json]


def _all(items: list[Json], bodies: list[Code], step: Step) -> Json:
    return all(cel.truth(step(bodies[0], one)) for one in items)


def _exists(items: list[Json], bodies: list[Code], step: Step) -> Json:
    return any(cel.truth(step(bodies[0], one)) for one in items)


def _exists_one(items: list[Json], bodies: list[Code], step: Step) -> Json:
    return sum(cel.truth(step(bodies[0], one)) for one in items) == 1


def _filter(items: list[Json], bodies: list[Code], step: Step) -> Json:
    return [one for one in items if cel.truth(step(bodies[0], one))]


def _map(items: list[Json], bodies: list[Code], step: Step) -> Json:
    return [step(bodies[-1], one) for one in items if len(bodies) == 1 or cel.truth(step(bodies[0], one))]


_LOOPS: dict[str, Callable[[list[Json], list[Code], Step], Json]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
