"""The asynchronous surface: signatures and docstrings, no logic."""
