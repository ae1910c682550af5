"""What a definition's method and path say that it does, for `score_effects.py`.

- A path that ends with a parameter is an item: GET, HEAD read it, DELETE deletes it, PUT, PATCH, POST update it.
  Where the family posts nothing at the collection above, PUT and POST are also how it is made: a create is right too.
- Any other path ends with a word. If that is a verb, a search lists and a calculation computes; every other verb,
  `:verb` endings, `POST /` and paths with a query are transport without meaning and are left out. A GET below a word
  like `search` lists.
- GET, HEAD list where the family has an item path below it or the last word is plural, else read; PUT and PATCH
  update; DELETE deletes; POST creates where the family gets the same path or an item below it or where the last word
  is plural, else it is left out: nothing says that `POST /ocr/photo` makes a thing.
- The resource is the last fixed word that names something (not `current`), the key the last parameter where the tool
  has an argument of that name. Of a resource's words the order does not count, and those of the path before it may
  stand with them.
"""

import dataclasses
import json
import pathlib
import re
from collections.abc import Iterable

from gtm.types import Json

_SAID = json.loads(pathlib.Path(__file__).with_name("effect_verbs.json").read_text(encoding="utf-8"))
SEARCHES, CALCULATIONS, ACTIONS = (frozenset(_SAID[key].split()) for key in ("searches", "calculations", "actions"))
AROUND = frozenset("total count page pages paging pagination next previous limit offset cursor links meta".split())
"""Words of properties that stand around a list: they do not make one thing of `{"results": [...], "page": 1}`."""
QUALIFIERS = frozenset("active all current default latest private public recent".split())
"""Words of a path that say which, not what: `/users/current` is about users."""
_VERSION = re.compile(r"(api|rest|public|v?\d[\w.]*|v\d+(alpha|beta)\d*|latest|beta|alpha)\Z", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Label:
    """What a tool does, told by its method and path or by a reader."""

    kind: str
    resource: str | None
    key: str | None
    makes: bool = False
    """Whether the same call makes the thing where it is absent (RFC 9110, 9.3.4): then a create is right as well."""
    around: frozenset[str] = frozenset()
    """Singular words of the path before the resource."""


@dataclasses.dataclass(frozen=True)
class Paths:
    """The templates of a family's paths by what the family does with them."""

    items: frozenset[str]
    """Those with an item path below them."""
    got: frozenset[str]
    posted: frozenset[str]


def agrees(label: Label, schema: Json) -> bool:
    """Whether the documented answer can be what the label says: a list shows an array, anything else not only one."""
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "array":
        return label.kind in {"list", "compute"}
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return True
    arrays = [name for name, sub in properties.items() if has_array(sub, 1)]
    if label.kind == "list":
        return bool(arrays)
    properties = {name: sub for name, sub in properties.items() if not AROUND & {*word_list(name)}} or properties
    arrays = [name for name in arrays if name in properties]
    things = [name for name, sub in properties.items() if has_array(sub, 0) or "properties" in (sub or {})]
    return (
        label.kind in {"update", "delete", "compute"} or len(properties) > 3 or things != arrays or len(arrays) != 1
    )


def has_array(schema: Json, depth: int) -> bool:
    """Whether a place is an array or, so much deeper, holds one."""
    if not isinstance(schema, dict):
        return False
    inner = schema.get("properties")
    below = inner.values() if depth and isinstance(inner, dict) else ()
    return schema.get("type") == "array" or "items" in schema or any(has_array(sub, depth - 1) for sub in below)


def word_list(name: str) -> list[str]:
    """`petId`, `pet-id`, `PetID` -> pet, id."""
    return [
        word.lower() for word in re.findall(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    ]


def one(word: str) -> str:
    """The singular, as far as plain English endings tell."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ias", "news", "series")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes", "tuses", "iases")) else word[:-1]


def label_of(method: str, path: str, family: Paths) -> Label | None:
    """The label that method and path give among their family's paths, or None where they have no meaning."""
    parts = parts_of(path)
    if not parts or ":" in parts[-1].split("}")[-1] or "?" in path or "#" in path:
        return None
    fixed = [part for part in parts if "{" not in part and not _VERSION.match(part)]
    parameters = [part.strip("{}+*") for part in parts if part.startswith("{")]
    key = parameters[-1] if parameters else None
    resource = fixed[-1] if fixed else None
    named = next((part for part in reversed(fixed) if part.lower() not in QUALIFIERS), resource)
    around = frozenset(one(word) for part in fixed for word in word_list(part))
    if method == "GET" and any(verb_of(part) in SEARCHES for part in fixed[:-1] or fixed):
        return Label("list", None, None)
    if parts[-1].startswith("{"):
        kinds = {
            "GET": "read",
            "HEAD": "read",
            "DELETE": "delete",
            "PUT": "update",
            "PATCH": "update",
            "POST": "update",
        }
        makes = method in {"PUT", "POST"} and template(path).rpartition("/")[0] not in family.posted
        return Label(kinds[method], named, key, makes, around) if method in kinds else None
    if "{" in parts[-1] or resource != parts[-1]:
        return None
    if re.match(r"(get|create|update|delete)[a-z]{4}", resource):
        return None
    verb = verb_of(resource)
    if verb:
        reads = method in {"GET", "HEAD", "POST"}
        kind = "list" if verb in SEARCHES else "compute" if verb in CALCULATIONS else None
        return Label(kind, None, None) if kind and reads else None
    last = word_list(resource)[-1:]
    many = template(path) in family.items or (bool(last) and one(last[0]) != last[0])
    if method == "POST" and not many and template(path) not in family.got:
        return None
    if method in {"GET", "HEAD"}:
        return Label("list" if many else "read", named, None if many else key, around=around)
    kinds = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
    key = None if method == "POST" else key
    return Label(kinds[method], named, key, around=around) if method in kinds else None


def verb_of(segment: str) -> str:
    """The verb a path's last word starts with; `check-runs` and `reports` are things."""
    said = word_list(segment)
    if not said or said[0] not in ACTIONS | SEARCHES | CALCULATIONS:
        return ""
    noun = (
        len(said) > 1
        and one(said[-1]) != said[-1]
        and said[0] in {"check", "test", "report", "log", "request", "review"}
    )
    return "" if noun else said[0]


def parts_of(path: str) -> list[str]:
    """The segments of a path, without query, extension and empty ones."""
    plain = re.sub(r"\.(json|xml)$", "", re.split(r"[?#]", path)[0].strip("/"))
    pieces = [[part] if "{" in part or _VERSION.match(part) else part.split(".") for part in plain.split("/")]
    return [part for piece in pieces for part in piece if part]


def template(path: str) -> str:
    """A path with its parameters unnamed, so that siblings meet."""
    return "/".join("{}" if part.startswith("{") else part.lower() for part in parts_of(path))


def paths_of(calls: Iterable[tuple[str, str]]) -> Paths:
    """What a family does with its paths."""
    shapes = [(method, template(path)) for method, path in calls]
    items = frozenset(shape[:-3] for _, shape in shapes if shape.endswith("/{}"))
    got, posted = (frozenset(shape for used, shape in shapes if used == method) for method in ("GET", "POST"))
    return Paths(items, got, posted)


def singular_words(name: str) -> str:
    """A name in the form in which resources are compared: `pet_owners`, `PetOwner` -> petowner."""
    return one("".join(one(word) for word in word_list(name)))


def is_same_resource(inferred: str, label: Label) -> bool:
    """Whether two names mean one resource: one ends the other, or both have the same words beside the path's."""
    wanted, found = singular_words(label.resource or ""), singular_words(inferred)
    if not wanted or not found:
        return False
    short, long = sorted((found, wanted), key=len)
    if long.endswith(short) if len(short) > 2 else long == short:
        return True
    last, said = ({one(word) for word in word_list(name)} for name in (label.resource or "", inferred))
    return last <= said <= last | label.around
