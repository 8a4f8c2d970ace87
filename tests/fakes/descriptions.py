"""Services' own descriptions, for tests: an OpenAPI document, a GraphQL schema, federated subgraphs."""

from typing import Any

LICENCE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uscc", "name", "status", "holder"],
    "properties": {
        "uscc": {"type": "string", "description": "统一社会信用代码"},
        "name": {"type": "string", "title": "企业名称"},
        "status": {"type": "string", "enum": ["valid", "revoked"]},
        "capital": {"type": "number", "nullable": True},
        "floors": {"type": "integer", "format": "int32"},
        "serial": {"type": "integer"},
        "since": {"type": "string", "format": "date"},
        "changed": {"type": "string", "format": "date-time"},
        "seal": {"type": "string", "format": "byte"},
        "listed": {"type": "boolean"},
        "scopes": {"type": "array", "items": {"type": "string"}},
        "holder": {"$ref": "#/components/schemas/Holder"},
    },
}

OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Licences", "version": "1"},
    "paths": {
        "/licences/{uscc}": {
            "parameters": [
                {"name": "uscc", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {
                "operationId": "licence",
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/One"}}
                        }
                    },
                    "404": {"description": "no licence"},
                },
            },
        },
        "/search": {
            "get": {
                "parameters": [
                    {"name": "credit", "in": "query", "required": True},
                    {"name": "version", "in": "query", "required": True},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Many"}}
                        }
                    }
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "filter": {
                                        "type": "object",
                                        "properties": {
                                            "uscc": {"type": "string"},
                                            "kind": {"type": "string"},
                                        },
                                    }
                                },
                            }
                        }
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Many"}}
                        }
                    }
                },
            },
        },
    },
    "components": {
        "schemas": {
            "Holder": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
            },
            "Licence": LICENCE_SCHEMA,
            "One": {
                "type": "object",
                "properties": {"data": {"$ref": "#/components/schemas/Licence"}},
            },
            "Many": {
                "type": "object",
                "properties": {
                    "code": {"type": "integer"},
                    "data": {
                        "type": "object",
                        "properties": {
                            "rows": {
                                "type": "array",
                                "items": {"$ref": "#/components/schemas/Licence"},
                            }
                        },
                    },
                },
            },
        }
    },
}

PLAIN_SDL = """
type Query {
  permit(number: ID!): Permit
  permits(numbers: [ID!]!): [Permit!]!
  byPlace(region: String!, street: String!): Permit
  broken(number: ID!): Outcome
}
union Outcome = Permit | Office
enum Status { VALID REVOKED }
scalar Date
type Office { name: String!, level: Int }
type Permit {
  number: ID!
  "许可证名称"
  title: String!
  status: Status!
  area: Float
  until: Date
  office: Office
  scopes: [String!]!
}
"""

SUBGRAPH = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.3"
  import: ["@key", "@shareable", "@external", "@inaccessible", { name: "@requires", as: "@needs" }]
)
type Query { _dummy: Int }
type Licence @key(fields: "uscc") @key(fields: "org { code } number") {
  uscc: ID!
  number: String!
  org: Org!
  name: String @shareable
  rating: Int @external
  internalNote: String @inaccessible
}
type Org { code: String!, title: String @inaccessible }
type Fee @key(fields: "id") {
  id: ID!
  weight: Int @external
  amount: Float @needs(fields: "weight")
  paid: Boolean
}
type Media @key(fields: "id") @federation__interfaceObject { id: ID!, title: String }
type Hidden @key(fields: "id") @inaccessible { id: ID!, title: String }
type Stub @key(fields: "id", resolvable: false) { id: ID! }
"""

SUBGRAPH_V1 = """
type Query { _dummy: Int }
extend type Company @key(fields: "uscc") {
  uscc: ID! @external
  inspections: Int
  lastResult: String @requires(fields: "name")
  name: String @external
}
"""
