"""Profiles of one's own: read, compared, refused with file, line, field and what is allowed."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.law_document import document
from controller.domain.regulation import Limit
from controller.errors import BadInput
from controller.law import IT_GARANTE_2014, PROFILES, load, load_directory
from controller.law.reading import read_shipped
from controller.law.words import plain_words

EXTENDS = 'extends = "it-garante-2014"\n'
LOOSE = 'hours = "always"\n'
OVERRIDE = '[override]\nauthor = "M. Rossi"\nreason = "a trial"\n'


def put(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.toml").write_text(text, "utf-8")
    return directory


def refused(directory: Path, text: str) -> BadInput:
    put(directory, own=text)
    with pytest.raises(BadInput) as caught:
        load_directory(directory, PROFILES)
    return caught.value


# --- profiles of one's own ----------------------------------------------------------------------------


def test_what_is_not_said_comes_from_the_extended_profile(tmp_path: Path) -> None:
    put(tmp_path, strict=EXTENDS + "leave_alone_days = 30\ncut_after = 2.9\n")
    law = load_directory(tmp_path, PROFILES)["strict"]
    base = IT_GARANTE_2014
    assert law.extends == "it-garante-2014"
    assert law.override is None
    assert law.leave_alone == timedelta(days=30)
    assert law.cut_after == timedelta(seconds=2.9)
    assert (law.limits, law.hours, law.register) == (base.limits, base.hours, base.register)
    assert law.not_covered == base.not_covered


def test_limits_are_replaced_as_a_whole(tmp_path: Path) -> None:
    text = EXTENDS + '[[limits]]\nname = "day"\nshare = "1/100"\nof = "answered"\ndays = 1\n'
    law = load(put(tmp_path, own=text) / "own.toml", PROFILES)
    assert [(each.name, each.share, each.days) for each in law.limits] == [("day", Fraction(1, 100), 1)]


def test_no_limits_at_all_mean_that_nothing_is_uncovered(tmp_path: Path) -> None:
    law = load(put(tmp_path, own=EXTENDS + "limits = []\n") / "own.toml", PROFILES)
    assert law.limits == ()
    assert "enforced: no call without a reserved agent" in plain_words(law)


def test_sources_follow_the_values(tmp_path: Path) -> None:
    text = (
        EXTENDS + "leave_alone_days = 30\nring_at_least = 12\n"
        '[[limits]]\nname = "day"\nshare = "1/100"\nof = "successes"\ndays = 1\n'
        '[sources]\nleave_alone_days = ["our contract", "sure"]\n"limits.day" = ["the same", "sure"]\n'
        '[not_covered]\nmore = "what our client asks for"\n'
    )
    law = load(put(tmp_path, own=text) / "own.toml", PROFILES)
    assert law.sources["leave_alone"].text == "our contract"
    assert law.sources["limits.day"].text == "the same"
    assert "limits.campaign" not in law.sources
    assert "own" in law.sources["ring_at_least"].text
    assert law.sources["cut_after"] == IT_GARANTE_2014.sources["cut_after"]
    assert law.not_covered == (*IT_GARANTE_2014.not_covered, "what our client asks for")


def test_a_looser_profile_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, EXTENDS + "\n" + LOOSE)
    assert error.place.endswith("own.toml line 3")
    assert error.problem == "looser than it-garante-2014: hours: people are called at other hours"
    assert "[override]" in error.allowed


def test_a_looser_profile_with_an_override_is_taken_and_the_override_kept(tmp_path: Path) -> None:
    law = load(put(tmp_path, own=EXTENDS + LOOSE + OVERRIDE) / "own.toml", PROFILES)
    assert law.override is not None
    assert (law.override.author, law.override.reason) == ("M. Rossi", "a trial")
    assert law.override.looser == ("hours: people are called at other hours",)
    assert document(law)["override"] == {
        "author": "M. Rossi",
        "reason": "a trial",
        "looser": ["hours: people are called at other hours"],
    }
    assert any("decided by M. Rossi (a trial)" in words for words in plain_words(law))


@pytest.mark.parametrize("field", ["author", "reason"])
@pytest.mark.parametrize("value", ['""', '"  "', "7"])
def test_an_override_without_author_or_reason_is_none(tmp_path: Path, field: str, value: str) -> None:
    lines = {"author": '"M. Rossi"', "reason": '"a trial"'} | {field: value}
    text = EXTENDS + LOOSE + "[override]\n" + "".join(f"{key} = {it}\n" for key, it in lines.items())
    error = refused(tmp_path, text)
    assert f"override.{field}" in error.problem
    assert error.place.endswith(f"line {4 if field == 'author' else 5}")


def test_an_override_of_nothing_is_a_contradiction(tmp_path: Path) -> None:
    error = refused(tmp_path, EXTENDS + "leave_alone_days = 6\n" + OVERRIDE)
    assert error.place.endswith("line 3")
    assert "nothing to answer for" in error.problem


def test_whoever_extends_a_looser_one_answers_for_it_too(tmp_path: Path) -> None:
    put(tmp_path, loose=EXTENDS + LOOSE + OVERRIDE)
    error = refused(tmp_path, 'extends = "loose"\nleave_alone_days = 30\n')
    assert "looser than it-garante-2014" in error.problem
    assert "hours" in error.problem


def test_whoever_takes_back_what_is_looser_needs_no_override(tmp_path: Path) -> None:
    put(tmp_path, loose=EXTENDS + LOOSE + OVERRIDE)
    put(tmp_path, own='extends = "loose"\nhours = "mon-fri 10:00-12:00"\n')
    assert load_directory(tmp_path, PROFILES)["own"].override is None


def test_a_stricter_profile_cannot_be_loosened_in_the_next_one(tmp_path: Path) -> None:
    put(tmp_path, strict=EXTENDS + "leave_alone_days = 30\n")
    error = refused(tmp_path, 'extends = "strict"\nleave_alone_days = 10\n')
    assert "looser than strict: leave_alone" in error.problem


def test_files_are_read_in_the_order_they_need(tmp_path: Path) -> None:
    put(tmp_path, a='extends = "b"\n', b='extends = "c"\nring_at_least = 20\n', c=EXTENDS)
    laws = load_directory(tmp_path, PROFILES)
    assert set(laws) == {"a", "b", "c"}
    assert laws["a"].ring_at_least == timedelta(seconds=20)
    assert load(tmp_path / "a.toml", PROFILES) == laws["a"]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("no TOML")
    assert load_directory(tmp_path, PROFILES) == {}


def test_that_a_profile_is_superseded_cannot_be_kept_quiet(tmp_path: Path) -> None:
    put(tmp_path, own='extends = "uk-ofcom-2010"\n')
    assert load_directory(tmp_path, PROFILES)["own"].superseded
    assert "superseded" in refused(tmp_path, 'extends = "uk-ofcom-2010"\nsuperseded = ""\n').problem


# --- refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words", "allowed"),
    [
        ("leave_alone_days = 30\n", None, "names the one it extends", "it-garante-2014"),
        ('extends = "it"\n', 1, "there is no profile 'it'", "it-garante-2014"),
        ('extends = "../own"\n', 1, "there is no profile", "us-ftc-tsr"),
        ('extends = "own"\n', 1, "extends this one in turn", ""),
        (EXTENDS + "leave_alone = 30\n", 2, "leave_alone: there is no such field", "leave_alone_days"),
        (EXTENDS + "leave_alone_days = -1\n", 2, "leave_alone_days: -1 cannot be used", "0 to 3660"),
        (EXTENDS + 'leave_alone_days = "5"\n', 2, "leave_alone_days: '5' cannot", "0 to 3660"),
        (EXTENDS + "leave_alone_days = nan\n", 2, "leave_alone_days: nan cannot", "0 to 3660"),
        (EXTENDS + "cut_after = true\n", 2, "cut_after: True cannot be used", "0 to 60"),
        (EXTENDS + "cut_after = inf\n", 2, "cut_after: inf cannot be used", "0 to 60"),
        (EXTENDS + "consent_required = 1\n", 2, "consent_required: 1 cannot", "true or false"),
        (EXTENDS + 'hours = "mon 09:00-20:00; mon 10:00-11:00"\n', 2, "hours: mon is named twice", "always"),
        (EXTENDS + 'hours = "mon 9-20"\n', 2, "hours: '9-20' is no stretch of time", ""),
        (EXTENDS + 'played = "music"\n', 2, "played: 'music' cannot be used", '"noise" or "message"'),
        (EXTENDS + 'register = "RPO"\n', 2, "register: 'RPO' is no register", "max_age_days"),
        (EXTENDS + "[register]\nmax_age_days = 3\n", 2, "register.name: is missing", "register's name"),
        (
            EXTENDS + '[register]\nname = "RPO"\nmax_age_days = 0\n',
            4,
            "register.max_age_days: 0",
            "more than",
        ),
        (EXTENDS + "[caller_id]\nrequired = true\n", 2, "caller_id.must_answer: is missing", "true or"),
        (
            EXTENDS + '[caller_id]\nrequired = true\nmust_answer = true\nfree_prefixes = ["0844"]\n',
            5,
            "caller_id.free_prefixes.0: '0844' cannot",
            "+390844",
        ),
        (EXTENDS + "[caller_id]\nreq = true\n", 2, "caller_id.required: is missing", "true or false"),
        (EXTENDS + 'country = "Italy"\n', 2, "country: 'Italy' cannot be used", "ISO 3166"),
        (
            EXTENDS + '[sources]\nlaw = ["a", "sure"]\n',
            3,
            "sources: there is no rule 'law' here",
            "limits.NAME",
        ),
        (EXTENDS + '[sources]\n"limits.day" = ["a", "sure"]\n', 3, "there is no rule 'limits.day' here", ""),
        (EXTENDS + '[sources]\nhours = ["a", "very"]\n', 3, "sources.hours.1: 'very' cannot", "our choice"),
        (EXTENDS + "limits = 3\n", 2, "limits: 3 cannot be used", "[[limits]]"),
        (EXTENDS + "hours = [\n", 2, "this is no TOML", ""),
        (EXTENDS + "cut_after = = 3\n", 2, "this is no TOML", ""),
        (EXTENDS + EXTENDS, 2, "this is no TOML: Cannot overwrite a value", ""),
        (EXTENDS + f"cut_after = {'9' * 5000}\n", None, "this is no TOML", ""),
        ("x = " + "[" * 10_000, None, "this is no TOML", ""),
        (EXTENDS + "hang_up_after = 2.9\n", 2, "hang_up_after < dead_man_after < cut_after must hold", ""),
        (EXTENDS + "noise_within = 2.8\n", 2, "noise_within: the call is over before", ""),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int | None, words: str, allowed: str
) -> None:
    error = refused(tmp_path, text)
    assert words in error.problem
    assert error.place == f"{tmp_path / 'own.toml'}" + (f" line {line}" if line else "")
    assert allowed in error.allowed


@pytest.mark.parametrize(
    "share", ["3%", "0.03", "1/1", "100/3", "-1/100", "1/0", "1e-999999999", "1/9999999", "", "٣/100"]
)
def test_a_share_that_is_none_is_refused(tmp_path: Path, share: str) -> None:
    good = '[[limits]]\nname = "day"\nshare = "1/100"\nof = "successes"\ndays = 1\n'
    bad = f'[[limits]]\nname = "campaign"\nshare = "{share}"\nof = "successes"\n'
    error = refused(tmp_path, EXTENDS + good + bad)
    assert error.problem.startswith("limits.1.share: ")
    assert error.place.endswith("line 9")
    assert "3/100" in error.allowed


def test_two_limits_of_one_name_are_refused(tmp_path: Path) -> None:
    limit = '[[limits]]\nname = "day"\nshare = "1/100"\nof = "successes"\ndays = 1\n'
    error = refused(tmp_path, EXTENDS + limit + limit)
    assert "limits have names of their own" in error.problem
    assert error.place.endswith("line 2")


def test_the_name_of_a_shipped_profile_is_taken(tmp_path: Path) -> None:
    put(tmp_path, **{"it-garante-2014": 'extends = "us-ftc-tsr"\n'})
    with pytest.raises(BadInput, match="is taken by a shipped profile"):
        load_directory(tmp_path, PROFILES)


@pytest.mark.parametrize("name", ["Own", "own law", "-own", "ö", "x" * 65])
def test_names_are_plain(tmp_path: Path, name: str) -> None:
    put(tmp_path, **{name: EXTENDS})
    with pytest.raises(BadInput, match="cannot name a profile"):
        load_directory(tmp_path, PROFILES)


def test_profiles_in_a_circle_are_refused(tmp_path: Path) -> None:
    put(tmp_path, a='extends = "b"\n', b='extends = "c"\n', c='extends = "a"\n')
    with pytest.raises(BadInput, match="extends this one in turn"):
        load_directory(tmp_path, PROFILES)


def test_one_bad_file_refuses_the_directory(tmp_path: Path) -> None:
    put(tmp_path, good=EXTENDS, bad="extends = 1\n")
    with pytest.raises(BadInput, match=r"bad\.toml line 1"):
        load_directory(tmp_path, PROFILES)
    assert load(tmp_path / "good.toml", PROFILES).name == "good"


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load_directory(tmp_path / "none", PROFILES)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(EXTENDS.encode() + b'title = "\xe8"\n')
    with pytest.raises(BadInput, match="is not UTF-8"):
        load_directory(tmp_path, PROFILES)
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "none.toml", PROFILES)


def test_a_profile_that_stands_for_itself_says_everything() -> None:
    with pytest.raises(BadInput, match="title is missing"):
        read_shipped("", "new.toml")
    with pytest.raises(BadInput, match="neither"):
        read_shipped(EXTENDS, "new.toml")


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for whole in (text, f"{EXTENDS}hours = '{text}'", f"{EXTENDS}[sources]\n{text}"):
        with pytest.raises(BadInput, match=r"^own\.toml"):
            read_shipped(whole, "own.toml")


def test_limits_of_the_finest_share_are_exact(tmp_path: Path) -> None:
    text = EXTENDS + '[[limits]]\nname = "d"\nshare = "1/1000000"\nof = "successes"\ndays = 1\n'
    law = load(put(tmp_path, own=text) / "own.toml", PROFILES)
    assert law.limits == (Limit(name="d", share=Fraction(1, 1_000_000), days=1),)
