"""The stores of the records' contract; segments are a part of them."""

from tests.contract.records.conftest import directory, file, records, url

__all__ = ["directory", "file", "records", "url"]
