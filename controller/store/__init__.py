"""Adapters of what is stored: the ledger in Redis, the records in SQL, and their in-memory twins."""
