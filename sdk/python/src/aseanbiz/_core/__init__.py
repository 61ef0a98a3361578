"""Operations and their state; they yield commands and do no I/O themselves."""
