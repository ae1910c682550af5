"""Believable values for a name and a format: what a field called `email`, `created_at` or `price` might hold.

A function of its arguments and a seeded generator; the clock is never read (times fall in 2024 and 2025). Bounds are
kept where they can be; patterns are `gtm.tools.patterns`' work, and whether a value is valid is the validator's.
"""

import random
import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from gtm.tools.leaf import LARGEST, integer_bounds
from gtm.tools.merge import Schema
from gtm.tools.patterns import string_for
from gtm.tools.validator import matcher

_FIRST = ("Ada", "Ben", "Chloe", "Dario", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Mona")
_LAST = ("Abbott", "Brandt", "Costa", "Diaz", "Eriksen", "Fischer", "Garcia", "Hughes", "Ito", "Keller", "Lopez")
_CITIES = ("Lisbon", "Oslo", "Austin", "Kyoto", "Leeds", "Turin", "Quito", "Nairobi", "Ghent", "Denver", "Pune")
_COUNTRIES = ("Portugal", "Norway", "Japan", "Italy", "Kenya", "Belgium", "Canada", "India", "Spain")
_COUNTRY_CODES = ("PT", "NO", "US", "JP", "GB", "IT", "KE", "BE", "CA", "IN", "ES")
_CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "CAD")
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "ja")
_LOCALES = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pt-PT")
_ZONES = ("Europe/Lisbon", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "UTC")
_STATUSES = ("active", "pending", "completed", "inactive", "draft")
_COLORS = ("blue", "green", "red", "amber", "teal", "violet")
_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2", "eu-central-1")
_STREETS = ("Harbor Street", "Mill Lane", "Elm Avenue", "Station Road", "Castle Hill")
_COMPANIES = ("Northwind", "Bluefin Labs", "Harbor & Sons", "Larkspur", "Meridian Works", "Copperleaf")
_ROLES = ("admin", "member", "viewer", "owner", "editor")
_NOUNS = (
    *("harbor", "lantern", "orchard", "summit", "meadow", "anchor", "comet", "willow"),
    *("granite", "river", "falcon", "cedar", "signal", "atlas", "ember", "canyon"),
)
_ADJECTIVES = ("quiet", "bright", "northern", "steady", "amber", "open", "early", "lasting", "simple", "deep")
_SENTENCES = (
    "A short summary of the {0}.",
    "Handles the {0} for the {1} team.",
    "The {1} {0} as last reviewed.",
    "Keeps the {0} in step with the {1} plan.",
    "Notes on the {1} {0}.",
)
_LETTERS = string.ascii_lowercase
_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_START, _END = 1_704_067_200, 1_767_225_599

Maker = Callable[[random.Random], str]


def text(shape: Schema, rng: random.Random, name: str) -> str:
    """A string for a shape of type string and the name it goes by."""
    low, high = int(shape.get("minLength", 0)), shape.get("maxLength")
    high = None if high is None else int(high)
    pattern = shape.get("pattern")
    value = _free_text(shape.get("format"), rng, name)
    if pattern is not None:
        check = matcher(pattern) if shape.get("format") in FORMATS else None
        for candidate in (value, value.upper()):
            if check is not None and low <= len(candidate) and check.is_valid(candidate):
                return candidate
        matched = string_for(pattern, rng, low, high)
        return matched if matched is not None else value
    if shape.get("format") in FORMATS:
        if low <= len(value) and (high is None or len(value) <= high):
            return value
        short = _SHORT.get(shape["format"])
        if "T" in value and value.endswith("Z") and low <= 30:
            return f"{value[:-1]}.{'0' * max(3, low - 21)}Z"
        if short is not None:
            return _stretch(short, low, rng)
    return _fit(value, low, high, rng)


def knows(name: str) -> bool:
    """Whether a text's name alone says what it may hold."""
    tokens = _tokens(name)
    return any(token in _BY_NAME for token in ("_".join(tokens[-2:]), *tokens))


