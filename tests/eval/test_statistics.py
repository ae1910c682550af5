"""Figures of scores: families count the same, intervals follow from a seed, pairs are pairs."""

import random

from gtm.eval.records import Score
from gtm.eval.statistics import differences, measure, worst


def score(family: str, item: str, value: float, *, candidate: str = "a", effect: str = "read") -> Score:
    return Score(
        suite="fidelity",
        candidate=candidate,
        item=item,
        family=family,
        step=0,
        slices={"effect": effect},
        values={"f1": value},
    )


def many(candidate: str, lift: float, families: int = 40) -> list[Score]:
    rng = random.Random(3)
    return [
        score(f"f{family}", f"i{family}-{index}", rng.random() / 2 + lift, candidate=candidate)
        for family in range(families)
        for index in range(rng.randint(1, 9))
    ]


def test_every_family_counts_the_same() -> None:
    scores = [score("large", f"i{index}", 1.0) for index in range(99)] + [score("small", "j", 0.0)]
    (found,) = [one for one in measure(scores) if not one.slice]
    assert (found.value, found.n, found.families) == (0.5, 100, 2)
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_step_alone_has_no_width() -> None:
    (found,) = [one for one in measure([score("f", "i", 0.25)]) if not one.slice]
    assert (found.value, found.low, found.high, found.families) == (0.25, 0.25, 0.25, 1)


def test_the_interval_is_as_wide_as_theory_says() -> None:
    rng = random.Random(1)
    scores = [score(f"f{family}", f"i{family}", rng.gauss(0, 1)) for family in range(400)]
    (found,) = [one for one in measure(scores) if not one.slice]
    assert 0.17 < found.high - found.low < 0.23  # 2 * 1.96 / sqrt(400) = 0.196


def test_the_same_scores_in_any_order_give_the_same_figures() -> None:
    scores = many("a", 0.1)
    shuffled = scores[::-1]
    assert measure(scores, seed=5) == measure(shuffled, seed=5)
    assert measure(scores, seed=5) != measure(scores, seed=6)


def test_slices_are_cells_of_their_own() -> None:
    scores = [score("f", "i", 1.0, effect="read"), score("f", "j", 0.0, effect="create")]
    assert {one.slice: one.value for one in measure(scores)} == {"": 0.5, "effect=create": 0.0, "effect=read": 1.0}


def test_a_small_lift_on_the_same_steps_is_found_where_intervals_overlap() -> None:
    scores = [*many("a", 0.02), *many("b", 0.0)]
    (found,) = [one for one in differences(scores, "a", "b") if not one.slice]
    assert round(found.value, 6) == 0.02
    assert found.low > 0
    assert found.p < 0.01
    a, b = (next(one for one in measure(scores) if one.candidate == name and not one.slice) for name in "ab")
    assert a.low < b.high


def test_steps_that_one_of_two_lacks_are_not_compared() -> None:
    scores = [score("f", "i", 1.0), score("f", "j", 0.0), score("f", "i", 0.5, candidate="b")]
    (found,) = [one for one in differences(scores, "a", "b") if not one.slice]
    assert (found.value, found.n) == (0.5, 1)
    assert differences(scores, "a", "c") == []


def test_the_worst_are_listed_for_each_slice() -> None:
    scores = [score("f", f"i{index:02}", index / 30, effect=("read", "list")[index % 2]) for index in range(30)]
    found = worst(scores, "f1", 3)
    assert [one.item for one in found[""]] == ["i00", "i01", "i02"]
    assert [one.item for one in found["effect=list"]] == ["i01", "i03", "i05"]


def test_one_family_alone_has_intervals_over_its_items() -> None:
    scores = [score("only", f"item-{number}", value) for number, value in enumerate([0.0, 1.0] * 8)]
    [figure] = [one for one in measure(scores) if not one.slice]
    assert figure.value == 0.5
    assert figure.low < 0.4 < 0.6 < figure.high
