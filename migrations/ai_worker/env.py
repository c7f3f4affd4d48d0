"""Alembic's entry for ai_worker: its own SQLite file, brought up by the worker itself at its start."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ai_worker.tables import Base

engine = create_engine(context.config.attributes["url"].replace("+aiosqlite", ""), poolclass=NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