def integer(shape: Schema, rng: random.Random, name: str) -> int:
    """An integer within the bounds, near what the name suggests."""
    low, high = integer_bounds(shape)
    start, end = _range(name)
    if shape.get("format") == "unix-time" or (end > 10_000_000 and shape.get("format") == "int32" and low is None):
        start, end = _START, _END
    if low is not None and (low > start or (high is not None and high < start)):
        start = low
    elif high is not None and high < start:
        start = high - 100
    end = max(start, end if end >= start else start + 100)
    if high is not None:
        end = min(end, high)
    value = rng.randint(start, max(start, end))
    step = shape.get("multipleOf")
    if isinstance(step, int | float) and step > 0 and value % step:
        value = int((value // step) * step)
        while low is not None and value < low:
            value = int(value + max(step, 1))
    return value


def number(shape: Schema, rng: random.Random, name: str) -> float:
    """A number within the bounds, with two decimals where that is fine enough."""
    low = max(shape.get("minimum", float("-inf")), shape.get("exclusiveMinimum", float("-inf")))
    high = min(shape.get("maximum", float("inf")), shape.get("exclusiveMaximum", float("inf")))
    low = low if low > -LARGEST else float("-inf")
    high = high if high < LARGEST else float("inf")
    start, end = _REALS.get(_tokens(name)[-1], (1.0, 500.0))
    if low > start or high < end:
        start = low if low > float("-inf") else min(start, high - 100)
        end = high if high < float("inf") else max(end, start + 100)
    step = shape.get("multipleOf")
    if step:
        return float(round(min(max(round(rng.uniform(start, end) / step), -1e15), 1e15) * step, 10))
    value = start + (end - start) * rng.random()
    rounded = round(value, 2)
    if start < rounded < end:
        return rounded
    return value if start < value < end else (start + end) / 2


def _free_text(form: str | None, rng: random.Random, name: str) -> str:
    if form is not None and form in FORMATS:
        return FORMATS[form](rng)
    tokens = _tokens(name)
    if len(tokens) > 1 and tokens[-1] == "by":
        return _person(rng)
    for token in ("_".join(tokens[-2:]), *reversed(tokens)):
        if token in _BY_NAME:
            return _BY_NAME[token](rng)
    if len(tokens) > 1 and tokens[-1] in ("from", "to"):
        return _person(rng)
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"


def _stretch(short: str, low: int, rng: random.Random) -> str:
    """The shortest value of a format, made longer where it has room for any letters (`|`)."""
    before, _, after = short.partition("|")
    return before + "".join(rng.choice(_LETTERS) for _ in range(low - len(before) - len(after))) + after


def _fit(value: str, low: int, high: int | None, rng: random.Random) -> str:
    if high is not None and len(value) > high:
        value = value[:high].rstrip() if high > 3 else value[:high]
    while len(value) < low:
        missing = low - len(value)
        value += f" {rng.choice(_NOUNS)}" if missing > 2 else rng.choice(_LOWER)
        if high is not None and len(value) > high:
            value = value[: high - 1] + "s"
    return value


@lru_cache(maxsize=8192)
def _tokens(name: str) -> tuple[str, ...]:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name[:100])
    return tuple(word.lower() for word in words) or ("",)


def _range(name: str) -> tuple[int, int]:
    tokens = _tokens(name)
    return _INTEGERS.get(tokens[-1], (1, 100))


def _moment(rng: random.Random) -> datetime:
    return datetime.fromtimestamp(rng.randint(_START, _END), UTC)


def _date_time(rng: random.Random) -> str:
    return _moment(rng).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(rng: random.Random) -> str:
    return _moment(rng).strftime("%Y-%m-%d")


def _time(rng: random.Random) -> str:
    return _moment(rng).strftime("%H:%M:%SZ")


def _hex(rng: random.Random, count: int) -> str:
    return f"{rng.getrandbits(count * 4):0{count}x}"


def _uuid(rng: random.Random) -> str:
    digits = _hex(rng, 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _person(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _email(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}@example.com".lower()


def _host(rng: random.Random) -> str:
    return f"{rng.choice(_NOUNS)}.example.com"


def _url(rng: random.Random) -> str:
    return f"https://{_host(rng)}/{rng.choice(_NOUNS)}/{rng.randint(1, 999)}"


def _sentence(rng: random.Random) -> str:
    return rng.choice(_SENTENCES).format(rng.choice(_NOUNS), rng.choice(_ADJECTIVES))


def _title(rng: random.Random) -> str:
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}".title()


def _slug(rng: random.Random) -> str:
    return f"{rng.choice(_ADJECTIVES)}-{rng.choice(_NOUNS)}"


def _identifier(rng: random.Random) -> str:
    return "".join(rng.choice(_LOWER) for _ in range(12))


def _base64(rng: random.Random) -> str:
    return "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(16))


def _phone(rng: random.Random) -> str:
    return f"+1-202-555-0{rng.randint(100, 199)}"


def _version(rng: random.Random) -> str:
    return f"{rng.randint(0, 4)}.{rng.randint(0, 12)}.{rng.randint(0, 9)}"


def _ipv4(rng: random.Random) -> str:
    return f"203.0.113.{rng.randint(1, 254)}"


def _amount(rng: random.Random) -> str:
    return f"{rng.randint(1, 499)}.{rng.randint(0, 99):02d}"


def _numeral(rng: random.Random) -> str:
    return str(rng.randint(1, 999))


def _one_of(choices: tuple[str, ...]) -> Maker:
    return lambda rng: rng.choice(choices)


FORMATS: dict[str, Maker] = {
    "date-time": _date_time,
    **dict.fromkeys(("google-datetime", "datetime", "dateTime", "iso-datetime", "timestamp"), _date_time),
    "date": _date,
    "time": _time,
    "duration": lambda rng: f"PT{rng.randint(1, 59)}M",
    "google-duration": lambda rng: f"{rng.randint(1, 3600)}s",
    "google-fieldmask": lambda rng: rng.choice(_NOUNS),
    "email": _email,
    "idn-email": _email,
    "uuid": _uuid,
    "guid": _uuid,
    **dict.fromkeys(("uri", "url", "iri"), _url),
    **dict.fromkeys(("uri-reference", "iri-reference"), lambda rng: f"/{rng.choice(_NOUNS)}/{rng.randint(1, 999)}"),
    "uri-template": lambda rng: f"/{rng.choice(_NOUNS)}/{{id}}",
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": _ipv4,
    "ip": _ipv4,
    "ipv6": lambda rng: f"2001:db8::{rng.randint(1, 65535):x}",
    **dict.fromkeys(("byte", "binary", "base64", "base64url"), _base64),
    "regex": lambda rng: f"^{rng.choice(_NOUNS)}$",
    "json-pointer": lambda rng: f"/{rng.choice(_NOUNS)}",
    "relative-json-pointer": lambda rng: "0",
    **dict.fromkeys(("int64", "uint64", "int32", "uint32", "integer", "unixtime"), _numeral),
    **dict.fromkeys(("decimal", "double", "float"), _amount),
    "slug": _slug,
    **dict.fromkeys(("phone", "phone-number"), _phone),
    "date-time-rfc1123": lambda rng: _moment(rng).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    "date-time-rfc-2822": lambda rng: _moment(rng).strftime("%a, %d %b %Y %H:%M:%S +0000"),
    "semver": _version,
}
"""Formats this module writes; those that the validator knows are all among them."""

_SHORT = {
    **dict.fromkeys(("email", "idn-email"), "a|@b.co"),
    **dict.fromkeys(("uri", "url", "iri"), "urn:a|"),
    **dict.fromkeys(("uri-reference", "iri-reference", "uri-template", "json-pointer"), "/|"),
    **dict.fromkeys(("hostname", "idn-hostname"), "a|"),
    **dict.fromkeys(("byte", "binary", "base64", "base64url", "slug", "regex", "google-fieldmask"), "|"),
    "duration": "P1D",
    "ipv4": "1.1.1.1",
    "ipv6": "::1",
}
"""The shortest value of a format; `|` marks where any letters may be put."""

_BY_NAME: dict[str, Maker] = {
    **dict.fromkeys(("email", "mail"), _email),
    **dict.fromkeys(("id", "key", "ref", "reference", "etag", "cursor", "hash", "guid"), _identifier),
    **dict.fromkeys(("uuid",), _uuid),
    **dict.fromkeys(("token", "secret", "signature"), _base64),
    **dict.fromkeys(("sha", "digest", "checksum"), lambda rng: _hex(rng, 40)),
    **dict.fromkeys(("arn",), lambda rng: f"arn:aws:example:us-east-1:123456789012:{rng.choice(_NOUNS)}"),
    **dict.fromkeys(("at", "timestamp", "created", "updated", "modified", "expires", "datetime"), _date_time),
    **dict.fromkeys(("date", "day", "birthday"), _date),
    **dict.fromkeys(("time",), _time),
    **dict.fromkeys(("url", "uri", "link", "href", "website", "homepage", "image", "avatar", "photo"), _url),
    **dict.fromkeys(("host", "hostname", "domain"), _host),
    **dict.fromkeys(("ip", "address4"), _ipv4),
    **dict.fromkeys(("first", "firstname", "given"), _one_of(_FIRST)),
    **dict.fromkeys(("last", "lastname", "surname", "family"), _one_of(_LAST)),
    **dict.fromkeys(("author", "owner", "user", "assignee", "creator", "customer", "contact", "person"), _person),
    **dict.fromkeys(("username", "login", "handle", "slug"), _slug),
    **dict.fromkeys(("name", "title", "label", "subject", "display"), _title),
    **dict.fromkeys(
        ("company", "organization", "organisation", "vendor", "brand", "manufacturer"), _one_of(_COMPANIES)
    ),
    **dict.fromkeys(
        (
            "description",
            "summary",
            "message",
            "comment",
            "note",
            "notes",
            "text",
            "body",
            "content",
            "details",
            "detail",
            "bio",
            "reason",
            "abstract",
            "caption",
        ),
        _sentence,
    ),
    **dict.fromkeys(("city", "town", "location", "place"), _one_of(_CITIES)),
    **dict.fromkeys(("country",), _one_of(_COUNTRIES)),
    **dict.fromkeys(("street", "address"), lambda rng: f"{rng.randint(1, 200)} {rng.choice(_STREETS)}"),
    **dict.fromkeys(("postcode", "postal", "zip", "zipcode"), lambda rng: f"{rng.randint(10000, 99999)}"),
    **dict.fromkeys(("phone", "mobile", "telephone", "fax"), _phone),
    **dict.fromkeys(("currency",), _one_of(_CURRENCIES)),
    **dict.fromkeys(("language", "lang"), _one_of(_LANGUAGES)),
    **dict.fromkeys(("locale",), _one_of(_LOCALES)),
    **dict.fromkeys(("timezone", "zone", "tz"), _one_of(_ZONES)),
    **dict.fromkeys(("region",), _one_of(_REGIONS)),
    **dict.fromkeys(("status", "state", "phase"), _one_of(_STATUSES)),
    **dict.fromkeys(("color", "colour"), _one_of(_COLORS)),
    **dict.fromkeys(("role",), _one_of(_ROLES)),
    "country_code": _one_of(_COUNTRY_CODES),
    "currency_code": _one_of(_CURRENCIES),
    "language_code": _one_of(_LANGUAGES),
    **dict.fromkeys(("zip_code", "postal_code"), lambda rng: f"{rng.randint(10000, 99999)}"),
    "time_zone": _one_of(_ZONES),
    "status_code": lambda rng: "200",
    **dict.fromkeys(("first_name", "given_name"), _one_of(_FIRST)),
    **dict.fromkeys(("last_name", "family_name"), _one_of(_LAST)),
    **dict.fromkeys(("full_name", "owner_name", "author_name", "customer_name"), _person),
    "user_name": _slug,
    "company_name": _one_of(_COMPANIES),
    "file_name": lambda rng: f"{rng.choice(_NOUNS)}.txt",
    **dict.fromkeys(("code",), lambda rng: "".join(rng.choice(_UPPER) for _ in range(6))),
    **dict.fromkeys(("version",), _version),
    **dict.fromkeys(("price", "amount", "total", "cost", "balance", "fee"), _amount),
    **dict.fromkeys(("count", "number", "quantity", "size", "limit", "page"), _numeral),
    **dict.fromkeys(("file", "filename"), lambda rng: f"{rng.choice(_NOUNS)}.txt"),
    **dict.fromkeys(("path",), lambda rng: f"/{rng.choice(_NOUNS)}/{rng.choice(_NOUNS)}"),
    **dict.fromkeys(("tag", "tags", "category", "kind", "type", "group", "topic", "keyword"), _one_of(_NOUNS)),
    **dict.fromkeys(("query", "q", "search"), lambda rng: f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"),
}

_INTEGERS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("id", "ids"), (1, 99_999)),
    **dict.fromkeys(("timestamp", "epoch", "unixtime", "created", "updated"), (_START, _END)),
    **dict.fromkeys(("year",), (2024, 2025)),
    **dict.fromkeys(("month",), (1, 12)),
    **dict.fromkeys(("day",), (1, 28)),
    **dict.fromkeys(("hour", "hours"), (0, 23)),
    **dict.fromkeys(("minute", "minutes", "second", "seconds"), (0, 59)),
    **dict.fromkeys(("age",), (18, 79)),
    **dict.fromkeys(("page", "offset"), (1, 5)),
    **dict.fromkeys(("port",), (1024, 49_151)),
    **dict.fromkeys(("bytes", "size"), (128, 65_536)),
    **dict.fromkeys(("width", "height"), (64, 1920)),
    **dict.fromkeys(("status", "code"), (200, 204)),
}

_REALS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("lat", "latitude"), (-60.0, 70.0)),
    **dict.fromkeys(("lon", "lng", "longitude"), (-170.0, 170.0)),
    **dict.fromkeys(("rating", "stars"), (1.0, 5.0)),
    **dict.fromkeys(("score", "confidence", "probability", "ratio", "rate"), (0.0, 1.0)),
    **dict.fromkeys(("percent", "percentage"), (0.0, 100.0)),
    **dict.fromkeys(("temperature", "temp"), (-5.0, 32.0)),
}
