"""Personal data: collected and released only as far as the decision reaches."""
