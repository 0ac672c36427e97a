"""The customers' texts: messages.pot is all of them, and each language has one catalogue of translations beside it."""
