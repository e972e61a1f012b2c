"""The demo: a campaign on a real Asterisk, and the report of it from the callees' side."""
