"""docs/api.md: its examples are carried out, and its table of roles is the one that holds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from controller.domain.access import Right, Role, may

from .conftest import SECRETS, Client

GUIDE = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
PEOPLE = b"phone,name\n+39 347 7654321,Bea\n"
VALUE = {"-X": "method", "-H": "header", "-d": "body", "--data-binary": "file"}


async def test_the_examples_work(client: Client) -> None:
    assert len(EXAMPLES) > 10
    for example in EXAMPLES:
        text = example.replace("\\\n", " ").replace("$API", f"{client.base}/api/v1")
        text = text.replace("$AUTH", f"Authorization: Bearer {SECRETS[Role.SUPERVISOR].text}")
        program, *arguments = shlex.split(text)
        assert program == "curl"
        said: dict[str, list[str]] = {"url": []}
        words = iter(arguments)
        for word in words:
            if word in VALUE:
                said.setdefault(VALUE[word], []).append(next(words))
            elif word != "-N":
                said["url"].append(word)
        headers = dict(line.split(": ", 1) for line in said.get("header", []))
        body = PEOPLE if "file" in said else "".join(said.get("body", [])).encode() or None
        method = said.get("method", ["POST" if body else "GET"])[0]
        (url,) = said["url"]
        async with client.session.request(method, url, data=body, headers=headers) as answer:
            assert answer.ok, (example, await answer.text())


def test_the_table_of_roles_is_the_one_that_holds() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", GUIDE, re.MULTILINE)
    found = {Right(right): [cell.strip() == "yes" for cell in cells.split("|")] for right, cells in rows}
    assert found == {right: [may(role, right) for role in Role] for right in Right}


def test_it_names_every_kind_of_event() -> None:
    from controller.domain.webhook import KINDS

    assert all(f"`{kind}`" in GUIDE for kind in KINDS)
