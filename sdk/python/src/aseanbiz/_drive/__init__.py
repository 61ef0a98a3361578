"""Drivers and transports: all the I/O, hardly any thought."""
