"""The REST API, /api/v1: routes that validate and document themselves, tokens with roles, live events.

models, problems, routes    what a route is declared with
reading, door, pipeline     what becomes of a request before its handler
resources/                  the handlers
openapi                     the document, from the same declarations
server                      the HTTP server; ``services`` is what it serves
"""

from controller.api.rest.pipeline import Bounds
from controller.api.rest.server import RestConfig, RestServer
from controller.api.rest.services import Services

__all__ = ["Bounds", "RestConfig", "RestServer", "Services"]
