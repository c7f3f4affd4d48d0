"""Taxa lists: named sets of taxa, of a project or global"""

import sqlalchemy as sa
from alembic import op


revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('taxa_lists',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_print', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('taxa_lists_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('taxa_lists_created_by_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('taxa_lists_pkey')),
    sa.UniqueConstraint('created_by', 'idempotency_key', name=op.f('taxa_lists_created_by_idempotency_key_key'))
    )
    op.create_index('taxa_lists_project_name_key', 'taxa_lists', ['classification_project_id', 'name'], unique=True, postgresql_nulls_not_distinct=True)
    op.create_table('taxa_list_entries',
    sa.Column('taxa_list_id', sa.Uuid(), nullable=False),
    sa.Column('taxon_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['taxa_list_id'], ['taxa_lists.id'], name=op.f('taxa_list_entries_taxa_list_id_fkey'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['taxon_id'], ['taxa.id'], name=op.f('taxa_list_entries_taxon_id_fkey')),
    sa.PrimaryKeyConstraint('taxa_list_id', 'taxon_id', name=op.f('taxa_list_entries_pkey'))
    )
    op.create_index(op.f('taxa_list_entries_taxon_id_idx'), 'taxa_list_entries', ['taxon_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('taxa_list_entries_taxon_id_idx'), table_name='taxa_list_entries')
    op.drop_table('taxa_list_entries')
    op.drop_index('taxa_lists_project_name_key', table_name='taxa_lists', postgresql_nulls_not_distinct=True)
    op.drop_table('taxa_lists')
