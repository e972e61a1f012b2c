"""The report as PDF, by weasyprint, which needs libraries that Debian has and pip does not."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn

from controller.errors import ProtocolError, Unreachable

PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""Debian's names of what is needed."""


def as_pdf(page: str) -> bytes:
    """The page as PDF.

    Raises:
        Unreachable: a library that is needed is missing; the message names Debian's packages.
    """
    written: bytes | None = laid_out(page).write_pdf()
    if written is None:
        raise ProtocolError("weasyprint wrote no PDF")
    return written


def laid_out(page: str) -> Any:
    """The page set in pages, as weasyprint's Document; raises as ``as_pdf``."""
    weasyprint = _weasyprint()
    try:
        return weasyprint.HTML(string=page, url_fetcher=_NothingOutside()).render()
    except weasyprint.urls.FatalURLFetchingError as error:
        raise ProtocolError(f"the report refers to something outside of itself: {error}") from error


def _weasyprint() -> Any:
    # It takes half a second to import, and opens shared libraries as it is imported.
    with warnings.catch_warnings():
        # It warns where a library is missing that it can do without, for now.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import weasyprint
        except OSError as error:
            raise Unreachable(
                f"the PDF cannot be made, a library is missing ({_first_line(error)}); on Debian and Ubuntu: "
                f"apt-get install -y {' '.join(PACKAGES)}"
            ) from error
    return weasyprint


def _first_line(error: OSError) -> str:
    return str(error).strip().partition("\n")[0]


class _NothingOutside:
    """Fetches nothing, from nowhere: the page has all that belongs to it, and anything else is a bug."""

    _fail_on_errors = True  # which weasyprint looks at: it stops then, instead of leaving the thing out

    def __call__(self, url: str, *_: object, **__: object) -> NoReturn:
        raise ProtocolError(f"the report refers to nothing outside of itself, yet to {url}")
