"""What a page says after a change that led to it: words from a table, chosen by the address (pure)."""

from collections.abc import Mapping

DONE: Mapping[str, str] = {
    "account-approved": "Approved. The mail with the way to sign in is on its way.",
    "account-declined": "Declined. The mail with your comments is on its way.",
    "account-saved": "The account is saved.",
    "accounts-suspended": "Suspended. The owners are told by mail, with your comments.",
    "accounts-reinstated": "Reinstated. The accounts are Active, and their owners are told by mail.",
    "accounts-revoked": "Revoked for good. The owners are told by mail, with your comments.",
    "profile-saved": "The company's profile is saved.",
    "profile-saved-waits": "The company's profile is saved. The DUNS numbers that you added wait for approval.",
    "companies-approved": "Approved. The first administrator gets mail with the way to sign in.",
    "companies-declined": "Declined. The registrant gets mail with your comments.",
    "numbers-approved": "Approved. The company is told by mail.",
    "numbers-declined": "Declined. The company is told by mail, with your comments.",
    "company-suspended": "The company is Suspended, and told by mail.",
    "company-reinstated": "The company is Active again, and told by mail.",
    "company-revoked": "The company is Revoked for good with all of its accounts, and told by mail.",
    "number-suspended": "The DUNS number is Suspended, and the company told by mail.",
    "number-reinstated": "The DUNS number is Active again, and the company told by mail.",
    "number-revoked": "The DUNS number is Revoked for good, and the company told by mail.",
    "notice-applied": "Told and applied: everybody sees it from now on.",
    "notice-waits": "Told. It waits for its instant, and takes effect by itself.",
    "file-loaded": "The file is loaded: every row of it stands.",
    "order-placed": "Your order is placed. It runs offline; when it ends, you get mail.",
    "order-cancelled": "The order is cancelled.",
    "order-again": "The order is taken up again. When it ends, you get mail.",
    "order-mailed": "The mail is on its way to you once more.",
    "batch-placed": "Your batch is taken. Its reads enter in pieces; what comes stands here at once.",
    "batch-cancelled": "What was waiting is cancelled. Reads that were under way go on.",
    "read-booked": "The read is booked. It is asked for at its instant, and then stands among the meter's reads.",
    "booking-cancelled": "The booking is cancelled.",
    "booking-over": "The booking is over already: its instant came, or it was cancelled before.",
    "key-revoked": "The key is revoked: it opens nothing any more.",
    "join-cancelled": "The join is being cancelled: the device is asked to leave.",
    "notice-sent": "Sent to the meter's gateway. What the devices answer appears here.",
    "webhook-saved": "The webhook is saved.",
    "webhook-removed": "The webhook is removed.",
    "webhook-on": "The webhook is switched on: it is told what happens from now on.",
    "webhook-off": "The webhook is switched off. What waited for it can be sent again later.",
    "webhook-ping": "A ping is on its way. Refresh to see what became of it.",
    "webhook-again": "The event is on its way once more. Refresh to see what became of it.",
    "definition-saved": "The report is saved.",
    "definition-paused": "The schedule is paused.",
    "definition-resumed": "The schedule goes on.",
    "definition-deleted": "The saved report is deleted. The orders that it placed stay.",
    "agreement-asked": "The customer is asked: the letter is on its way.",
    "agreement-mailed": "The letter is on its way once more, with a new link.",
    "agreement-ended": "The agreement is ended.",
    "answered-already": "Somebody has answered that request already, or its 14 days are over.",
}


def done_words(parameters: Mapping[str, str]) -> str:
    """The words that an address asks for; an address cannot bring words of its own."""
    return DONE.get(parameters.get("done", ""), "")


def and_done(address: str, done: str) -> str:
    """An address of ours that says what was done."""
    return f"{address}{'&' if '?' in address else '?'}done={done}"
