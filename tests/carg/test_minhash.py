"""Near-duplicates found on disk."""

from pathlib import Path

from gtm.carg.minhash import Near


def words(first: int, last: int) -> list[str]:
    return [f"word{number}" for number in range(first, last)]


def test_near_sets_are_found_and_far_ones_are_not(tmp_path: Path) -> None:
    with Near(tmp_path / "near.sqlite", 0.8) as near:
        assert near.add("a", words(0, 100)) == []
        assert near.add("b", words(0, 98)) == ["a"]
        assert near.add("c", words(50, 150)) == []
        assert near.add("d", words(0, 99)) == ["a", "b"]


def test_nearly_all_pairs_above_the_threshold_are_found(tmp_path: Path) -> None:
    found = 0
    with Near(tmp_path / "near.sqlite", 0.8) as near:
        for number in range(200):
            own = [f"{number}.{word}" for word in words(0, 120)]
            near.add(f"{number}", own)
            found += near.add(f"{number}+", own[:108]) == [f"{number}"]
    assert found >= 195  # Jaccard 0.9, three deviations above the threshold


def test_equal_sets_are_near_at_every_threshold(tmp_path: Path) -> None:
    for threshold in (0.5, 0.95, 1.0):
        with Near(tmp_path / "near.sqlite", threshold) as near:
            near.add("a", ["x", "y"])
            assert near.add("b", ["y", "x"]) == ["a"]
            assert near.add("c", []) == []
