import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.answer import Answerer
from controller.domain.disposition import (
    MOST_DISPOSITIONS,
    Disposition,
    DispositionKind,
    DispositionSet,
    Effect,
    Follows,
    Reach,
    default_dispositions,
    disposition_from_json,
    follows,
    wish_of,
)
from controller.domain.funnel import Stage

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(code: str = "x", kind: DispositionKind = DispositionKind.LEAD, **more: object) -> Disposition:
    return Disposition(code=code, label="A label", kind=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "stage", "answerer", "effect", "pause"),
    [
        ("customer", Stage.CUSTOMER, Answerer.PERSON, Effect.FINAL, None),
        ("lead", Stage.LEAD, Answerer.PERSON, Effect.FINAL, None),
        ("interested", Stage.INTERESTED, Answerer.PERSON, Effect.FINAL, None),
        ("not-interested", Stage.REACHED, Answerer.PERSON, Effect.FINAL, None),
        ("call-back", Stage.REACHED, Answerer.PERSON, Effect.CALL_BACK, None),
        ("do-not-call", Stage.REACHED, Answerer.PERSON, Effect.OPT_OUT, None),
        ("wrong-person", Stage.CONTACT, Answerer.PERSON, Effect.RETRY, 4 * HOUR),
        ("wrong-number", Stage.CONTACT, Answerer.PERSON, Effect.NEXT_NUMBER, None),
        ("machine", Stage.CONTACT, Answerer.MACHINE, Effect.RETRY, 3 * HOUR),
        ("fax", Stage.CONTACT, Answerer.FAX, Effect.NEXT_NUMBER, None),
        ("no-conversation", Stage.CONTACT, Answerer.PERSON, Effect.RETRY, 24 * HOUR),
    ],
)
def test_what_each_kind_stands_for(
    kind: str, stage: Stage, answerer: Answerer, effect: Effect, pause: timedelta | None
) -> None:
    known = DispositionKind(kind)
    assert (known.stage, known.answerer, known.effect) == (stage, answerer, effect)
    assert made(kind=known).pause == pause
    assert known.complete == (stage >= Stage.INTERESTED)


def test_the_default_has_every_kind_once_in_both_languages() -> None:
    italian, english = default_dispositions(), default_dispositions("en")
    assert sorted(each.kind.value for each in italian.entries) == sorted(
        kind.value for kind in DispositionKind
    )
    assert italian.codes == english.codes
    assert italian.of("sale") != english.of("sale")
    assert len({each.key for each in italian.entries}) == len(italian.entries)
    assert default_dispositions("it-IT") == italian


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"code": ""}, "no code"),
        ({"code": "a b"}, "no code"),
        ({"code": "x" * 33}, "no code"),
        ({"label": " "}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"label": "x" * 81}, "label"),
        ({"key": "A"}, "no key"),
        ({"key": "12"}, "no key"),
        ({"opt_out": Reach.CALLER}, "opt_out"),
        ({"retry_after": timedelta(seconds=59)}, "retry_after"),
        ({"retry_after": timedelta(days=367)}, "retry_after"),
        ({"kind": DispositionKind.CALL_BACK, "retry_after": HOUR}, "retry_after"),
        ({"kind": DispositionKind.DO_NOT_CALL, "retry_after": HOUR}, "retry_after"),
        ({"kind": DispositionKind.FAX, "retry_after": HOUR}, "retry_after"),
    ],
)
def test_what_is_no_disposition(more: dict[str, object], why: str) -> None:
    values = {"code": "x", "label": "X", "kind": DispositionKind.LEAD} | more
    with pytest.raises(ValueError, match=why):
        Disposition(**values)  # type: ignore[arg-type]


def test_a_pause_makes_a_final_one_call_again() -> None:
    known = made(kind=DispositionKind.INTERESTED, retry_after=48 * HOUR)
    assert (known.effect, known.pause, known.kind.stage) == (Effect.RETRY, 48 * HOUR, Stage.INTERESTED)
    assert wish_of(known, NOW) == NOW + 48 * HOUR
    assert wish_of(made(kind=DispositionKind.INTERESTED), NOW) is None


