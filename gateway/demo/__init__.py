"""The demo: the whole product on one machine, by hand or played from a script."""
