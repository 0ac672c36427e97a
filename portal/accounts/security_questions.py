"""Security questions (pure; guide 6.2 steps 19 to 21, PER-06): one is chosen, its answer is not case-sensitive.

Whoever asks with a user id that does not exist is shown a question too, always the same one for that id, so that
questions tell nobody which ids exist. Which one follows from a key that only the portal has.
"""

import hashlib
import hmac

QUESTIONS = {
    "first_street": "On which street did you grow up?",
    "first_teacher": "Who was your favourite teacher?",
    "first_job": "In which town was your first job?",
    "first_pet": "What was the name of your first pet?",
    "first_car": "What was the make of your first car?",
    "oldest_friend": "What is the first name of your oldest friend?",
    "parents_met": "In which town did your parents meet?",
    "first_concert": "Which was the first concert that you went to?",
}
LONGEST_ANSWER = 100


def is_question(text: str) -> bool:
    """Whether it is the key of a question."""
    return text in QUESTIONS


def same_answer(answer: str) -> str:
    """An answer without its case and without what else people do not remember: doubled and outer blanks."""
    return " ".join(answer.casefold().split())


def plausible_question(key: bytes, user_key: str) -> str:
    """The question that is shown for a user id without one."""
    digest = hmac.new(key, b"question/" + user_key.encode(), hashlib.sha256).digest()
    return list(QUESTIONS)[int.from_bytes(digest[:8], "big") % len(QUESTIONS)]
