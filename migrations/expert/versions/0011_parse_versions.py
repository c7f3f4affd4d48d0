"""A re-parse is a version of the job's configuration, and AI rows name the version they were parsed with"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

PROVENANCE = 'classifications_provenance_check'
BEFORE = """(type = 'ai') = (job_id is not null) and (type = 'ai') = (provider_id is not null)
 and (type = 'ai') = (received_batch_id is not null) and (type = 'ai') = (batch_row is not null)
 and (type = 'ai') = (content_hash is not null)"""
RENAMED = {'detection_provider_id': 'object_detection_ai_model', 'species_provider_id': 'species_ai_model'}


def rename_overrides(before: str, after: str) -> None:
    op.execute(
        f"""update ai_classification_jobs set job_config = jsonb_set(job_config, '{{overrides}}',
          ((job_config -> 'overrides') - '{before}')
            || jsonb_build_object('{after}', job_config #> '{{overrides,{before}}}'))
        where job_config -> 'overrides' ? '{before}'"""
    )


def upgrade() -> None:
    op.create_table(
        'ai_job_config_versions',
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('job_config', postgresql.JSONB(), nullable=False),
        sa.Column('created_by', sa.Uuid(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('version > 1', name=op.f('ai_job_config_versions_version_check')),
        sa.ForeignKeyConstraint(
            ['job_id'], ['ai_classification_jobs.id'], name=op.f('ai_job_config_versions_job_id_fkey')
        ),
        sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('ai_job_config_versions_created_by_fkey')),
        sa.PrimaryKeyConstraint('job_id', 'version', name=op.f('ai_job_config_versions_pkey')),
    )
    op.create_index(op.f('ai_job_config_versions_created_by_idx'), 'ai_job_config_versions', ['created_by'])
    op.add_column(
        'ai_classification_jobs', sa.Column('job_config_version', sa.Integer(), server_default='1', nullable=False)
    )
    op.drop_column('ai_classification_jobs', 'parse_overrides')
    op.execute("update ai_classification_jobs set job_config = job_config || '{\"version\": 1}'")
    for before, after in RENAMED.items():
        rename_overrides(before, after)
    op.add_column('received_batches', sa.Column('superseded', sa.Integer(), server_default='0', nullable=False))
    op.add_column('classifications', sa.Column('job_config_version', sa.Integer(), nullable=True))
    op.execute("update classifications set job_config_version = 1 where type = 'ai'")
    op.drop_constraint(op.f(PROVENANCE), 'classifications', type_='check')
    op.create_check_constraint(
        op.f(PROVENANCE), 'classifications', f"{BEFORE} and (type = 'ai') = (job_config_version is not null)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f(PROVENANCE), 'classifications', type_='check')
    op.drop_column('classifications', 'job_config_version')
    op.create_check_constraint(op.f(PROVENANCE), 'classifications', BEFORE)
    op.drop_column('received_batches', 'superseded')
    for before, after in RENAMED.items():
        rename_overrides(after, before)
    op.execute("update ai_classification_jobs set job_config = job_config - 'version'")
    op.add_column('ai_classification_jobs', sa.Column('parse_overrides', postgresql.JSONB(), nullable=True))
    op.drop_column('ai_classification_jobs', 'job_config_version')
    op.drop_table('ai_job_config_versions')
