"""Keys with which companies' programs come in without a person: each for named purposes, ended at any moment."""
