"""The OpenAPI 3.1 document, from the very routes and models that requests are checked against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from controller.api.rest import problems as p
from controller.api.rest.routes import Resource, Route

_KEY_AT_MOST = 500
_REF = "#/components/schemas/{model}"
_ABOUT = """Everything around the calls: campaigns, contacts, agents, lists, evidence, and what happens live.

Times are RFC 3339, numbers E.164, errors RFC 9457. Lists are read page by page: give `next` of a page as
`cursor` of the following one. A POST with an `Idempotency-Key` is carried out once, however often it is sent
within 24 hours. What can be edited has an `ETag`, and is changed only by who sends it as `If-Match`."""

_ETAG = {"description": "Version of what is answered, for If-Match", "schema": {"type": "string"}}
_LOCATION = {"description": "Path of what was made", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds to wait", "schema": {"type": "integer"}}


def document(resources: Sequence[Resource], version: str) -> dict[str, Any]:
    """The document.

    Args:
        resources: all there are.
        version: of the program.
    """
    return _Document().build(resources, version)


class _Document:
    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}

    def build(self, resources: Sequence[Resource], version: str) -> dict[str, Any]:
        problem = self._schema(p.ProblemView, "serialization")
        paths: dict[str, dict[str, Any]] = {}
        for resource in resources:
            for route in resource.routes:
                paths.setdefault(route.address, {})[route.method.lower()] = self._operation(route, problem)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Campaign controller",
                "version": version,
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "tags": [{"name": each.title, "description": each.about} for each in resources],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(self._schemas.items())),
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "Made by `campaign-controller token create`",
                    }
                },
            },
        }

    def _operation(self, route: Route, problem: Mapping[str, Any]) -> dict[str, Any]:
        about = route.handler.__doc__ or ""
        summary, _, more = (part.strip() for part in about.partition("\n"))
        more = re.sub(r"(?<!\n)\n[ ]*(?!\n)", " ", more.replace("\n        ", "\n").replace("\n    ", "\n"))
        found: dict[str, Any] = {
            "operationId": route.name,
            "tags": [route.tag],
            "summary": summary.rstrip("."),
            "parameters": list(self._parameters(route)),
            "responses": {str(route.status): self._success(route)} | _failures(route, problem),
        }
        if route.method == "PUT":
            found["responses"]["201"] = self._success(route) | {"description": "It was made"}
        if route.tagged:
            found["responses"]["304"] = {
                "description": "It is the version that you have",
                "headers": {"ETag": _ETAG},
            }
        if right := route.right:
            more = f"{more}\n\nNeeds the right `{right.value}`.".strip()
        else:
            found["security"] = []
        if more:
            found["description"] = more
        if route.accepts:
            schema = {"type": "string", "format": "binary"}
            if route.body_model is not None:
                schema = self._schema(route.body_model, "validation")
            found["requestBody"] = {
                "required": True,
                "content": {kind: {"schema": schema} for kind in route.accepts},
            }
        return found

    def _parameters(self, route: Route) -> Iterator[dict[str, Any]]:
        yield from self._of_model(route.path_model, "path")
        yield from self._of_model(route.query_model, "query")
        if route.edits:
            about = "ETag of the version that is to be changed, or `*`"
            schema = {"type": "string", "pattern": r'^(\*|"[!#-~]{1,100}")$'}
            yield _header("If-Match", about, schema, required=route.method != "PUT")
        if route.method == "PUT":
            about = "`*`: make it, if it is not there yet; goes instead of If-Match"
            yield _header("If-None-Match", about, {"type": "string", "const": "*"})
        if route.tagged:
            about = "ETag of the version that you have; it is not sent again"
            yield _header("If-None-Match", about, {"type": "string"})
        if route.streams and route.answer is None and not route.sends:
            about = "Id of the last event that you have; you get what came since"
            yield _header("Last-Event-ID", about, {"type": "string", "pattern": "^[0-9]{1,19}$"})
        if route.keeps:
            about = "Sent again within 24 hours, the same request is answered, not carried out, again"
            yield _header("Idempotency-Key", about, {"type": "string", "pattern": "^[!-~]{1,255}$"})

    def _of_model(self, model: type[BaseModel], place: str) -> Iterator[dict[str, Any]]:
        schema = self._resolved(model.model_json_schema(ref_template=_REF))
        for name, field in schema.get("properties", {}).items():
            about = field.pop("description", "")
            field.pop("title", None)
            parameter = {
                "name": name,
                "in": place,
                "required": name in schema.get("required", ()),
                "schema": field,
            }
            yield parameter | ({"description": about} if about else {})

    def _success(self, route: Route) -> dict[str, Any]:
        made: dict[str, Any] = {"description": "Done" if route.answer is None else "As asked"}
        if route.answer is not None:
            made["content"] = {route.produces: {"schema": self._schema(route.answer, "serialization")}}
        elif route.streams:
            made["content"] = {route.produces: {"schema": {"type": "string"}}}
        headers = {}
        if route.edits or route.tagged:
            headers["ETag"] = _ETAG
        if route.status == 201:
            headers["Location"] = _LOCATION
        return made | ({"headers": headers} if headers else {})

    def _schema(self, model: Any, mode: JsonSchemaMode) -> dict[str, Any]:
        """The schema of a model, as a reference; the models it is made of go to the components."""
        schema = TypeAdapter(model).json_schema(
            mode=mode, ref_template=_REF, schema_generator=GenerateJsonSchema
        )
        schema = self._resolved(schema)
        title = schema.get("title")
        if not title:
            return schema
        name = re.sub(r"[^\w.-]+", "_", title).strip("_")
        self._put(name, schema)
        return {"$ref": _REF.format(model=name)}

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for name, each in schema.pop("$defs", {}).items():
            self._put(name, each)
        return schema

    def _put(self, name: str, schema: dict[str, Any]) -> None:
        _close(schema)
        if self._schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two different models are called {name!r}: give one of them another name")


def _close(schema: Any) -> None:
    """Say of mappings what pydantic checks: all keys have the pattern, not just that some may have it."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    elif isinstance(schema, dict):
        if patterns := schema.pop("patternProperties", None):
            ((pattern, value),) = patterns.items()
            schema["propertyNames"] = {"pattern": pattern, "maxLength": _KEY_AT_MOST}
            schema["additionalProperties"] = value
        for each in schema.values():
            _close(each)


