"""The authorization server: one module per RFC, and Authlib behind one of them."""
