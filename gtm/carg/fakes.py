"""Believable text by a field's name and description, where `gtm.tools.plausible` has nothing of its own to say.

Faker writes it (people, companies, places, numbers of things), with the caller's generator; what depends on today's
date is never asked of it. Examples that a description names are read from it.
"""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache

from faker import Faker

from gtm.tools import plausible
from gtm.tools.merge import Schema
from gtm.types import Json
from gtm.world.listing import PAGING
from gtm.world.words import flat, singular, words

Maker = Callable[[Faker, random.Random], str]

MAX_EXAMPLES = 12
_START, _END = 1_704_067_200, 1_767_225_599
_MARK = re.compile(
    r"(?:\be\.?g\.?|\bfor (?:example|instance)|\bsuch as|\bexamples?(?: values?)?(?: include| are| is)?|\bi\.e\.)"
    r"[\s,:=-]*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"'`“‘]([^\"'`”’\n]{1,80})[\"'`”’]")
_BETWEEN = re.compile(r"[\s,;/|]*(?:and |or |und )?[\s]*")
_PLAIN = re.compile(r"[A-Za-z0-9$#@+_][\w\-./:+@#%]{0,60}(?=[\s,;)\]]|\.?$|\. )")
_PROSE = frozenset(
    "a an the if when to in for you your this that it its is are use see of by from with and or any all as on at be"
    " only given which where how what will would can could may one two some e.g".split()
)
_WHOLE = frozenset(
    "limit count page offset size quantity number top skip take id year month day hours minutes phone code zip port"
    " lines length width height age results rows items total position index".split()
)
_DATE = re.compile(r"\b[yY]{4}[-/.]?[mM]{2,3}[-/.]?[dD]{2}(?:[T ]?[hH]{2}:?[mM]{2}(?::?[sS]{2})?Z?)?\b")
_DATE_FIRST = re.compile(r"\b[mMdD]{2}[-/.][mMdD]{2}[-/.][yY]{4}\b")


def text(shape: Schema, rng: random.Random, name: str, holder: str = "", locale: str = "en_US") -> str | None:
    """A string by name, what holds it, and its description; None where none of them says anything."""
    if shape.get("format") is None and (said := _dated(shape.get("description", ""), rng)) is not None:
        return said
    if shape.get("format") is not None or "pattern" in shape:
        return None
    parts = words(name)
    last = parts[-1] if parts else ""
    maker = next((BY_NAME[form] for form in (" ".join(parts[-2:]), last, singular(last)) if form in BY_NAME), None)
    if maker is None and parts == ("name",):
        maker = NAMES.get(words(holder)[-1] if words(holder) else "")
    if maker is None and not plausible.knows(name) and plausible.knows(singular(last)):
        return plausible.text({"type": "string"}, rng, singular(last))
    if maker is None and not plausible.knows(name):
        told = shape.get("description", "")
        maker = next((maker for pattern, maker in _BY_DESCRIPTION if pattern.search(told)), None) if told else None
    if maker is not None:
        return maker(_with(locale, rng), rng)
    return None


def _with(locale: str, rng: random.Random) -> Faker:
    """Faker for a locale that draws from our generator."""
    fake = _faker(locale)
    for factory in fake.factories:
        factory.random = rng
    return fake


@cache
def _faker(locale: str) -> Faker:
    return Faker(locale)


def counts(name: str) -> bool:
    """Whether a field holds whole numbers though its type is wider."""
    return bool(set(words(name)[-1:]) & _WHOLE)


def paging(name: str, rng: random.Random) -> int | None:
    """What an argument that cuts a list is usually given; None for any other."""
    return rng.choice(_CUTS[PAGING[flat(name)]]) if flat(name) in PAGING else None


_CUTS = {"limit": (5, 10, 10, 20, 25, 50, 100), "offset": (0, 0, 10, 20, 50), "page": (1, 1, 1, 2, 3)}


@lru_cache(maxsize=8192)
def examples_in(description: str, kind: str) -> tuple[Json, ...]:
    """The values that a description gives as examples, in the type that is asked for."""
    found: list[str] = []
    for mark in list(_MARK.finditer(description))[:3]:
        found += _listed(description, mark.end())
    if kind == "string":
        return tuple(dict.fromkeys(found))[:MAX_EXAMPLES]
    if kind == "integer":
        return tuple(int(one) for one in dict.fromkeys(found) if re.fullmatch(r"-?\d{1,15}", one))
    if kind == "number":
        return tuple(float(one) for one in dict.fromkeys(found) if re.fullmatch(r"-?\d{1,12}(\.\d{1,10})?", one))
    return ()


