"""Links that sign a person in once"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sign_in_links',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('sign_in_links_user_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('sign_in_links_pkey')),
    sa.UniqueConstraint('token_hash', name=op.f('sign_in_links_token_hash_key'))
    )
    op.create_index(op.f('sign_in_links_expires_at_idx'), 'sign_in_links', ['expires_at'], unique=False)
    op.create_index(op.f('sign_in_links_user_id_idx'), 'sign_in_links', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_table('sign_in_links')
