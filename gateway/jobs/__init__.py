"""What the gateway does by itself, beside answering."""
