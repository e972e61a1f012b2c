"""FastAGI for the dialplan: protocol (pure), session, server, routes."""

from controller.agi.config import AgiConfig, AgiCounters
from controller.agi.routes import DialplanRoutes
from controller.agi.server import AgiServer
from controller.agi.session import AgiSession

__all__ = ["AgiConfig", "AgiCounters", "AgiServer", "AgiSession", "DialplanRoutes"]
