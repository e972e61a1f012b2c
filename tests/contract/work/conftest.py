"""The stores that have to obey the contract are those of the records."""

from tests.contract.records.conftest import directory, file, records, url

__all__ = ["directory", "file", "records", "url"]