def _listed(text: str, at: int) -> list[str]:
    """Quoted values, or plain ones without spaces, from a place on."""
    found: list[str] = []
    while len(found) < MAX_EXAMPLES:
        gap = _BETWEEN.match(text, at)
        at = gap.end() if gap is not None else at
        quoted = _QUOTED.match(text, at)
        plain = None if quoted else _PLAIN.match(text, at)
        if quoted is not None:
            value, at = quoted.group(1).strip(" ,."), quoted.end()
        elif plain is not None and _is_value(plain.group().rstrip(".:,")) and not _goes_on(text, plain.end()):
            value, at = plain.group().rstrip(".:,"), plain.end()
        else:
            break
        if value and "{" not in value and "<" not in value:
            found.append(value)
    return found


def _is_value(word: str) -> bool:
    return word.lower() not in _PROSE and word != ""


def _goes_on(text: str, at: int) -> bool:
    """Whether a plain word is followed by prose: then it is a part of a sentence."""
    rest = text[at:]
    return bool(re.match(r"\s+[a-zA-Z]", rest)) and not re.match(r"\s+(and|or) ", rest)


def _dated(description: str, rng: random.Random) -> str | None:
    """A date in the form that a description spells."""
    found = _DATE.search(description) or _DATE_FIRST.search(description)
    if found is None:
        return None
    form = found.group()
    moment = datetime.fromtimestamp(rng.randint(_START, _END), UTC)
    date, gap, clock = form, "", ""
    split = re.search(r"[T ]|(?<=[dD]{2})(?=[hH])", form)
    if split is not None:
        date, gap, clock = form[: split.start()], split.group(), form[split.end() :]
    date = re.sub(r"[yY]{4}", "%Y", date)
    date = re.sub(r"(?<!%)[mM]{3}", "%b", date)
    date = re.sub(r"(?<!%)[mM]{2}", "%m", date)
    date = re.sub(r"(?<!%)[dD]{2}", "%d", date)
    clock = re.sub(r"[sS]{2}", "%S", re.sub(r"[mM]{2}", "%M", re.sub(r"[hH]{2}", "%H", clock)))
    return moment.strftime(f"{date}{gap}{clock}")


def _pick(*choices: str) -> Maker:
    return lambda _, rng: rng.choice(choices)


def _digits(count: int) -> Maker:
    return lambda _, rng: "".join(rng.choice("0123456789") for _ in range(count))


def _hex(count: int) -> Maker:
    return lambda _, rng: f"{rng.getrandbits(count * 4):0{count}x}"


def _uuid(_: Faker, rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _token(_: Faker, rng: random.Random) -> str:
    """An identifier, short, of letters and digits."""
    return "".join(rng.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(10))


def _coordinates(_: Faker, rng: random.Random) -> str:
    return f"{rng.uniform(-60, 70):.4f},{rng.uniform(-170, 170):.4f}"


_AIRPORTS = _pick("JFK", "LHR", "CDG", "NRT", "SFO", "AMS", "FRA", "GRU", "SYD", "DXB", "LIS", "OSL", "BCN", "YYZ")
_TICKERS = _pick("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "SAP", "ASML", "TM", "NESN", "GOOGL", "JPM", "KO")
_GENRES = _pick("drama", "comedy", "thriller", "documentary", "jazz", "rock", "science fiction", "history")
_QUERIES = _pick(
    *("wireless headphones", "climate report 2024", "annual revenue", "italian restaurants", "running shoes"),
    *("machine learning", "vintage camera", "overdue invoices", "open issues", "solar panels", "board games"),
    *("data engineer", "coffee", "error timeout", "travel insurance", "quarterly report", "garden furniture"),
)
_PROJECTS = _pick("atlas-prod", "billing-staging", "data-lake-42", "web-frontend", "mobile-api", "analytics-eu")
_ENVIRONMENTS = _pick("production", "staging", "development", "test", "sandbox")
_BRANCHES = _pick("main", "develop", "release/2.4", "feature/login-form", "fix/null-check", "hotfix-1.8")
_TAGS = _pick("urgent", "billing", "backend", "customer", "beta", "internal", "2025", "review", "archive")


def _by_format(form: str) -> Maker:
    return lambda _, rng: plausible.FORMATS[form](rng)


_BY_DESCRIPTION: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), maker)
    for pattern, maker in (
        (r"\b(uuid|guid)\b", _uuid),
        (r"\b(e-?mail)\b", _by_format("email")),
        (r"\b(url|uri|web ?hook|link)\b", _by_format("uri")),
        (r"\bip address\b", _by_format("ipv4")),
        (r"\b(iso ?-?8601|rfc ?-?3339|timestamp|date ?-?time|date and time)\b", _by_format("date-time")),
        (r"\b(date|day)\b", _by_format("date")),
        (r"\bphone\b", _by_format("phone")),
        (r"\b(base64|signature|token|secret)\b", _by_format("base64")),
        (r"\b(sha\w*|hash|digest)\b", _hex(40)),
        (r"\b(currency)\b", lambda fake, _: str(fake.currency_code())),
        (r"\b(country)\b", lambda fake, _: str(fake.country_code())),
        (r"\b(language|locale)\b", _pick("en", "de", "fr", "es", "ja")),
        (r"\b(zip|postal)\b", lambda fake, _: str(fake.postcode())),
        (r"\b(city|town)\b", lambda fake, _: str(fake.city())),
        (r"\b(hex|colou?r)\b", lambda fake, _: str(fake.hex_color())),
        (r"\b(identifier|unique id|id of|\bid\b)", _token),
        (r"\b(number|count|amount|quantity)\b", lambda _, rng: str(rng.randint(1, 500))),
        (r"\b(name|title) of\b", lambda _, rng: plausible.text({"type": "string"}, rng, "title")),
        (r"\bcode\b", lambda _, rng: plausible.text({"type": "string"}, rng, "code")),
        (r"\b(text|message|description|comment|free.?form|note)\b", lambda fake, _: str(fake.sentence(nb_words=8))),
    )
)
"""Words of a description -> what the field likely holds, the surest first."""

