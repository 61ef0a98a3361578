"""Small programs that use only the SDK and the standard library."""