def test_a_wish_not_to_be_called_binds_the_caller_unless_said_otherwise() -> None:
    assert made(kind=DispositionKind.DO_NOT_CALL).reach is Reach.CALLER
    assert made(kind=DispositionKind.DO_NOT_CALL, opt_out=Reach.EVERYBODY).reach is Reach.EVERYBODY
    assert made().reach is None


def test_a_set_has_each_code_and_key_once() -> None:
    with pytest.raises(ValueError, match="1 to"):
        DispositionSet(())
    with pytest.raises(ValueError, match="1 to"):
        DispositionSet(tuple(made(f"c{i}") for i in range(MOST_DISPOSITIONS + 1)))
    with pytest.raises(ValueError, match="twice"):
        DispositionSet((made("Sale"), made("SALE")))
    with pytest.raises(ValueError, match="key 1 is taken"):
        DispositionSet((made("a", key="1"), made("b", key="1")))
    known = DispositionSet((made("Sale"), made("b")))
    assert known.codes == ("Sale", "b")
    assert known.of("sale") == known.entries[0]
    assert known.of("nothing") is None


def dispositions() -> st.SearchStrategy[Disposition]:
    def build(
        code: str, label: str, kind: DispositionKind, seconds: int | None, reach: Reach | None
    ) -> Disposition:
        again = seconds if kind.effect in (Effect.FINAL, Effect.RETRY) else None
        return Disposition(
            code=code,
            label=label,
            kind=kind,
            retry_after=None if again is None else timedelta(seconds=again),
            opt_out=reach if kind is DispositionKind.DO_NOT_CALL else None,
        )

    return st.builds(
        build,
        st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True),
        st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=80),
        st.sampled_from(DispositionKind),
        st.none() | st.integers(60, 366 * 86400),
        st.none() | st.sampled_from(Reach),
    )


@given(st.lists(dispositions(), min_size=1, max_size=8, unique_by=lambda each: each.code))
def test_written_and_read_again_it_is_the_same(entries: list[Disposition]) -> None:
    known = DispositionSet(tuple(entries))
    assert DispositionSet.from_json(json.loads(json.dumps(known.to_json()))) == known


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "label", "kind", "key", "retry_after", "opt_out", "more"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    JSON
    | st.lists(st.fixed_dictionaries({"code": JSON, "label": JSON, "kind": st.sampled_from(["lead", 1])}))
)
def test_whatever_comes_is_a_set_or_refused(value: object) -> None:
    try:
        known = DispositionSet.from_json(value)
    except ValueError:
        return
    assert DispositionSet.from_json(known.to_json()) == known


def test_what_is_not_known_is_refused_not_passed_over() -> None:
    value = {"code": "x", "label": "X", "kind": "lead"}
    assert disposition_from_json(value) == Disposition(code="x", label="X", kind=DispositionKind.LEAD)
    for more, why in (
        ({"colour": "red"}, "colour"),
        ({"kind": "leed"}, "leed"),
        ({"retry_after": "60"}, "seconds"),
        ({"retry_after": True}, "seconds"),
        ({"retry_after": 1e300}, "minute"),
        ({"retry_after": float("nan")}, "minute"),
        ({"opt_out": "world"}, "world"),
        ({"label": 3}, "label"),
    ):
        with pytest.raises(ValueError, match=why):
            disposition_from_json(value | more)


# --- what follows


@given(
    effect=st.sampled_from(Effect),
    due=st.none() | st.just(NOW),
    hour=st.none() | st.just(NOW + HOUR),
    others=st.booleans(),
)
def test_what_follows(effect: Effect, due: datetime | None, hour: datetime | None, others: bool) -> None:
    found = follows(effect, due, callback_at=hour, other_numbers=others)
    if effect is Effect.OPT_OUT:
        assert found == Follows(None)  # whatever was promised
    elif hour is not None:
        assert found == Follows(hour)
    elif effect is Effect.RETRY:
        assert found == Follows(due)
    elif effect is Effect.NEXT_NUMBER and others:
        assert found == Follows(due, next_number=True)
    else:
        assert found == Follows(None)
