"""Alembic's entry for expert."""

from migrations.online import run
from expert.tables import Base

run(Base.metadata, variable="EXPERT_DATABASE_URL", lock="expert.migrations")
