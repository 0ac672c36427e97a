"""Every table of the portal: importing this module registers them all in one MetaData."""

from portal.accounts.tables import accounts, authenticators, duns_grants, passkeys, recovery_codes, sessions
from portal.agreements.tables import agreements
from portal.api_keys.tables import api_keys
from portal.audit.tables import audit, audit_head
from portal.companies.tables import companies, duns_numbers
from portal.customers.tables import release_requests
from portal.files.tables import file_credentials, lse_drops
from portal.gateways.tables import gateway_marks, gateways, incidents
from portal.han.tables import han_commands, han_devices, han_outbox, han_reports, han_timeline
from portal.mail.tables import letters
from portal.market.tables import market_notices, premise_histories, premises, rep_spans
from portal.meters.tables import attachments, meter_assignments, meters, midnight_registers, reported_registers
from portal.orders.tables import meter_lists, report_order_files, report_order_meters, report_orders
from portal.reads.tables import read_askers, read_outbox, reads
from portal.saved_reports.tables import report_definitions, report_runs
from portal.schema import metadata
from portal.webhooks.tables import webhook_deliveries, webhook_events, webhooks
from portal.wishes.tables import read_batches, read_wishes

__all__ = [
    "accounts",
    "agreements",
    "api_keys",
    "attachments",
    "audit",
    "audit_head",
    "authenticators",
    "companies",
    "duns_grants",
    "duns_numbers",
    "file_credentials",
    "gateway_marks",
    "gateways",
    "han_commands",
    "han_devices",
    "han_outbox",
    "han_reports",
    "han_timeline",
    "incidents",
    "letters",
    "lse_drops",
    "market_notices",
    "metadata",
    "meter_assignments",
    "meter_lists",
    "meters",
    "midnight_registers",
    "passkeys",
    "premise_histories",
    "premises",
    "read_askers",
    "read_batches",
    "read_outbox",
    "read_wishes",
    "reads",
    "recovery_codes",
    "release_requests",
    "rep_spans",
    "report_definitions",
    "report_order_files",
    "report_order_meters",
    "report_orders",
    "report_runs",
    "reported_registers",
    "sessions",
    "webhook_deliveries",
    "webhook_events",
    "webhooks",
]
