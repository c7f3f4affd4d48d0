"""Confinement of processes that run untrusted models: limits, namespaces, Landlock, seccomp, no privileges."""
