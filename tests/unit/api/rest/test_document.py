"""The OpenAPI document: the committed copy is the one that is served, and says what the routes do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from controller.api.rest.resources import RESOURCES, openapi_document
from controller.api.rest.routes import Route

COPY = Path(__file__).parents[4] / "docs" / "openapi.json"
ROUTES = [route for resource in RESOURCES for route in resource.routes]


def written() -> str:
    return json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"


def test_the_committed_copy_is_up_to_date() -> None:
    assert COPY.read_text() == written(), "run: python -m tests.unit.api.rest.test_document"


def test_names_and_paths_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_is_documented(route: Route) -> None:
    operation = openapi_document()["paths"][route.address][route.method.lower()]
    assert operation["summary"]
    assert str(route.status) in operation["responses"]
    assert ("requestBody" in operation) == bool(route.accepts)
    named = {parameter["name"] for parameter in operation["parameters"]}
    assert set(route.path_model.model_fields) | set(route.query_model.model_fields) <= named
    assert ("If-Match" in named) == route.edits
    assert (operation.get("security") == []) == (route.right is None)


def test_every_reference_leads_somewhere() -> None:
    text = written()
    schemas = openapi_document()["components"]["schemas"]
    for name in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in schemas


def test_no_bound_is_lost_from_the_document() -> None:
    """Pydantic writes bounds that it cannot express under its own names, which nobody reads."""

    def visit(schema: object) -> None:
        if isinstance(schema, dict):
            assert not {"ge", "gt", "le", "lt"} & set(schema), schema
        for each in (
            schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        ):
            visit(each)

    visit(json.loads(written()))


if __name__ == "__main__":
    COPY.write_text(written())
    sys.stdout.write(f"{COPY} written\n")
