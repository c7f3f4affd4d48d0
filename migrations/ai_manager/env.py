"""Alembic's entry for ai_manager."""

from ai_manager.tables import Base
from migrations.online import run

run(Base.metadata, variable="AI_MANAGER_DATABASE_URL", lock="ai_manager.migrations")
