"""Adapters to the outside world: a mail server by SMTP, receivers of webhooks by HTTP."""
