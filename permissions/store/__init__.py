"""Storage adapters: the schema, its migrations, and the drivers that keep it."""
