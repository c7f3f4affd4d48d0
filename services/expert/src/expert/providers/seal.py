"""Credentials at rest: encrypted with a key that is derived from the service's secret."""

import base64

from cryptography.fernet import Fernet, InvalidToken

from expert.providers.errors import CredentialUnreadable
from expert.settings import ExpertSettings
from trapper_kit.tokens import derive


def seal(settings: ExpertSettings, secret: str) -> str:
    """As it is stored."""
    return _fernet(settings).encrypt(secret.encode()).decode()


def unseal(settings: ExpertSettings, sealed: str) -> str:
    """As it is used; raises CredentialUnreadable after the secret key was changed."""
    try:
        return _fernet(settings).decrypt(sealed.encode()).decode()
    except InvalidToken as problem:
        raise CredentialUnreadable("connect the Manager again: the secret key was changed") from problem


def _fernet(settings: ExpertSettings) -> Fernet:
    key = derive(settings.secret_key.get_secret_value(), "provider-credentials")
    return Fernet(base64.urlsafe_b64encode(key))
