"""Members of projects: invitations, roles, and what a role includes."""
