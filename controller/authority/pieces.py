"""What the report's page is made of: sections and tables. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.authority.markup import Markup, element


def section(heading: str, *content: Markup, class_: str | None = None) -> Markup:
    """A part of the report under its heading."""
    return element("section", element("h2", heading), *content, class_=class_)


def row(cells: Iterable[object], *, kind: str = "td", class_: str | None = None) -> Markup:
    """A row of a table."""
    return element("tr", *(element(kind, cell) for cell in cells), class_=class_)


def table(headers: Sequence[str], rows: Iterable[Markup], class_: str) -> Markup:
    """A table with a line of headers."""
    head = element("thead", element("tr", *(element("th", each, scope="col") for each in headers)))
    return element("table", head, element("tbody", *rows), class_=class_)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and values, one a line."""
    rows = (element("tr", element("th", name, scope="row"), element("td", value)) for name, value in pairs)
    return element("table", element("tbody", *rows), class_="facts")
