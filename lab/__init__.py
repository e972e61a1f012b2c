"""A telephone network, a PBX, agents' phones and Redis, on loopback, for tests and the demo."""
