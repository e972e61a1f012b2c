"""Scripts in versions that never change."""

from controller.domain.script import Question, QuestionKind
from tests.contract.records.builders import HOUR, NOW, Store

ROOMS = Question(id="rooms", text="How many rooms?", kind=QuestionKind.NUMBER, required=True)
WHICH = Question(id="which", text="Which?", kind=QuestionKind.SEVERAL, choices=("roof", "windows"))


async def test_each_change_makes_a_version(records: Store) -> None:
    save = records.work.save_script
    one = await save("roofs", "Hello, {{ contact.name }}", (ROOMS,), "dora", NOW)
    two = await save("roofs", "Good day, {{ contact.name }}", (ROOMS,), "emma", NOW + HOUR)
    three = await save("roofs", "Good day, {{ contact.name }}", (ROOMS, WHICH), "emma", NOW + HOUR)
    assert [one.version, two.version, three.version] == [1, 2, 3]
    assert await records.work.script("roofs") == three
    assert await records.work.script("roofs", 1) == one
    assert (one.author, one.created_at, one.questions) == ("dora", NOW, (ROOMS,))
    assert three.questions == (ROOMS, WHICH)
    assert await records.work.versions("roofs") == [three, two, one]
    assert await records.work.versions("roofs", limit=1) == [three]


async def test_what_is_the_same_makes_none(records: Store) -> None:
    one = await records.work.save_script("roofs", "Hello", (), "dora", NOW)
    assert await records.work.save_script("roofs", "Hello", (), "emma", NOW + HOUR) == one
    await records.work.save_script("roofs", "Bye", (), "emma", NOW + HOUR)
    back = await records.work.save_script("roofs", "Hello", (), "emma", NOW + 2 * HOUR)
    assert back.version == 3  # the same as an old one is a new one


async def test_listed_by_name_the_latest_of_each(records: Store) -> None:
    assert await records.work.scripts() == []
    roofs = await records.work.save_script("roofs", "One", (), "dora", NOW)
    await records.work.save_script("gates", "One", (), "dora", NOW)
    gates = await records.work.save_script("gates", "Two", (), "dora", NOW)
    assert await records.work.scripts() == [gates, roofs]


async def test_what_there_is_not(records: Store) -> None:
    await records.work.save_script("roofs", "One", (), "dora", NOW)
    assert await records.work.script("gates") is None
    assert await records.work.script("roofs", 2) is None
    assert await records.work.versions("gates") == []
