"""The taxa list with which the results of a project's jobs are masked, and the stage that does it"""

import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None

NAME = 'job_stage_runs_stageafteringest_check'


def upgrade() -> None:
    op.add_column('classification_projects', sa.Column('taxa_list_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('classification_projects_taxa_list_id_idx'), 'classification_projects', ['taxa_list_id'], unique=False)
    op.create_foreign_key(op.f('classification_projects_taxa_list_id_fkey'), 'classification_projects', 'taxa_lists', ['taxa_list_id'], ['id'])
    op.drop_constraint(op.f(NAME), 'job_stage_runs', type_='check')
    op.create_check_constraint(op.f(NAME), 'job_stage_runs', "stage in ('sequences', 'post_processing')")


def downgrade() -> None:
    op.execute("delete from job_stage_runs where stage = 'post_processing'")
    op.drop_constraint(op.f(NAME), 'job_stage_runs', type_='check')
    op.create_check_constraint(op.f(NAME), 'job_stage_runs', "stage in ('sequences')")
    op.drop_constraint(op.f('classification_projects_taxa_list_id_fkey'), 'classification_projects', type_='foreignkey')
    op.drop_index(op.f('classification_projects_taxa_list_id_idx'), table_name='classification_projects')
    op.drop_column('classification_projects', 'taxa_list_id')
