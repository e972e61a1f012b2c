"""HTML and SVG put together from elements, so that escaping is not left to anybody's memory. PURE."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is markup already; any other text is escaped when it is put into an element."""

    __slots__ = ()


def element(name: str, *content: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: of the element.
        content: Markup goes in as it is, everything else as escaped text.
        attributes: ``class_`` becomes ``class``, ``text_anchor`` ``text-anchor``; None leaves it out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*content)}</{name}>")


def join(*content: object) -> Markup:
    """Pieces one after the other, escaped where they are no markup."""
    return Markup("".join(each if isinstance(each, Markup) else escape(str(each)) for each in content))
