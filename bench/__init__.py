"""The bench: what a path costs, against references of the same run."""
