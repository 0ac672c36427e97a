"""Accounts, the DUNS numbers granted to them, and the sessions in which they are signed in."""

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from gateway.database import Instant
from portal.accounts.status import AccountStatus
from portal.customers.kinds import CustomerKind
from portal.schema import Word, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", String(100), nullable=False),
    Column("user_key", String(200), nullable=False, unique=True),
    Column("company_id", ForeignKey("companies.id"), index=True),
    Column("status", Word(AccountStatus), nullable=False),
    Column("status_since", Instant, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("administrator", Boolean, nullable=False, server_default=text("false")),
    Column("energy_data", Boolean, nullable=False, server_default=text("false")),
    Column("home_devices", Boolean, nullable=False, server_default=text("false")),
    Column("email", String(254), nullable=False, index=True),
    Column("first_name", String(60), nullable=False),
    Column("middle_initial", String(1)),
    Column("last_name", String(60), nullable=False, index=True),
    Column("suffix", String(10)),
    Column("phone", String(30)),
    Column("language", String(2), nullable=False, server_default=text("'en'")),
    Column("password_hash", String(200)),
    Column("must_change_password", Boolean, nullable=False, server_default=text("false")),
    Column("password_until", Instant),
    Column("link_key", String(64)),
    Column("link_until", Instant),
    Column("terms_accepted_at", Instant),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("misses", Integer, nullable=False, server_default=text("0")),
    Column("security_question", String(200)),
    Column("security_answer_hash", String(200)),
    Column("last_login_at", Instant),
    Column("customer_kind", Word(CustomerKind)),
    Column("business_name", String(120)),
)
"""People. user_key is the user id without its case (REG-23); company_id is empty for customers, who alone have a
customer_kind, and if that is a business its name.

energy_data and home_devices are the two optional permissions (ADM-09, ADM-10), which administrators always have.
password_until is the end of a temporary password, link_key the SHA-256 of a mailed link's secret
(portal/accounts/credentials.py). revision counts changes, so that a form made of an older one is found out.
"""

Index("uq_accounts_link_key", accounts.c.link_key, unique=True)

duns_grants = Table(
    "duns_grants",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("duns_id", ForeignKey("duns_numbers.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class SessionKind(StrEnum):
    """How a session travels: in a page's cookie, or as a program's bearer token.

    The two half-open kinds travel as cookies too, and open nothing but the pages that complete them: the first sign-in
    (or a new password that is owed), and the second factor.
    """

    PAGE = "page"
    FIRST_SIGN_IN = "first_sign_in"
    SECOND_FACTOR = "second_factor"
    TOKEN = "token"  # noqa: S105  # a word for a kind, not a secret


sessions = Table(
    "sessions",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", Word(SessionKind), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False, index=True),
    Column("address", String(45)),
    Column("agent", String(300)),
    Column("challenge", String(100)),
)
"""Who is signed in. key is the SHA-256 of what the browser or program holds, so that a stolen table opens nothing.

challenge is what a passkey must sign next. address and agent are where the session began and by what.
"""

authenticators = Table(
    "authenticators",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("confirmed_at", Instant),
    Column("used_step", BigInteger),
)
"""An account's authenticator app: its secret, sealed to this row, and the last step whose code was taken.

It counts once it was confirmed by a code.
"""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(64), primary_key=True),
)
"""Codes for whoever lost the second factor, as SHA-256 (they have 50 bits of their own); a used one is deleted."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(60), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)
"""Passkeys of accounts (WebAuthn Level 2); public_key is the COSE key."""

Index("uq_passkeys_credential", passkeys.c.credential, unique=True)
