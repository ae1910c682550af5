"""Arguments of lists by what they do, told by their names alone."""

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
