"""What agents wrote about people: shown to them, erased at their wish, reduced when its time is over."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from controller.domain.callback import CallbackState
from controller.domain.ids import E164, CallId
from controller.ports import Authorship
from tests.contract.records.builders import DAY, HOUR, NOW, Store, sql, with_contacts

from .builders import SAID, TOMORROW, hour_came, listed, promise, saying, spoken

WHO = Authorship(author="dora", reason="letter of 3 March")
RULE = Authorship(author="controller", reason="their time is over")
WORDS = ("likes marmots", "Via Gelsi", "ask for the niece")


async def written(records: Store, call: str = "call-1") -> None:
    answers = {"street": "Via Gelsi"}
    hour = promise(note="ask for the niece")
    new = saying("call-back", call, promise=hour, notes="likes marmots", answers=answers)
    await records.work.dispose(new)


def all_of(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, default=str)


async def test_a_person_is_shown_what_was_written(records: Store) -> None:
    ada, bea = await with_contacts(records, 2)
    await spoken(records, ada, "call-1")
    await spoken(records, bea, "call-2")
    await written(records, "call-1")
    await records.work.dispose(saying("machine", "call-2", notes="beep"))
    found = await records.people.person(ada.number)
    (said,), (promised,) = found.dispositions, found.callbacks
    assert (said["call"], said["code"], said["notes"]) == ("call-1", "call-back", "likes marmots")
    assert said["answers"] == {"street": "Via Gelsi"}
    assert (promised["note"], promised["at"]) == ("ask for the niece", TOMORROW.isoformat())
    assert "beep" not in all_of(asdict(found))
    assert not (await records.people.person(E164("+390699999999"))).dispositions


async def test_erased_the_words_are_gone_and_what_came_of_the_call_stays(records: Store) -> None:
    ada, bea = await with_contacts(records, 2)
    await spoken(records, ada, "call-1")
    await spoken(records, bea, "call-2")
    await written(records, "call-1")
    await records.work.dispose(saying("machine", "call-2", notes="beep"))
    await records.people.erase(ada.number, WHO, NOW + HOUR)
    left = all_of(asdict(replace(await records.people.person(ada.number), number=E164(""))))
    assert [word for word in WORDS if word in left] == []
    (said,) = await records.work.dispositions(contact=ada.id)
    assert (said.code, said.notes, said.answers, said.at) == ("call-back", "", {}, SAID)
    (promised,) = await records.work.callbacks(contact=ada.id)
    assert (promised.state, promised.note) == (CallbackState.CANCELLED, "")
    now = await listed(records, ada.id)
    assert (now.done, now.contact.callback_at, now.contact.callback_for) == (True, None, None)
    assert [one.notes for one in await records.work.dispositions(call=CallId("call-2"))] == ["beep"]


async def test_what_is_old_is_reduced(records: Store) -> None:
    old, recent = await with_contacts(records, 2)
    await spoken(records, old, "call-1", NOW - 800 * DAY)
    await records.work.dispose(saying("sale", "call-1", at=NOW - 800 * DAY, notes="likes marmots"))
    await spoken(records, recent, "call-2", NOW)
    await records.work.dispose(saying("sale", "call-2", notes="likes cats", answers={"a": 1}))
    await records.people.reduce(NOW - 730 * DAY, NOW, RULE)
    (first,), (second,) = [await records.work.dispositions(contact=one.id) for one in (old, recent)]
    assert (first.notes, first.code) == ("", "sale")
    assert (second.notes, second.answers) == ("likes cats", {"a": 1})


async def test_of_an_old_call_to_somebody_who_is_still_called_the_words_go(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    long_ago = NOW - 800 * DAY
    await spoken(records, ada, "call-1", long_ago)
    hour = promise(long_ago + DAY, note="ask for the niece")
    new = saying("call-back", "call-1", at=long_ago, promise=hour, notes="likes marmots")
    await records.work.dispose(new)
    (again,) = await hour_came(records, NOW)
    await spoken(records, again, "call-2", long_ago + DAY)
    await records.work.promise(ada.id, promise(note="after lunch"), "dora", NOW)
    await records.people.reduce(NOW - 730 * DAY, NOW, RULE)
    assert [one.notes for one in await records.work.dispositions(contact=ada.id)] == [""]
    assert [one.note for one in await records.work.callbacks(contact=ada.id)] == ["", "after lunch"]


async def test_of_the_erased_not_one_word_is_left_in_the_file(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        (ada,) = await with_contacts(records, 1)
        await spoken(records, ada)
        await written(records)
    traces = [word.encode() for word in WORDS]
    assert all(trace in _all_bytes(file.parent) for trace in traces)
    async with sql(url, timeout=10) as records:
        await records.people.erase(ada.number, WHO, NOW)
    assert [trace for trace in traces if trace in _all_bytes(file.parent)] == []


def _all_bytes(directory: Path) -> bytes:
    return b"".join(part.read_bytes() for part in directory.iterdir())
