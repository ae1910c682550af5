"""Which domain of the taxonomy a tool belongs to: the published list (`taxonomy.json`) and a plain scorer.

A domain is a few terms (`credit_card`: words that stand together) and providers (`@stripe`: words of a family's
name). A tool's score in a domain is the sum of its terms, heavier where they stand in the name than in the
description, and lighter the more domains share them. What the tools of a family are mostly about, and what its name
says, is added as a prior: most tools of an API are about what the API is about. No model, no counts of the
collection: a tool's domain depends on its own family and on nothing else.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import sqrt

from gtm.types import Json, Tool
from gtm.world.words import singular, words

UNKNOWN = "general/other"
"""Where nothing at all speaks for a domain."""
LONGEST = 4
"""Words in a term; `ec2` is two."""
NAME, DESCRIPTION, ARGUMENT, TOPIC = 3.0, 1.0, 0.3, 0.5
"""What a term counts by where it stands."""
FAMILY, PROVIDER = 3.0, 8.0
"""What a term or a provider counts in the name of a family."""
COMMON = 0.3
"""What a term counts that stands in one of fifty families whatever they are about (`common` in the file)."""
DOUBT = 4.0
"""Score that evidence must outweigh: one word in a description decides nothing."""
KIN = 10.0
"""What the tools of a family count together in its prior."""
PRIOR = 0.65
"""How much a family says about a tool, against its own words; a family about many things says little."""
NOTHING = 0.03
"""What less than that speaks for is in no domain."""
MOST_WORDS = 40
"""Of a description: what comes later is about details."""

Weights = dict[str, float]


def domains_of(family: str, tools: Sequence[tuple[Tool, str]]) -> list[str]:
    """The domain (`group/domain`) of each of a family's tools, given with what its source says it is about."""
    own = [_normal(_evidence(tool, topic), DOUBT) for tool, topic in tools]
    prior = _prior(family, own)
    return [_best(scores, prior) for scores in own]


@cache
def taxonomy() -> Mapping[str, tuple[str, ...]]:
    """Groups and their domains."""
    return {group: tuple(domains) for group, domains in _published().items()}


@cache
def terms_of() -> Mapping[str, str]:
    """What each domain (`group/domain`) is about, in order of publication."""
    return {
        f"{group}/{domain}": ", ".join(term for term in given.split() if not term.startswith("@"))
        for group, domains in _published().items()
        for domain, given in domains.items()
    }


def _published() -> dict[str, dict[str, str]]:
    published: dict[str, dict[str, str]] = _file()["domains"]
    return published


@cache
def _file() -> dict[str, Json]:
    content: dict[str, Json] = json.loads(files("gtm.carg").joinpath("taxonomy.json").read_text("utf-8"))
    return content


@cache
def _terms() -> tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, float]]]]:
    """Term -> (domain, weight), and the same for providers."""
    terms: dict[str, list[str]] = defaultdict(list)
    providers: dict[str, list[str]] = defaultdict(list)
    for group, domains in _published().items():
        for domain, given in domains.items():
            for term in dict.fromkeys(given.split()):
                place = providers if term.startswith("@") else terms
                place["_".join(_words(term))].append(f"{group}/{domain}")
    return _weighed(terms), _weighed(providers)


def _weighed(terms: Mapping[str, list[str]]) -> dict[str, list[tuple[str, float]]]:
    """A term of several words says more than one; one that several domains share says less of each."""
    common = {"_".join(_words(term)) for term in _file()["common"].split()}
    weighed = {}
    for term, domains in terms.items():
        weight = COMMON if term in common else (1 + term.count("_")) ** 0.8
        weighed[term] = [(domain, weight / len(domains)) for domain in domains]
    return weighed


def _words(text: str) -> list[str]:
    return [singular(word) for part in text.split() for word in words(part)]


def _matches(text: Sequence[str], known: Mapping[str, object]) -> Iterator[str]:
    """The terms in a run of words, each once, those inside a longer one left out."""
    found: dict[str, None] = {}
    at = 0
    while at < len(text):
        for length in range(min(LONGEST, len(text) - at), 0, -1):
            term = "_".join(text[at : at + length])
            if term in known:
                found[term] = None
                at += length - 1
                break
        at += 1
    yield from found


def _evidence(tool: Tool, topic: str) -> Weights:
    terms, _ = _terms()
    scores: Weights = defaultdict(float)
    places: list[tuple[float, Iterable[str]]] = [
        (NAME, _words(tool.name)),
        (DESCRIPTION, _words(tool.description)[:MOST_WORDS]),
        (TOPIC, _words(topic)),
        (ARGUMENT, [word for name in tool.parameters.get("properties", {}) for word in (*_words(name), "")]),
    ]
    for weight, text in places:
        for term in _matches(list(text), terms):
            for domain, share in terms[term]:
                scores[domain] += weight * share
    return scores


def _prior(family: str, own: Sequence[Weights]) -> Weights:
    terms, providers = _terms()
    name = _words(family)
    prior: Weights = defaultdict(float)
    for known, weight in ((terms, FAMILY), (providers, PROVIDER)):
        for term in _matches(name, known):
            for domain, share in known[term]:
                prior[domain] += weight * share
    for scores in own:
        for domain, score in scores.items():
            prior[domain] += KIN * score / len(own)
    prior = _normal(prior, 0.0)
    concentrated = PRIOR * sqrt(sum(score * score for score in prior.values()))
    return {domain: concentrated * score for domain, score in prior.items()}


def _normal(scores: Mapping[str, float], doubt: float) -> Weights:
    total = sum(scores.values()) + doubt
    return {domain: score / total for domain, score in scores.items()} if total else {}


def _best(own: Weights, prior: Weights) -> str:
    """The heaviest domain, the first by name where two are equal."""
    whole = {domain: own.get(domain, 0.0) + prior.get(domain, 0.0) for domain in (*own, *prior)}
    whole[UNKNOWN] = NOTHING
    return min(whole, key=lambda domain: (-whole[domain], domain))
