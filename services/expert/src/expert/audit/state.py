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
    "sign-in-refused",
    "signed-in",
    "taxon-added",
    "token-made",
    "token-revoked",
    "unapproved",
]
"""What was done to the subject of an entry."""
