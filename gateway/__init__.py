"""The gateway: everything that speaks HTTP, and the command that runs it."""
