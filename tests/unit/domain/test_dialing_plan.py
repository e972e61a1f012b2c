"""The mixer keeps every share within one contact of its weight, at every moment."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.dialing_plan import MOST_SHARES, Mixer, SegmentShare

NAMES = tuple("abcdefgh")
WEIGHTS = st.lists(st.integers(1, 60), min_size=1, max_size=len(NAMES))


def shares_of(weights: list[int], priority: int = 0) -> list[SegmentShare]:
    return [
        SegmentShare(segment=name, weight=weight, priority=priority)
        for name, weight in zip(NAMES, weights, strict=False)
    ]


@settings(deadline=None, max_examples=40)
@given(WEIGHTS, st.integers(1, 400))
def test_each_share_is_within_a_contact_of_its_weight_at_every_moment(weights: list[int], turns: int) -> None:
    mixer, got = Mixer(shares_of(weights)), Counter[str]()
    for turn in range(1, turns + 1):
        segment = mixer.next()
        assert segment is not None
        got[segment] += 1
        for share in shares_of(weights):
            due = Fraction(turn * share.weight, sum(weights))
            assert abs(got[share.segment] - due) < 1


@settings(deadline=None, max_examples=40)
@given(
    WEIGHTS, st.lists(st.frozensets(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=3), st.data()
)
def test_that_holds_among_those_that_have_contacts(
    weights: list[int], situations: list[frozenset[str]], data: st.DataObject
) -> None:
    mixer = Mixer(shares_of(weights))
    got: dict[frozenset[str], Counter[str]] = {}
    for _ in range(60):
        empty = data.draw(st.sampled_from(situations))
        filled = {share.segment: share.weight for share in shares_of(weights) if share.segment not in empty}
        segment = mixer.next(empty)
        if not filled:
            assert segment is None
            continue
        assert segment in filled
        counts = got.setdefault(frozenset(filled), Counter())
        counts[segment] += 1
        for name, weight in filled.items():
            due = Fraction(counts.total() * weight, sum(filled.values()))
            assert abs(counts[name] - due) < 1


def test_three_to_one_is_spread_not_bunched() -> None:
    mixer = Mixer(shares_of([3, 1]))
    assert "".join(mixer.next() or "-" for _ in range(8)) == "aaabaaab"


def test_a_higher_priority_goes_first_as_long_as_it_has_contacts() -> None:
    urgent = SegmentShare(segment="urgent", priority=5)
    mixer = Mixer([*shares_of([1, 1]), urgent])
    assert [mixer.next() for _ in range(3)] == ["urgent"] * 3
    assert [mixer.next({"urgent"}) for _ in range(2)] == ["a", "b"]
    assert mixer.next() == "urgent"
    assert mixer.next({"urgent", "a", "b"}) is None


def test_who_was_empty_is_not_caught_up_with() -> None:
    mixer = Mixer(shares_of([1, 1]))
    for _ in range(100):
        assert mixer.next({"a"}) == "b"
    assert Counter(mixer.next() for _ in range(10)) == {"a": 5, "b": 5}


def test_it_forgets_rather_than_grows() -> None:
    mixer = Mixer(shares_of([1] * 8))
    for bits in range(1, 256):
        mixer.next({name for i, name in enumerate(NAMES) if bits >> i & 1})
    assert len(mixer._rounds) <= 64


@pytest.mark.parametrize(
    "shares",
    [
        [SegmentShare(segment="a"), SegmentShare(segment="a", priority=1)],
        [SegmentShare(segment=str(i)) for i in range(MOST_SHARES + 1)],
    ],
)
def test_shares_that_contradict_each_other_are_refused(shares: list[SegmentShare]) -> None:
    with pytest.raises(ValueError, match="more than"):
        Mixer(shares)


@pytest.mark.parametrize(("segment", "weight"), [("", 1), ("a", 0), ("a", -1)])
def test_a_share_needs_a_name_and_a_weight(segment: str, weight: int) -> None:
    with pytest.raises(ValueError, match=r"share needs|has to be 1"):
        SegmentShare(segment=segment, weight=weight)
