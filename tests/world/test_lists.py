"""Lists: filters, search, order, pages and counts agree with each other; through the public door."""

import random
from typing import Any

import pytest

from gtm import Simulator, Toolset
from gtm.simulator.session import Session
from gtm.types import Json, Tool
from tests.samples import operation

TEXT: dict[str, Json] = {"type": "string"}
NUMBER: dict[str, Json] = {"type": "integer"}
MOMENT: dict[str, Json] = {"type": "string", "format": "date-time"}
BOOK: dict[str, Json] = {
    "type": "object",
    "properties": {"id": NUMBER, "title": TEXT, "price": NUMBER, "created_at": MOMENT},
    "required": ["id", "title", "price", "created_at"],
}
MAKE = operation("make", "POST", "/books", {"title": TEXT, "price": NUMBER}, BOOK, 201)
COUNT = operation(
    "count", "GET", "/books/count", {"title": TEXT}, {"type": "object", "properties": {"count": NUMBER}}
)
TITLES = ("b", "c", "a", "d", "e")


def listing(arguments: dict[str, Json], **around: Json) -> Tool:
    """A list of books, in an envelope where something stands around them."""
    array = {"type": "array", "items": BOOK}
    output = {"type": "object", "properties": {"books": array, **around}, "required": ["books", *around]}
    return operation("list", "GET", "/books", arguments, output if around else array)


def session(*tools: Tool, world: str = "closed", filled: bool = True) -> Session:
    simulator = Simulator(Toolset(name="t", kind="openapi", tools=(MAKE, *tools)), model="scripted", cache=False)
    made = simulator.session(world=world)  # type: ignore[arg-type]
    for at, title in enumerate(TITLES if filled else ()):
        made.call("make", {"title": title, "price": at})
    return made


def titles(result: Any) -> list[str]:
    content = result.content
    return [book["title"] for book in (content["books"] if isinstance(content, dict) else content)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"sort": "title"}, "abcde"),
        ({"sort": "-title"}, "edcba"),
        ({"sort": "title", "order": "desc"}, "edcba"),
        ({"orderBy": "title desc"}, "edcba"),
        ({"sort": "price:desc"}, "edacb"),
        ({"sortBy": "created", "direction": "desc"}, "edacb"),
        ({"sort": "colour"}, "bcade"),
        ({"sort": "title", "limit": 2, "offset": 1}, "bc"),
    ],
)
def test_a_list_is_sorted_by_what_it_shows(arguments: dict[str, Json], expected: str) -> None:
    taken = dict.fromkeys(("sort", "order", "orderBy", "sortBy", "direction"), TEXT)
    world = session(listing({**taken, "limit": NUMBER, "offset": NUMBER}))
    assert titles(world.call("list", arguments)) == list(expected)


def test_what_is_imagined_is_sorted_too_and_stays_as_it_was() -> None:
    world = session(listing({"sort": TEXT}), world="auto", filled=False)
    down = world.call("list", {"sort": "-price"}).content
    prices = [book["price"] for book in down]
    assert prices == sorted(prices, reverse=True)
    assert sorted(world.call("list").content, key=lambda book: -book["price"]) == down


def test_ranges_and_filters_are_decided_by_the_books() -> None:
    world = session(listing({"min_price": NUMBER, "price_lt": NUMBER, "created_after": TEXT, "title": TEXT}))
    assert titles(world.call("list", {"min_price": 1, "price_lt": 3})) == ["c", "a"]
    assert titles(world.call("list", {"created_after": "2025-06-02T09:00:14Z"})) == ["d", "e"]
    assert titles(world.call("list", {"title": "nobody"})) == []


def test_imagined_things_lie_in_the_range_they_were_asked_for() -> None:
    world = session(listing({"min_price": NUMBER}), world="auto", filled=False)
    dear = world.call("list", {"min_price": 500}).content
    assert dear
    assert all(book["price"] >= 500 for book in dear)
    assert world.call("list", {"min_price": 500}).content == dear


PAGED = {"per_page": NUMBER, "page": NUMBER}
AROUND = {"total": NUMBER, "total_pages": NUMBER, "page": NUMBER, "has_more": {"type": "boolean"}}


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_pages_add_up_wherever_they_start(first: int) -> None:
    world = session(listing({**PAGED, "page": {"type": "integer", "minimum": first}}, **AROUND))
    pages = [world.call("list", {"per_page": 2, "page": first + at}).content for at in range(3)]
    assert [b["title"] for page in pages for b in page["books"]] == list(TITLES)
    counts = {(page["total"], page["total_pages"]) for page in pages}
    assert counts == {(5, 3)}
    assert [(page["page"], page["has_more"]) for page in pages] == [
        (first, True),
        (first + 1, True),
        (first + 2, False),
    ]


