"""The environment's settings for trusted certificates, checked before anything connects."""

import os
from pathlib import Path


def certificate_problem() -> str | None:
    """What is wrong with SSL_CERT_FILE or SSL_CERT_DIR, by name; OpenSSL itself ignores one that does not exist."""
    for name, exists, kind in (("SSL_CERT_FILE", Path.is_file, "file"), ("SSL_CERT_DIR", Path.is_dir, "folder")):
        path = os.environ.get(name)
        if path and not exists(Path(path)):
            return f"{name}: there is no {kind} {path!r}; correct the setting, or remove it"
    return None
