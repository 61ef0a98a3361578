"""Pages for people: log-in, consent, the privacy centre."""
