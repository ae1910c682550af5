"""Secrets out of what is written to a cassette: by a field's schema, by its name, by what a value looks like.

Idempotent: what was scrubbed once stays as it is, so a recorded and a fresh call can be compared. What no rule knows
is kept; name such fields with `redact`. Headers are never written at all.
"""

import json
import re
from collections.abc import Iterable

from gtm.simulator.redact import REDACTED, readable
from gtm.tools.view import View, is_secret
from gtm.types import Json

MAX_DEPTH = 64
"""Levels that are looked through; what lies deeper is left out, as it might hold anything."""

NAMES = frozenset(
    "token idtoken sessiontoken securitytoken bearertoken csrftoken xauthtoken xapikey setcookie secretkey"
    " secretaccesskey awssecretaccesskey accesskey clientassertion pwd passphrase proxyauthorization".split()
)
"""Names (lower case, no separators) of credentials, beside those that no answer shows (`gtm.tools.view`)."""

_WORDS = "password|passwd|passphrase|client[_-]?secret|secret|api[_-]?key|access[_-]?token|auth[_-]?token"
_RULES = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.I), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), REDACTED),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|ya29\.)[A-Za-z0-9_-]{16,}"), REDACTED),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), REDACTED),
    (re.compile(r"\b(?:sk|rk)[-_][A-Za-z0-9_-]{16,}"), REDACTED),
    (re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"), REDACTED),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{35}"), REDACTED),
    (
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.S),
        REDACTED,
    ),
    (re.compile(r"(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,200}(?=@)"), REDACTED),
    (
        re.compile(r"([?&](?:[a-z_-]{0,20}token|key|sig|signature|password|secret)=)[^&\s\"'#]+", re.I),
        rf"\1{REDACTED}",
    ),
    (re.compile(rf"\b({_WORDS})(\s?=\s?[\"']?)[^\s\"',;&]{{3,}}", re.I), rf"\1\2{REDACTED}"),
    (re.compile(rf"\b({_WORDS})(:\s?[\"']?)(?=\S{{0,60}}\d)[^\s\"',;]{{6,}}", re.I), rf"\1\2{REDACTED}"),
)


class Scrubber:
    """Replaces secrets by `[redacted]`; `fields` are further names whose values are secret."""

    def __init__(self, fields: Iterable[str] = ()) -> None:
        self._names = NAMES | {_flat(name) for name in fields}

    def value(self, value: Json, view: View | None = None, name: str = "", depth: int = 0) -> Json:
        """A JSON value without its secrets; `view` is its schema, where there is one."""
        if self._is_secret(view, name):
            return value if value is None or isinstance(value, bool) else REDACTED
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, dict):
            return {
                readable(key): self.value(item, view.child(key) if view else None, key, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list):
            items = view.items if view else None
            return [self.value(item, items, "", depth + 1) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text without what looks like a secret; a text that is JSON is looked through as such."""
        text = readable(text)
        if text.lstrip()[:1] in ("{", "["):
            parsed = parsed_text(text)
            clean = self.value(parsed) if isinstance(parsed, dict | list) else parsed
            if clean != parsed:
                return json.dumps(clean, ensure_ascii=False, indent=2 if "\n" in text else None)
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        return text

    def _is_secret(self, view: View | None, name: str) -> bool:
        return is_secret(view, name) or (bool(name) and _flat(name) in self._names)


def parsed_text(text: str) -> Json:
    """The JSON object or array that a text holds, else the text."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> Json:
    raise ValueError(constant)


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
