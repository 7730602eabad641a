"""The OpenAPI description of the API: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from typing import Any

from extexify.catalog.output import OutputFormat

_TEXT: dict[str, Any] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_PROBABILITY: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1.000001}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_OTHER_FORMATS = [output for output in OutputFormat if output != OutputFormat.LATEX]

_SYMBOL = {
    "key": _TEXT,
    "command": _TEXT,
    "package": _TEXT,
    "mode": {"enum": ["math", "text", "both"]},
    "unicode": _TEXT_OR_NULL,
    "typst": _TEXT_OR_NULL,
    "forms": {
        "description": "The symbol as typed elsewhere, by the format's name; those that it lacks are left out.",
        **_object({output.value: _TEXT for output in _OTHER_FORMATS}, *(output.value for output in _OTHER_FORMATS)),
    },
}

MODEL_FIELDS: dict[str, Any] = {
    "name": _TEXT,
    "classes": _list(_TEXT),
    "raster": {"type": "object"},
    "sequence": {"type": ["object", "null"]},
    "metrics": {"type": "object"},
    "training": {"type": "object"},
}
"""What the API tells of a model, of its file's metadata, with their schemas."""

SCHEMAS: dict[str, Any] = {
    "Strokes": {
        "description": "Strokes of points [x, y], y growing downwards; further numbers of a point are ignored.",
        **_list(_list({**_list({"type": "number"}), "minItems": 2})),
    },
    "Symbol": _object(_SYMBOL),
    "Member": _object({**_SYMBOL, "probability": _PROBABILITY}),
    "Answer": _object({**_SYMBOL, "probability": _PROBABILITY, "members": _list(_named("Member"))}),
    "Classification": _object({"answers": _list(_named("Answer")), "sure": {"type": "boolean"}, "model": _TEXT}),
    "Symbols": _object({"symbols": _list(_named("Symbol"))}),
    "Model": _object(MODEL_FIELDS),
    "TopFive": _object({"top5": _list(_TEXT)}),
    "Error": _object({"error": _TEXT}),
}
"""JSON schemas of requests and answers, by name."""

_ERRORS = {
    "400": "The request can't be understood.",
    "413": "The drawing is too large.",
    "429": "Asked too often; the header Retry-After says how many seconds to wait.",
    "503": "The server has no model.",
}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _operation(summary: str, answer: str, **more: Any) -> dict[str, Any]:
    errors = {status: {"description": text, **_content(_named("Error"))} for status, text in _ERRORS.items()}
    return {
        "summary": summary,
        "responses": {"200": {"description": "The answer.", **_content(_named(answer))}, **errors},
        **more,
    }


def _request(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, **_content(schema)}


def _parameter(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": text}


def description(server: str) -> dict[str, Any]:
    """The description, for a server at an address or path."""
    prior = {"enum": ["usage", "none"], "default": "usage"}
    drawing = _object(
        {"strokes": _named("Strokes"), "link": _TEXT, "top": _COUNT, "prior": prior}, "strokes", "link", "top", "prior"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Extexify", "version": "1", "summary": "Draw a symbol, get its LaTeX command."},
        "servers": [{"url": server or "/"}],
        "paths": {
            "/api/classify": {
                "post": _operation(
                    "Strokes, or the link to a drawing → the most probable symbols.",
                    "Classification",
                    requestBody=_request({**drawing, "oneOf": [{"required": ["strokes"]}, {"required": ["link"]}]}),
                )
            },
            "/api/symbols": {
                "get": _operation(
                    "The symbols that match a search.",
                    "Symbols",
                    parameters=[
                        _parameter("q", _TEXT, "A command, alias, package, Unicode or Typst name."),
                        _parameter("limit", _COUNT, "How many at most."),
                    ],
                )
            },
            "/api/model": {"get": _operation("The model that answers.", "Model")},
            "/classify": {
                "post": _operation(
                    "The same for clients of the blog post's server.",
                    "TopFive",
                    requestBody=_request(_object({"data": _named("Strokes")})),
                )
            },
        },
        "components": {"schemas": SCHEMAS},
    }
