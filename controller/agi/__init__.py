"""FastAGI for the dialplan: protocol (pure), server, routes."""
