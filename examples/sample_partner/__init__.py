"""A courier that asks a shop's customers for what it needs to deliver."""
