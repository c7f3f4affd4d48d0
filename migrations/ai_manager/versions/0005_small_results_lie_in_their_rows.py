"""small results lie in their rows"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('saved_results', sa.Column('blob', sa.LargeBinary(), nullable=True))
    # The bytes are compressed already: stored as they are.
    op.execute('alter table saved_results alter column blob set storage external')
    op.create_check_constraint(
        op.f('saved_results_forgotten_is_gone_check'), 'saved_results', 'forgotten_at is null or blob is null'
    )


def downgrade() -> None:
    kept = op.get_bind().scalar(sa.text('select count(*) from saved_results where blob is not null and acknowledged_at is null'))
    if kept:
        raise RuntimeError(f'{kept} results lie in their rows and were not fetched yet: let the Expert fetch them first')
    op.drop_constraint(op.f('saved_results_forgotten_is_gone_check'), 'saved_results', type_='check')
    op.drop_column('saved_results', 'blob')
