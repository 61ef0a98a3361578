"""JSON for machines: the routes under /v1."""
