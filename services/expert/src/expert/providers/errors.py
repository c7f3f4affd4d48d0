"""Refusals about connections and providers."""

from trapper_kit.problems import Problem


class ConnectionNameTaken(Problem):
    type = "connection-name-taken"
    title = "There is already a connection with this name"
    status = 409


class CredentialUnreadable(Problem):
    type = "credential-unreadable"
    title = "A stored credential cannot be decrypted with the current EXPERT_SECRET_KEY; connect the Manager again"
    status = 503
