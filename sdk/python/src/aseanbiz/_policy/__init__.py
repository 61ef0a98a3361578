"""Pure functions: no state, no clock, no network."""
