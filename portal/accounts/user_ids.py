"""User ids: what one may look like, and the form by which it is found (pure; REG-23)."""

import re

_FORM = re.compile(r"""[^/'"\x00-\x1f\x7f]{5,100}""")


def is_user_id(text: str) -> bool:
    """5 to 100 characters, no slash, single or double quote, no control character."""
    return _FORM.fullmatch(text) is not None


def user_key(user_id: str) -> str:
    """A user id without its case: by this it is found and unique."""
    return user_id.casefold()
