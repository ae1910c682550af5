"""Secrets and personal data out of rows: found by what they look like or are called, replaced by stand-ins.

Works on JSON text as it is written, at any level of quoting at once, so that arguments, prompt, answer and target of
a session keep agreeing: a stand-in is a function of the value alone, keeps its form, and no rule ever takes a quote
or a backslash. What no rule knows stays (names of people, postal addresses).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from gtm.simulator.redact import REDACTED
from gtm.types import Source

ROLES = frozenset(
    "info support noreply no-reply admin sales help contact hello hostmaster webmaster postmaster abuse root".split()
)
"""Local parts of addresses that are nobody's own."""

_RESERVED = re.compile(
    r"(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local|internal|gserviceaccount\.com)$"
)
_FILES = frozenset("png jpg jpeg gif svg webp js css json xml html md txt py rb go tar gz zip yaml yml".split())
_TEST_CARDS = frozenset(
    "4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444 5105105105105100"
    " 2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424 30569309025904".split()
)
_NO_SECRETS = frozenset({"", "string", "true", "false", "null", "none", *get_args(Source)})
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_ESCAPED = b"nrtbf"
_LONGEST_LOCAL = 64


@dataclass(frozen=True, slots=True)
class _Rule:
    """Where a hint stands, the pattern is matched; so a text is searched at the speed of `bytes.find`."""

    kind: str
    hints: tuple[bytes, ...]
    """In lower case."""
    pattern: re.Pattern[bytes]
    """What begins at a hint; its group `value` is what is replaced."""
    stand_in: Callable[[str], str | None]
    """What takes the place of the value; None where it may stay."""
    backwards: bool = False
    """Whether the value begins before its hint, as the name before an `@`."""


def mask(text: bytes) -> tuple[bytes, Counter[str]]:
    """JSON text without what is secret or personal, and how many of each kind were replaced."""
    counts: Counter[str] = Counter()
    lower = text.lower()
    for rule in _RULES:
        pieces, end = [], 0
        for start, stop in sorted(span for hint in rule.hints for span in _spans(rule, hint, text, lower)):
            value = text[start:stop].decode("utf-8", "replace")
            stand_in = rule.stand_in(value) if start >= end else None
            if stand_in is not None and stand_in != value:
                pieces += [text[end:start], stand_in.encode()]
                end = stop
                counts[rule.kind] += 1
        if pieces:
            text = b"".join([*pieces, text[end:]])
            lower = text.lower()
    return text, counts


def found(text: bytes) -> set[bytes]:
    """What `mask` would replace; nothing in it is quoted or escaped."""
    values: set[bytes] = set()
    lower = text.lower()
    for rule in _RULES:
        for start, stop in (span for hint in rule.hints for span in _spans(rule, hint, text, lower)):
            value = text[start:stop].decode("utf-8", "replace")
            if rule.stand_in(value) not in (None, value):
                values.add(text[start:stop])
    return values


def _spans(rule: _Rule, hint: bytes, text: bytes, lower: bytes) -> Iterator[tuple[int, int]]:
    at = lower.find(hint)
    while at >= 0:
        match = rule.pattern.match(text, at)
        if match is not None:
            start, stop = match.span("value")
            if rule.backwards:
                start = _start(text, at)
            if start < stop and (not rule.backwards or start < at):
                yield start, stop
        at = lower.find(hint, at + len(hint))


def _start(text: bytes, at: int) -> int:
    """Where the name before an `@` begins; the letter of an escape is no part of it."""
    before = text[max(0, at - _LONGEST_LOCAL) : at]
    start = at - (len(before) - len(before.rstrip(_LOCAL)))
    return start + 1 if text[start - 1 : start] == b"\\" and text[start : start + 1] in _ESCAPED else start


def _number(value: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(value.encode("utf-8", "replace")).digest()[:8], "big") % below


def _redacted(value: str) -> str | None:
    return None if "EXAMPLE" in value else REDACTED


def _named_secret(value: str) -> str | None:
    """A secret's name also stands before types, placeholders, what says nothing, and in provenance."""
    plain = value.strip("*<>[]{}$ ").lower()
    return None if plain in _NO_SECRETS or "redacted" in plain else REDACTED


def _email(value: str) -> str | None:
    local, _, domain = value.lower().rpartition("@")
    if _RESERVED.search(domain) or domain.rpartition(".")[2] in _FILES or local == "git":
        return None
    if local in ROLES:
        return f"{local}@example.com"
    return f"user{_number(value.lower(), 10**6):06d}@example.com"


def _phone(value: str) -> str | None:
    """A number kept for fiction, 555-01xx, in the form of the one that was there."""
    digits = re.sub(r"\D", "", value)
    if len(digits) < 8 or digits[-7:-4] == "555" or "123456" in digits or len(set(digits)) < 3:
        return None
    kept = iter(digits[: len(digits) - 7] + f"55501{_number(digits, 100):02d}")
    return re.sub(r"\d", lambda _: next(kept), value)


