"""Registration: a new company with its first administrator, and requests for access to a company that is there."""
