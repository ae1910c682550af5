"""Arguments of lists by what they do, told by their names alone."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from gtm.types import Json, Tool
from gtm.world.words import flat

PAGING = {
    **dict.fromkeys(("limit", "perpage", "pagesize", "maxresults", "maxitems", "top", "first", "take"), "limit"),
    **dict.fromkeys(("pagelimit", "maxcount", "rows", "resultsperpage", "itemsperpage", "per"), "limit"),
    **dict.fromkeys(("offset", "skip", "startindex", "pageoffset"), "offset"),
    **dict.fromkeys(("page", "pagenumber", "pageno", "pageindex", "currentpage"), "page"),
}
"""Arguments (flat names) that cut a list."""

SEARCH = frozenset({"q", "query", "search", "searchterm", "keyword", "keywords", "text", "term"})
"""Arguments (flat names) that look for text anywhere in a thing."""

SORT = frozenset("sort sortby order orderby sortfield sortcolumn sortkey ordering sorting".split())
"""Arguments (flat names) that name the field to sort by, perhaps with its direction."""

DIRECTION = frozenset(
    "order direction sortorder sortdirection sortdir orderdirection ascending descending desc".split()
)
"""Arguments (flat names) that say which way to sort."""

CURSOR_ARGUMENTS = frozenset("cursor pagetoken nexttoken continuationtoken nextcursor".split())
"""Arguments (flat names) that take a cursor."""

LINKS = {
    **dict.fromkeys(("next", "nextpage", "nexturl", "nextlink", "nextpageurl", "nextpagelink", "nexthref"), 1),
    **dict.fromkeys(("previous", "prev", "previouspage", "prevpage", "previousurl", "prevurl"), -1),
    **dict.fromkeys(("previouslink", "prevlink", "previouspageurl", "prevpageurl"), -1),
}
"""Properties (flat names) that link to another page, and which way."""

PRESENTATION = (
    frozenset(
        "fields expand include exclude select format verbose pretty locale language lang dryrun validateonly cursor"
        " pagetoken nexttoken after before continuationtoken startingafter endingbefore nextcursor marker".split()
    )
    | SORT
    | DIRECTION
)
"""Arguments (flat names) that change how an answer looks, not which things are in it."""


def is_presentation(name: str) -> bool:
    """Whether an argument cuts a list or changes how an answer looks."""
    return flat(name) in PAGING or flat(name) in PRESENTATION


def page_link(tool: Tool, arguments: Mapping[str, Json], cuts: Mapping[str, int], cursor: str) -> str | None:
    """The path and query of another page; None where the tool has neither a path nor arguments that cut.

    `cuts` are what the other page's limit, offset and number are.
    """
    if tool.http is None:
        return None
    names = [name for name in tool.parameters.get("properties", {}) if name in tool.http.slots]
    roles = {PAGING[flat(name)]: name for name in reversed(names) if flat(name) in PAGING}
    cursors = [name for name in names if flat(name) in CURSOR_ARGUMENTS]
    moved = "offset" if "offset" in roles else "page" if "page" in roles else None
    if moved is None and not cursors:
        return None
    told = {roles[role]: cuts[role] for role in ("limit", moved) if role in roles}
    told |= {cursors[0]: cursor} if moved is None else {}
    path = tool.http.path.partition("?")[0]
    query: list[tuple[str, Json]] = []
    for name, value in {**arguments, **told}.items():
        slot = tool.http.slots.get(name)
        if slot is not None and slot.place == "path":
            path = path.replace(f"{{{slot.name}}}", quote(str(value), safe=""))
        elif slot is not None and slot.place == "query" and not isinstance(value, dict):
            query.append((slot.name, value))
    return f"{path}?{urlencode(query, doseq=True)}"
