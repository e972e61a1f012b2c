"""What shows that the law is kept, and what a person may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import Because, Model, Number, Page, Paging, Wanted, Whole
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.evidence import Head
from controller.domain.law_document import digest, document
from controller.domain.regulation import Regulation
from controller.ports import Authorship

compliance = Resource("Compliance", "The law as data, the evidence that it was kept, and people's own data")


# --- evidence ---------------------------------------------------------------------------------------------


class HeadView(Model):
    """The end of the chained record. Noted elsewhere, it shows later whether all was written anew."""

    seq: int
    hash: str


class NotedHead(Wanted):
    """An entry's number and hash as they were noted earlier, outside of the database."""

    seq: Whole = Field(default=0, ge=0, le=2**53 - 1, description="0: nothing was noted")
    hash: str = Field(default="0" * 64, pattern="^[0-9a-f]{64}$")


class VerificationView(Model):
    """What a look at the whole evidence found."""

    whole: bool
    entries: int
    attempts: int = Field(description="Recorded attempts that were compared with the entries")
    head: HeadView
    findings: list[str] = Field(description="What is not as it was written, each with its place")


@compliance.get("/evidence/head", Right.SEE_EVIDENCE)
async def get_evidence_head(ask: Ask) -> HeadView:
    """The end of the chained record, as it is written down."""
    head = await ask.services.evidence.head()
    return HeadView(seq=head.seq, hash=head.hash)


@compliance.post("/evidence/verify", Right.SEE_EVIDENCE, keeps=False, patient=True)
async def verify_evidence(ask: Ask, body: NotedHead) -> VerificationView:
    """Read the whole chained record, and compare it with the attempts beside it. May take long."""
    found = await ask.services.verify(Head(body.seq, body.hash) if body.seq else None)
    return VerificationView(
        whole=not found.findings,
        entries=found.entries,
        attempts=found.attempts,
        head=HeadView(seq=found.head.seq, hash=found.head.hash),
        findings=list(found.findings),
    )


# --- persons ----------------------------------------------------------------------------------------------


class Whose(Wanted):
    """Whose data. In the body, for addresses of requests are kept in many logs."""

    number: Number


class Erasure(Whose, Because):
    """Whose data are to be erased, on whose decision."""


class ErasedView(Model):
    """How much was erased."""

    contacts: int
    attempts: int
    opt_outs: int
    callers: int = Field(description="For how many callers the live store had something")


@compliance.post("/persons/export", Right.PERSONS, keeps=False)
async def export_person(ask: Ask, body: Whose) -> Mapping[str, Any]:
    """Everything that is stored of a person, numbers in full."""
    return await ask.services.persons.export(ask.services.read_number(body.number))


@compliance.post("/persons/erase", Right.PERSONS)
async def erase_person(ask: Ask, body: Erasure) -> ErasedView:
    """Erase a person's data everywhere; they are never called again. Cannot be undone.

    Statistics and evidence stay, without the number. All answers that are kept for repeated requests are
    forgotten, too.
    """
    number = ask.services.read_number(body.number)
    who = Authorship(author=body.author.strip(), reason=body.reason.strip(), source="API")
    done, callers = await ask.services.persons.erase(number, who)
    await ask.services.answers.forget()
    return ErasedView(contacts=done.contacts, attempts=done.attempts, opt_outs=done.opt_outs, callers=callers)


# --- the law ----------------------------------------------------------------------------------------------


class ProfileView(Model):
    """A regulation profile."""

    name: str
    country: str
    title: str
    extends: str | None
    superseded: bool
    looser: bool = Field(description="Looser than what it extends, by an override that it records")
    digest: str


class ProfileDetailView(ProfileView):
    """A regulation profile, with all its rules."""

    rules: Mapping[str, Any]
    not_covered: list[str] = Field(description="What the law demands and this program does not see to")


class ProfilePath(Wanted):
    """One profile."""

    profile: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")


@compliance.get("/regulations", Right.SEE_SELF)
async def list_regulations(ask: Ask, query: Paging) -> Page[ProfileView]:
    """The regulation profiles there are, by name."""
    after = ask.place(query)
    laws = ask.services.profiles
    found = [laws[name] for name in sorted(laws) if after is None or name > str(after[0])]
    return ask.page(
        query, found[: query.limit + 1], lambda law: ProfileView(**_profile(law)), lambda law: [law.name]
    )


@compliance.get("/regulations/{profile}", Right.SEE_SELF)
async def get_regulation(ask: Ask, path: ProfilePath) -> ProfileDetailView:
    """What a profile enforces, and what it does not cover."""
    law = ask.services.profiles.get(path.profile)
    if law is None:
        raise Problem(NOT_FOUND, f"there is no profile {path.profile!r}")
    return ProfileDetailView(**_profile(law), rules=document(law), not_covered=list(law.not_covered))


def _profile(law: Regulation) -> dict[str, Any]:
    return {
        "name": law.name,
        "country": law.country,
        "title": law.title,
        "extends": law.extends or None,
        "superseded": bool(law.superseded),
        "looser": law.override is not None,
        "digest": digest(law),
    }