def _header(name: str, about: str, schema: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": about, "schema": schema}


def kinds_of(route: Route) -> Sequence[p.Kind]:
    """The problems that a route may answer with."""
    found = [p.INVALID, p.FAILED, p.UNREACHABLE, p.TIMEOUT, *route.may_fail]
    if route.right is not None:
        found += [p.UNAUTHENTICATED, p.FORBIDDEN, p.TOO_MANY]
    if route.path_model.model_fields:
        found += [p.NOT_FOUND]
    if route.produces:
        found += [p.NOT_ACCEPTABLE]
    if route.method != "GET":
        found += [p.REFUSED, p.UNUSABLE]
    if route.query_model.model_fields:
        found += [p.UNUSABLE]
    if route.accepts:
        found += [p.TOO_LARGE]
    found += [p.MEDIA_TYPE]
    if route.edits:
        found += [p.CHANGED, p.UNCONDITIONAL]
    if route.keeps:
        found += [p.IN_PROGRESS, p.KEY_REUSED]
    return [kind for kind in p.KINDS if kind in found]


def _failures(route: Route, problem: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds_of(route):
        known = found.setdefault(
            str(kind.status),
            {"description": "", "content": {p.PROBLEM_TYPE: {"schema": problem}}},
        )
        known["description"] = "; or: ".join(filter(None, [known["description"], kind.title]))
        if kind.status in (429, 503):
            known["headers"] = {"Retry-After": _RETRY_AFTER}
    return dict(sorted(found.items()))
