import json

import pytest

from gtm.carg.masking import mask
from gtm.types import Json


def masked(value: Json) -> Json:
    """A value as it is read after masking its text."""
    return json.loads(mask(json.dumps(value).encode())[0])


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 6,
        "Bearer " + "abc123def456ghi789",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl",
        "AKIA1234567890ABCDEF",
        "https://joe:hunter22@example.com/a",
        "https://example.com/?api_key=0123456789abcdef&x=1",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
        "ada@lovelace.org",
        "call +44 20 7946 0018 now",
    ],
)
def test_what_looks_secret_or_personal_is_replaced_at_every_level_of_quoting_by_the_same(secret: str) -> None:
    found = masked({"plain": secret, "quoted": json.dumps({"deep": secret})})
    assert found["plain"] != secret
    assert json.loads(found["quoted"])["deep"] == found["plain"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter22"),
        ("clientSecret", "s3cr3t"),
        ("SecretAccessKey", "wJalrXUtnFEMI"),
        ("home_phone", "(030) 9876540"),
        ("cardNumber", "4539 5787 6362 1486"),
        ("iban", "DE89370400440532013000"),
    ],
)
def test_what_its_name_says_is_replaced_in_its_own_form(name: str, value: str) -> None:
    found = masked({name: value})[name]
    assert found != value
    assert found == "[redacted]" or len(found) == len(value)


@pytest.mark.parametrize(
    "kept",
    [
        {"email": "ada@example.com", "role": "git@github.com", "file": "icon@2x.png"},
        {"secretName": "db", "nextToken": "abcdef", "password": None, "passwordPolicy": "good"},
        {"card": "4242424242424242", "sha": "4539578763621486", "phone": "+1 415 555 0100"},
        {"token": "string", "at": "2025-01-01T00:00:00+01:00", "n": 4539578763621486},
    ],
)
def test_what_is_nobodys_stays(kept: dict[str, Json]) -> None:
    assert masked(kept) == kept


def test_a_letter_of_an_escape_is_no_part_of_an_address() -> None:
    quoted = json.dumps(json.dumps("line\nada@lovelace.org"))
    once = json.loads(mask(quoted.encode())[0])
    assert json.loads(once).startswith("line\nuser")


def test_masking_twice_changes_nothing_more() -> None:
    text = json.dumps({"mail": "ada@lovelace.org", "iban": "DE89370400440532013000", "phone": "+49 30 123 45 67"})
    once, counts = mask(text.encode())
    assert counts["email"] == counts["iban"] == 1
    again, more = mask(once)
    assert again == once
    assert not more
