"""Character-level BLEU-4 and ROUGE-1, -2, -L, as the published baselines of tool simulators compute them.

Those use LLaMA-Factory's metrics: NLTK's `sentence_bleu` over characters with smoothing method 3, and the F values of
`rouge_chinese` (n-grams as sets, ROUGE-L by the longest common subsequence) over jieba's tokens, here as values from
0 to 1. Two things differ. Identical texts score 1, also below four characters, where NLTK's smoothing says less. And
jieba is replaced by one expression: the same tokens on 99 % of recorded ASCII responses; Chinese text is cut into
characters, not into the words of a dictionary.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDER = 4
_TOKEN = re.compile(r"[a-zA-Z0-9]+(?:\.[0-9]+)?%?|-{5}|\S")
_TINY = 1e-8
"""Keeps the F value of nothing at 0, as in `rouge_chinese`."""


def text_scores(true: str, answer: str) -> dict[str, float]:
    """All four, named as in tables."""
    true_tokens, tokens = _TOKEN.findall(true), _TOKEN.findall(answer)
    return {
        "char_bleu4": char_bleu4(true, answer),
        "rouge1": rouge_n(true_tokens, tokens, 1),
        "rouge2": rouge_n(true_tokens, tokens, 2),
        "rougeL": rouge_l(true_tokens, tokens),
    }


def char_bleu4(true: str, answer: str) -> float:
    """BLEU over characters, n-grams up to 4, smoothing method 3."""
    if true == answer:
        return 1.0
    if not answer:
        return 0.0
    precisions: list[float] = []
    zeros = 0
    for order in range(1, ORDER + 1):
        grams = Counter(answer[at : at + order] for at in range(len(answer) - order + 1))
        wanted = Counter(true[at : at + order] for at in range(len(true) - order + 1))
        found, all_of_them = (grams & wanted).total(), max(1, grams.total())
        if not found:
            if order == 1:
                return 0.0
            zeros += 1
        precisions.append(found / all_of_them if found else 1 / (2**zeros * all_of_them))
    brevity = 1.0 if len(answer) > len(true) else math.exp(1 - len(true) / len(answer))
    return brevity * math.exp(math.fsum(math.log(value) / ORDER for value in precisions))


def rouge_n(true: Sequence[str], answer: Sequence[str], n: int) -> float:
    """The F value of shared n-grams, each counted once."""
    if true == answer:
        return 1.0
    wanted = {tuple(true[at : at + n]) for at in range(len(true) - n + 1)}
    grams = {tuple(answer[at : at + n]) for at in range(len(answer) - n + 1)}
    return _f(len(wanted & grams), len(wanted), len(grams))


def rouge_l(true: Sequence[str], answer: Sequence[str]) -> float:
    """The F value of the longest common subsequence."""
    if true == answer:
        return 1.0
    return _f(_common(true, answer), len(true), len(answer))


def _f(shared: int, wanted: int, given: int) -> float:
    recall = shared / wanted if wanted else 0.0
    precision = shared / given if given else 0.0
    return 2 * precision * recall / (precision + recall + _TINY)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table held as the bits of one integer."""
    places: dict[str, int] = {}
    for index, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << index
    mask = (1 << len(one)) - 1
    row = mask
    for token in other:
        matches = row & places.get(token, 0)
        row = ((row + matches) | (row - matches)) & mask
    return len(one) - row.bit_count()
