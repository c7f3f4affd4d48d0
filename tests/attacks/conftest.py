"""The real services, attacked over their real apps."""

from tests.ai_manager.conftest import manager
from tests.expert.conftest import house

__all__ = ["house", "manager"]