NAMES: dict[str, Maker] = {
    **dict.fromkeys(
        ("user", "person", "contact", "customer", "patient", "author", "employee", "owner", "guest", "member"),
        lambda fake, _: str(fake.name()),
    ),
    **dict.fromkeys(
        ("company", "organization", "organisation", "vendor", "merchant", "supplier", "account", "tenant"),
        lambda fake, _: str(fake.company()),
    ),
    **dict.fromkeys(("city", "town"), lambda fake, _: str(fake.city())),
    "country": lambda fake, _: str(fake.country()),
    **dict.fromkeys(("file", "attachment", "document"), lambda fake, _: str(fake.file_name())),
    **dict.fromkeys(("tag", "label"), _TAGS),
    **dict.fromkeys(("branch", "ref"), _BRANCHES),
    **dict.fromkeys(("product", "item"), _pick("Desk lamp", "Trail backpack", "Espresso grinder", "Wool blanket")),
}
"""What holds a field `name` -> how such things are called."""

BY_NAME: dict[str, Maker] = {
    **dict.fromkeys(("first name", "given name", "firstname", "forename"), lambda f, _: str(f.first_name())),
    **dict.fromkeys(("last name", "family name", "lastname", "surname"), lambda f, _: str(f.last_name())),
    **dict.fromkeys(
        ("full name", "contact name", "customer name", "author", "fullname", "assignee", "reviewer"),
        lambda f, _: str(f.name()),
    ),
    **dict.fromkeys(("username", "user name", "login", "screen name", "handle"), lambda f, _: str(f.user_name())),
    **dict.fromkeys(("company", "company name", "organization", "organisation"), lambda f, _: str(f.company())),
    **dict.fromkeys(("job", "job title", "occupation", "profession", "position"), lambda f, _: str(f.job())),
    **dict.fromkeys(("city", "town", "city name"), lambda f, _: str(f.city())),
    **dict.fromkeys(("country", "country name", "nationality"), lambda f, _: str(f.country())),
    **dict.fromkeys(("country code", "countrycode"), lambda f, _: str(f.country_code())),
    **dict.fromkeys(("currency", "currency code", "currencycode"), lambda f, _: str(f.currency_code())),
    **dict.fromkeys(
        ("from currency", "base currency", "to currency", "target currency"), lambda f, _: str(f.currency_code())
    ),
    **dict.fromkeys(("street", "address line", "address1", "street address"), lambda f, _: str(f.street_address())),
    **dict.fromkeys(("email address", "e mail"), lambda f, _: str(f.safe_email())),
    **dict.fromkeys(("ip address", "ipaddress", "remote address"), lambda f, _: str(f.ipv4_public())),
    **dict.fromkeys(
        ("wallet address", "contract address", "token address"), lambda _, rng: "0x" + f"{rng.getrandbits(160):040x}"
    ),
    **dict.fromkeys(("address", "full address"), lambda f, _: str(f.address()).replace("\n", ", ")),
    **dict.fromkeys(("postcode", "zip", "zipcode", "zip code", "postal code"), lambda f, _: str(f.postcode())),
    **dict.fromkeys(("phone", "phone number", "mobile", "telephone"), lambda f, _: str(f.numerify("+1202555####"))),
    **dict.fromkeys(("mime type", "content type", "mimetype"), lambda f, _: str(f.mime_type())),
    **dict.fromkeys(("filename", "file name", "file"), lambda f, _: str(f.file_name())),
    **dict.fromkeys(("file path", "filepath", "path"), lambda f, _: str(f.file_path(depth=2))),
    **dict.fromkeys(("isbn",), lambda f, _: str(f.isbn13())),
    **dict.fromkeys(("iban",), lambda f, _: str(f.iban())),
    **dict.fromkeys(("bic", "swift", "swift code"), lambda f, _: str(f.swift())),
    **dict.fromkeys(("ean", "gtin", "barcode", "upc"), lambda f, _: str(f.ean13())),
    **dict.fromkeys(("vin",), lambda f, _: str(f.vin())),
    **dict.fromkeys(("license plate", "plate", "number plate"), lambda f, _: str(f.license_plate())),
    **dict.fromkeys(("user agent", "useragent"), lambda f, _: str(f.user_agent())),
    **dict.fromkeys(("mac", "mac address", "macaddress"), lambda f, _: str(f.mac_address())),
    **dict.fromkeys(("hex color", "color code", "hex"), lambda f, _: str(f.hex_color())),
    **dict.fromkeys(("slogan", "tagline", "motto"), lambda f, _: str(f.catch_phrase())),
    **dict.fromkeys(("department", "team", "division"), _pick("Finance", "Support", "Research", "Sales", "Legal")),
    **dict.fromkeys(("gender", "sex"), _pick("female", "male", "other")),
    **dict.fromkeys(("subscription id", "tenant id", "transaction id", "correlation id", "client token"), _uuid),
    **dict.fromkeys(("request id", "idempotency key", "trace id", "session id"), _uuid),
    **dict.fromkeys(("resource group", "group name"), _pick("rg-web-prod", "rg-data-eu", "rg-shared", "rg-test-01")),
    "resource group name": _pick("rg-web-prod", "rg-data-eu", "rg-shared"),
    **dict.fromkeys(("account id", "aws account"), _digits(12)),
    **dict.fromkeys(("project", "project id", "projectid"), _PROJECTS),
    **dict.fromkeys(("namespace",), _pick("default", "payments", "kube-system", "team-a", "monitoring")),
    **dict.fromkeys(("environment", "env", "stage"), _ENVIRONMENTS),
    **dict.fromkeys(("branch", "git ref", "base branch"), _BRANCHES),
    **dict.fromkeys(("repo", "repository", "repo name"), _pick("web-client", "data-tools", "docs", "payments-api")),
    **dict.fromkeys(("bucket", "bucket name"), _pick("media-assets-prod", "logs-2025", "team-backups", "raw-events")),
    **dict.fromkeys(("database", "database name", "db"), _pick("orders", "analytics", "crm", "inventory")),
    **dict.fromkeys(("table", "table name"), _pick("customers", "events", "invoices", "sessions")),
    **dict.fromkeys(("sha", "commit", "commit sha", "commit id"), _hex(40)),
    **dict.fromkeys(("query", "q", "search", "search term", "keyword", "keywords", "search query", "term"), _QUERIES),
    **dict.fromkeys(("symbol", "ticker", "stock symbol"), _TICKERS),
    **dict.fromkeys(("iata", "iata code", "airport", "airport code", "origin", "destination"), _AIRPORTS),
    **dict.fromkeys(("genre", "genres"), _GENRES),
    **dict.fromkeys(("coordinates", "latlng", "lat long", "point", "location coordinates"), _coordinates),
    **dict.fromkeys(("lat", "latitude"), lambda _, rng: f"{rng.uniform(-60, 70):.4f}"),
    **dict.fromkeys(("lon", "lng", "longitude"), lambda _, rng: f"{rng.uniform(-170, 170):.4f}"),
    **dict.fromkeys(("tag", "tags", "label"), _TAGS),
    **dict.fromkeys(("year",), lambda _, rng: str(rng.randint(2015, 2025))),
    **dict.fromkeys(("month",), lambda _, rng: f"{rng.randint(1, 12):02d}"),
    **dict.fromkeys(("callback", "jsonp"), _pick("onData", "handleResponse", "cb")),
    **dict.fromkeys(("sort", "sort by", "order by", "orderby"), _pick("created_at", "name", "updated_at")),
    **dict.fromkeys(("sort order", "order", "direction", "sort direction"), _pick("asc", "desc")),
    **dict.fromkeys(("unit", "units"), _pick("metric", "imperial")),
    **dict.fromkeys(("interval", "granularity"), _pick("1d", "1h", "5m", "1w")),
    **dict.fromkeys(("update mask", "field mask"), _pick("displayName", "description", "labels", "name,labels")),
}
"""Last words of a field's name -> text that fits them."""
