"""The blocking surface, generated from `_aio` by scripts/make_blocking.py."""
