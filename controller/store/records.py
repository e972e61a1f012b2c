"""What lasts, in SQL: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

from functools import cached_property

from controller.store.access import Access
from controller.store.imports import SqlImports
from controller.store.records_attempts import AttemptRecords
from controller.store.records_campaigns import CampaignRecords
from controller.store.records_contacts import ContactRecords


class SqlRecords(CampaignRecords, ContactRecords, AttemptRecords):
    """``Records`` (controller.ports) in an SQL database.

    Use it as ``async with SqlRecords(url, ...) as records``, or call ``open`` and ``close``. Every method
    raises RecordsUnreachable when the database gives no confirmed answer within the timeout.

    After RecordsUnreachable from ``attempt_started`` the attempt may have been recorded all the same (its
    confirmation came too late); ``attempt_ended`` with FAILED or CANCELLED puts things right in both cases.

    Attributes:
        lists, evidence, people: the ports of compliance, on the same database.
    """

    @cached_property
    def imports(self) -> SqlImports:
        """Imports of contacts as jobs, on the same database."""
        return SqlImports(Access(self._read, self._writer.run, self._timeout), self._key)
