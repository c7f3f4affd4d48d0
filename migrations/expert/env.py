"""Alembic's entry for expert."""

from expert.tables import Base
from migrations.online import run

run(Base.metadata, variable="EXPERT_DATABASE_URL", lock="expert.migrations")
