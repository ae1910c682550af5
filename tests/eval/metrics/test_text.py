"""Text metrics against values of the published implementation."""

import pytest

from gtm.eval.metrics.text import text_scores

# From nltk 3.10 (`sentence_bleu` over characters, smoothing method 3) and rouge_chinese 1.0 over the tokens of jieba
# 0.42, called as LLaMA-Factory does: (truth, answer, BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L).
REFERENCE = [
    ('{"id": 7, "n": "Rex", "t": ["dog"]}', '{"id": 9, "n": "Rex", "t": []}', 0.730192, 0.88, 0.769231, 0.893617),
    ('{"Error": {"Code": "NotFound", "Message": "gone"}}', '{"ok": true}', 0.008136, 0.5, 0.166667, 0.333333),
    ("Successfully wrote to /tmp/a.txt", "Wrote 12 bytes to /tmp/a.txt. Done?", 0.497886, 0.631579, 0.6, 0.636364),
    ('{"a": 1.5, "b": -2, "c": "50%"}', '{"a": 1.5, "b": -2, "c": "50%", "d": null}', 0.70922, 0.923077, 0.85, 0.88),
    ("xyz", "abc", 0, 0, 0, 0),
    ("abcd", "abc", 0.602529, 0, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row[0][:20])
def test_the_values_of_the_published_implementation(row: tuple[str, str, float, float, float, float]) -> None:
    true, answer, *wanted = row
    assert list(text_scores(true, answer).values()) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("text", ["{}", "a", "", "one two three"])
def test_identical_texts_score_one(text: str) -> None:
    assert set(text_scores(text, text).values()) == {1.0}


def test_nothing_scores_zero() -> None:
    assert set(text_scores('{"id": 1}', "").values()) == {0.0}