def _card(value: str) -> str | None:
    digits = re.sub(r"\D", "", value)
    if digits in _TEST_CARDS or not _passes_luhn(digits):
        return None
    kept = iter("4242424242424242" if len(digits) >= 16 else "378282246310005")
    return re.sub(r"\d", lambda _: next(kept, ""), value)


def _passes_luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _iban(given: str) -> str | None:
    value = given.replace(" ", "").upper()
    if _remainder(value) != 1 or len(set(re.sub(r"\D", "", value[4:]))) < 4:
        return None
    digits = iter(f"{_number(value, 100):02d}".rjust(len(value), "0")[-sum(map(str.isdigit, value[4:])) :])
    body = "".join(next(digits) if character.isdigit() else character for character in value[4:])
    made = iter(f"{value[:2]}{98 - _remainder(f'{value[:2]}00{body}'):02d}{body}")
    return re.sub(r"\S", lambda _: next(made), given)


def _remainder(iban: str) -> int:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97


def _named(value: str, name: str) -> re.Pattern[bytes]:
    """A field whose name ends with `name`, with the text that it holds, at any level of quoting."""
    pattern = rf'{name}(?P<q>\\*)"\s{{0,2}}:\s{{0,2}}(?P=q)"(?P<value>{value})(?P=q)"'
    return re.compile(pattern.encode(), re.I)


_DIGITS = r"\+?\(?\d[\d ().-]{6,20}\d"
_RULES = (
    _Rule(
        "private_key",
        (b"private key-----",),
        re.compile(rb"private key-----(?P<value>(?:[A-Za-z0-9+/=:, ]|\\+[nr])+)", re.I),
        lambda value: REDACTED,
    ),
    _Rule(
        "token",
        (b"bearer ", b"basic "),
        re.compile(rb"(?:bearer|basic) +(?P<value>[A-Za-z0-9._~+/=-]{16,})", re.I),
        _redacted,
    ),
    _Rule(
        "token",
        (b"eyj",),
        re.compile(rb"(?P<value>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"),
        _redacted,
    ),
    _Rule(
        "token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"npm_", b"ya29."),
        re.compile(rb"(?P<value>[a-z0-9]+[_.-](?:pat_)?[A-Za-z0-9_-]{16,})"),
        _redacted,
    ),
    _Rule("token", (b"akia", b"asia"), re.compile(rb"(?P<value>(?:AKIA|ASIA)[0-9A-Z]{16})\b"), _redacted),
    _Rule(
        "token",
        (b"sk-", b"sk_live", b"sk_test", b"rk_live", b"xoxb-", b"xoxp-", b"xoxa-"),
        re.compile(rb"(?P<value>[a-z]+[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,})(?<!\w{8}-\w{4}-\w{4}-\w{4}-\w{12})"),
        _redacted,
    ),
    _Rule("token", (b"aiza",), re.compile(rb"(?P<value>AIza[0-9A-Za-z_-]{35})"), _redacted),
    _Rule("login", (b"://",), re.compile(rb"://(?P<value>[^/\s:@\"\\]{1,80}:[^/\s@\"\\]{1,80})@"), _redacted),
    _Rule(
        "token",
        (b"token=", b"key=", b"sig=", b"signature=", b"password=", b"secret="),
        re.compile(rb"\w+=(?P<value>(?=[^&\s\"'#\\]*\d)[^&\s\"'#\\<>,;(){}]{16,})"),
        _redacted,
    ),
    _Rule(
        "secret",
        (b"password", b"passwd", b"pwd", b"passphrase", b"api_key", b"apikey", b"api-key", b"authorization"),
        _named(r'[^"\\\n]{4,}', "(?:password|passwd|pwd|passphrase|api[_-]?key|authorization)"),
        _named_secret,
    ),
    _Rule(
        "secret",
        (b"secret", b"access", b"refresh", b"auth", b"private", b"client"),
        _named(
            r'[^"\\\n]{4,}',
            "(?:(?:client[_-]?)?secret(?:[_-]?(?:access[_-]?)?key)?|private[_-]?key|(?:access|refresh|auth)[_-]?token)",
        ),
        _named_secret,
    ),
    _Rule(
        "email",
        (b"@",),
        re.compile(rb"@(?P<value>(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24})"),
        _email,
        backwards=True,
    ),
    _Rule("phone", (b"phone", b"mobile", b"fax", b"msisdn", b"whatsapp"), _named(_DIGITS, r"\w[\w-]*?"), _phone),
    _Rule(
        "phone",
        (b"+",),
        re.compile(rb"(?P<value>\+\d{1,3}[ .-]\(?\d{2,4}\)?[ .-]\d{2,4}(?:[ .-]?\d{2,4}){1,3})(?![\w-])"),
        _phone,
    ),
    _Rule("card", (b"card", b"pan"), _named(r"[2-6](?:[ -]?\d){12,18}", r"\w[\w-]*?"), _card),
    _Rule(
        "iban", (b"iban",), _named(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?", r"\w[\w-]*?"), _iban
    ),
)
