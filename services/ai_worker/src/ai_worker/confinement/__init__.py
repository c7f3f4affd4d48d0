"""What holds a process in that runs strangers' models: limits, namespaces, Landlock, seccomp, and no privileges."""
