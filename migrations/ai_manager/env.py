"""Alembic's entry for ai_manager."""

from migrations.online import run
from ai_manager.tables import Base

run(Base.metadata, variable="AI_MANAGER_DATABASE_URL", lock="ai_manager.migrations")
