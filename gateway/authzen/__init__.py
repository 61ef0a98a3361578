"""OpenID AuthZEN Authorization API 1.0: the one decision, in the standard's words."""
