"""Measures the controller against a bare client on the same machine in the same run; see docs/bench.md."""
