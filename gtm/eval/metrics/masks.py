"""Values that are new at every run (ids, times, tokens), told by rule from a field's name and the value's looks.

No candidate can know them, so they are not compared; what is masked is counted. A value that the caller or an earlier
answer has shown is not masked: it can be known. Plain dates are not masked, they are often what was asked for.
"""

import re
from typing import Literal

from gtm.eval.metrics.values import field_of
from gtm.simulator.redact import REDACTED
from gtm.types import Json

Mask = Literal["id", "time", "token"]

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d|\d{8}T\d{6}")
_TIME_NAME = re.compile(
    r"(time|date|at|on|timestamp|created|updated|modified|expires|expiry|expiration|since|until|start|end|birth)\Z"
)
_MADE_NAME = re.compile(r"(creat|updat|modif|last|expir|issu|index|deposit)\w*(at|on|date|time|timestamp|parts)?\Z")
_TOKEN_NAME = re.compile(
    r"(token|etag|fingerprint|cursor|nonce|signature|hash|sha|sha1|sha256|md5|checksum|generation|requestid|traceid"
    r"|serial|secret|password|resourceversion|sessid|crumb)\Z"
)
_ID_NAME = re.compile(r"(id|ids|uuid|guid|arn|uid|identifier)\Z")
_OPAQUE = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-"
    r"|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])(?:[0-9a-f]{10,}|[A-Za-z0-9]{14,})(?![A-Za-z0-9])"
)
_EPOCHS = ((1e8, 4e9), (1e11, 4e12))
"""Seconds and milliseconds from 1973 to 2096."""
MAX_OPAQUE = 500
"""Longer texts are content."""


def mask_of(path: str, value: Json) -> Mask | None:
    """Which kind of run-time value stands at a place, if any."""
    if value is None or isinstance(value, bool | dict | list):
        return None
    name = field_of(path)
    if is_redacted(value):
        return "token"
    if _is_time(name, value):
        return "time"
    if _TOKEN_NAME.search(name) and value != "":
        return "token"
    if isinstance(value, str):
        if len(value) > MAX_OPAQUE or " " in value:
            return None
        made = any(char.isdigit() for char in value) and not value.isalpha()
        return "id" if _OPAQUE.search(value) or (_ID_NAME.search(name) and made) else None
    return "id" if _ID_NAME.search(name) else None


def is_redacted(value: Json) -> bool:
    """Whether a recording does not show what stood here: no candidate can know it, however often it was."""
    return isinstance(value, str) and REDACTED in value


def _is_time(name: str, value: str | int | float) -> bool:
    if isinstance(value, str):
        if _TIME.match(value):
            return True
        dated = re.match(r"\d{4}-\d\d-\d\d\Z", value)
        return bool(dated and _MADE_NAME.search(name)) or (value.isdecimal() and _is_epoch(name, int(value)))
    return _is_epoch(name, value)


def _is_epoch(name: str, value: float) -> bool:
    return bool(_TIME_NAME.search(name)) and any(low <= value <= high for low, high in _EPOCHS)
