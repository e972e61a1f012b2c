"""The preview of a list of contacts, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from controller.cli.shell import print_table
from controller.domain.ids import masked

if TYPE_CHECKING:
    from controller.domain.contact import NewContact
    from controller.engine.import_preview import Preview


def visible(text: str) -> str:
    """A text from a file of strangers, fit for a terminal: what would command it is written out."""
    return "".join(
        letter if letter.isprintable() else repr(letter)[1:-1] if letter not in "\n\t" else " "
        for letter in text
    )


def _numbers(contact: NewContact, *, full: bool) -> list[str]:
    kinds = [(contact.number, contact.kind), *((other.number, other.kind) for other in contact.others)]
    return [
        f"{number if full else masked(number)}{f' ({kind.value})' if kind.value else ''}"
        for number, kind in kinds
    ]


def as_dict(found: Preview, *, full: bool) -> dict[str, Any]:
    """For machines; numbers masked unless ``full``."""
    from controller.engine.contact_list import Reject

    rows: list[dict[str, Any]] = []
    for record, contact in found.rows:
        if isinstance(contact, Reject):
            rows.append({"line": record.line, "reason": contact.reason})
            continue
        consent = contact.consent
        rows.append(
            {
                "line": record.line,
                "numbers": _numbers(contact, full=full),
                "name": contact.name,
                "email": contact.email,
                "key": contact.key,
                "tags": sorted(contact.tags),
                "attributes": dict(contact.attributes),
                "consent": None if consent is None else f"{consent.basis}, {consent.source}",
                "segment": contact.habits.segment,
                "region": contact.habits.region,
            }
        )
    return {
        "columns": dict(found.meanings),
        "delimiter": found.delimiter,
        "sheet": found.sheet,
        "rows": rows,
    }


def show(found: Preview, *, full: bool) -> None:
    """For people; numbers masked unless ``full``."""
    from controller.engine.contact_list import Reject

    what = f"sheet {found.sheet!r}" if found.sheet else f"CSV with {found.delimiter!r} between the columns"
    typer.echo(what)
    columns = [[visible(header), visible(field)] for header, field in found.meanings.items()]
    print_table(["column", "means"], columns, "no columns")
    shown: list[Sequence[object]] = []
    for record, contact in found.rows:
        if isinstance(contact, Reject):
            shown.append([record.line, f"rejected: {visible(contact.reason)}", "", "", ""])
            continue
        more = {**contact.attributes, "tags": ", ".join(sorted(contact.tags)), "key": contact.key}
        rest = "; ".join(f"{key}: {value}" for key, value in more.items() if value)
        numbers = ", ".join(_numbers(contact, full=full))
        shown.append([record.line, numbers, *map(visible, (contact.name, contact.email, rest))])
    print_table(["line", "numbers", "name", "e-mail", "more"], shown, "no rows")
