"""Taxa are synonyms of accepted taxa, and name the checklist that describes them"""

from alembic import op
import sqlalchemy as sa

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('taxa', sa.Column('accepted_id', sa.Uuid(), nullable=True))
    op.add_column('taxa', sa.Column('checklist', sa.Text(), nullable=True))
    op.create_foreign_key(op.f('taxa_accepted_id_fkey'), 'taxa', 'taxa', ['accepted_id'], ['id'])
    op.create_index(op.f('taxa_accepted_id_idx'), 'taxa', ['accepted_id'])


def downgrade() -> None:
    op.drop_index(op.f('taxa_accepted_id_idx'), 'taxa')
    op.drop_constraint(op.f('taxa_accepted_id_fkey'), 'taxa')
    op.drop_column('taxa', 'checklist')
    op.drop_column('taxa', 'accepted_id')
