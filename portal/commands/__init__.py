"""Commands that speak to a running portal over its API, as a person's hand in a terminal or in a script."""
