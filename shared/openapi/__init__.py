"""
The contract of the HTTP API as data: parameters, schemas, operations, and the two documents that are made from them.

`docs/openapi.json` (OpenAPI 3.0.3) and `docs/connector.swagger.json` (OpenAPI 2.0) are written by `make contract`.
"""