def test_a_page_starts_after_the_last_thing_of_the_one_before() -> None:
    world = session(listing({"limit": NUMBER, "starting_after": TEXT}))
    seen: list[str] = []
    last: dict[str, Json] = {}
    while page := world.call("list", {"limit": 2, **last}).content:
        seen += [book["title"] for book in page]
        last = {"starting_after": str(page[-1]["id"])}
    assert seen == list(TITLES)


def test_the_definition_says_how_long_a_page_is() -> None:
    world = session(listing({"limit": {"type": "integer", "default": 3}}))
    assert titles(world.call("list")) == list(TITLES[:3])


@pytest.mark.parametrize("world", ["auto", "closed"])
@pytest.mark.parametrize("first", ["count", "list"])
def test_a_count_agrees_with_the_list(world: str, first: str) -> None:
    simulated = session(listing({"title": TEXT}), COUNT, world=world)
    simulated.call(first)
    assert simulated.call("count").content["count"] == len(simulated.call("list").content) >= 5
    assert simulated.call("count", {"title": "a"}).content["count"] == 1
    simulated.call("make", {"title": "a", "price": 9})
    assert simulated.call("count").content["count"] == len(simulated.call("list").content)


def test_a_search_after_the_whole_list_finds_nothing_new() -> None:
    world = session(listing({"q": TEXT, "near": TEXT}), world="auto", filled=False)
    whole = world.call("list").content
    assert world.call("list", {"q": whole[0]["title"]}).content[0] == whole[0]
    assert all(book in whole for book in world.call("list", {"near": "Bern"}).content)
    assert world.call("list").content == whole


def test_a_filter_value_that_the_schema_forbids_matches_nothing() -> None:
    book = {**BOOK, "properties": {**BOOK["properties"], "title": {"type": "string", "enum": ["a", "b"]}}}
    tool = operation("list", "GET", "/books", {"title": TEXT}, {"type": "array", "items": book})
    world = session(tool, world="auto", filled=False)
    assert world.call("list", {"title": "c"}).content == []
    assert {b["title"] for b in world.call("list", {"title": "b"}).content} == {"b"}


def test_links_lead_to_the_other_pages_and_to_nothing_at_the_ends() -> None:
    link: Json = {"type": ["string", "null"]}
    paging = {"limit": NUMBER, "offset": NUMBER, "title_like": TEXT}
    made = session(listing(paging, next=link, meta={"type": "object", "properties": {"previous": TEXT}}))
    first = made.call("list", {"limit": 2}).content
    assert first["next"] == "/books?limit=2&offset=2"
    assert first["meta"] == {"previous": ""}
    middle = made.call("list", {"offset": 2, "limit": 2}).content
    assert middle["next"] == "/books?offset=4&limit=2"
    assert middle["meta"] == {"previous": "/books?offset=0&limit=2"}
    assert made.call("list", {"limit": 2, "offset": 4}).content["next"] is None


def test_a_link_to_a_numbered_page_has_its_number() -> None:
    made = session(listing({"page": NUMBER, "per_page": NUMBER}, next_page={"type": "string"}))
    assert made.call("list", {"per_page": 3}).content["next_page"] == "/books?per_page=3&page=2"
    assert made.call("list", {"per_page": 3, "page": 2}).content["next_page"] == ""


def test_an_observed_list_pins_its_window() -> None:
    world = session(listing({"title": TEXT}), world="auto", filled=False)
    real = [{"id": n, "title": f"book {n}", "price": n, "created_at": "2025-01-01T00:00:00Z"} for n in (7, 8)]
    world.observe("list", {}, real)
    assert world.call("list").content == real
    assert world.call("list", {"title": "book 8"}).content == real[1:]
    made = world.call("make", {"title": "mine", "price": 1}).content
    assert world.call("list").content == [*real, made]


def test_a_random_walk_over_pages_sees_every_book_once() -> None:
    rng = random.Random(5)
    world = session(listing({"limit": NUMBER, "offset": NUMBER, "sort": TEXT}))
    for number in range(30):
        world.call("make", {"title": f"t{rng.randrange(9)}", "price": number})
    for sort in ("title", "-title", "price"):
        pages = [world.call("list", {"sort": sort, "limit": 4, "offset": at}).content for at in range(0, 36, 4)]
        ids = [book["id"] for page in pages for book in page]
        assert len(ids) == len(set(ids)) == 35
