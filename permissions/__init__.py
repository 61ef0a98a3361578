"""Consent and permissions: the domain, without a web framework or a clock."""
