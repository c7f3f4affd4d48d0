"""What the audit log records."""

from typing import Literal

AuditAction = Literal[
    "activated",
    "active",
    "approved",
    "connected",
    "deactivated",
    "disconnected",
    "edited",
    "held-original-opened",
    "invitation-accepted",
    "invitation-declined",
    "invitation-withdrawn",
    "invited",
    "link-consented",
    "link-revoked",
    "linked",
    "password-changed",
    "password-reset",
    "rejected",
    "requested",
    "role-changed",
    "role-removed",
    "sessions-ended",
    "sign-in-refused",
    "signed-in",
    "signed-out",
    "taxon-added",
    "token-made",
    "token-revoked",
    "unapproved",
]
"""What was done to the subject of an entry."""
