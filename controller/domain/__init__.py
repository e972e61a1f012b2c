"""The pure core: what a call, an agent, a campaign and the law are.

Standard library only; no await, no I/O, no clock (``now`` is a parameter). Every layer above may
import it; it imports nothing of them (import-linter enforces this).
"""
