"""The outbox of mail: a letter is posted in the transaction of what it tells, and waits there until it is sent."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.mail.letters import Letter
from portal.mail.tables import letters


async def post(connection: AsyncConnection, letter: Letter, now: datetime) -> None:
    """Keep a letter in the caller's transaction: it goes out once that is committed, and not at all otherwise."""
    values = {
        "recipient": letter.to,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "attachments": [asdict(each) for each in letter.attachments],
        "created_at": now,
        "next_at": now,
    }
    await connection.execute(insert(letters).values(values))
