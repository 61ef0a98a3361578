"""The back end of a small shop with screens of its own."""
