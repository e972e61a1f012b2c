"""Use cases on ports and domain: dialing, call owners, agents' desk, recovery. Imports no adapter."""
