"""Alembic's scripts: how the schema came to be what `tables` says."""
