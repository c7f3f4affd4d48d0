"""Runs of post-processing: what was asked, and which predictions and determinations each changed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('determination_changes',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('occurrence_id', sa.Uuid(), nullable=False),
    sa.Column('taxon_id', sa.Uuid(), nullable=True),
    sa.Column('score', sa.Double(), nullable=True),
    sa.Column('source', sa.Enum('identification', 'approval', 'prediction', name='determinationsource', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.ForeignKeyConstraint(['occurrence_id'], ['occurrences.id'], name=op.f('determination_changes_occurrence_id_fkey')),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('determination_changes_operation_id_fkey'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['taxon_id'], ['taxa.id'], name=op.f('determination_changes_taxon_id_fkey')),
    sa.PrimaryKeyConstraint('operation_id', 'occurrence_id', name=op.f('determination_changes_pkey'))
    )
    op.create_index(op.f('determination_changes_occurrence_id_idx'), 'determination_changes', ['occurrence_id'], unique=False)
    op.create_index(op.f('determination_changes_taxon_id_idx'), 'determination_changes', ['taxon_id'], unique=False)
    op.create_table('postprocessing_runs',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('method', sa.Enum('class_masking', 'rank_rollup', 'small_size_filter', name='methodkey', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('config', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('scope', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('report', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('undone_by_id', sa.Uuid(), nullable=True),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('postprocessing_runs_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('postprocessing_runs_operation_id_fkey'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['undone_by_id'], ['operations.id'], name=op.f('postprocessing_runs_undone_by_id_fkey'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('operation_id', name=op.f('postprocessing_runs_pkey'))
    )
    op.create_index(op.f('postprocessing_runs_classification_project_id_idx'), 'postprocessing_runs', ['classification_project_id'], unique=False)
    op.create_index(op.f('postprocessing_runs_undone_by_id_idx'), 'postprocessing_runs', ['undone_by_id'], unique=False)
    op.create_table('prediction_changes',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('observation_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('before_id', sa.Uuid(), nullable=False),
    sa.Column('after_id', sa.Uuid(), nullable=False),
    sa.Column('is_new', sa.Boolean(), nullable=False),
    sa.Column('taxon_id', sa.Uuid(), nullable=True),
    sa.Column('label', sa.Text(), nullable=True),
    sa.Column('classification_confidence', sa.Double(), nullable=True),
    sa.Column('observation_type', sa.Enum('animal', 'human', 'vehicle', 'blank', 'unknown', 'unclassified', name='observationtype', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['after_id'], ['predictions.id'], name=op.f('prediction_changes_after_id_fkey')),
    sa.ForeignKeyConstraint(['before_id'], ['predictions.id'], name=op.f('prediction_changes_before_id_fkey')),
    sa.ForeignKeyConstraint(['observation_id'], ['observations.id'], name=op.f('prediction_changes_observation_id_fkey')),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('prediction_changes_operation_id_fkey'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['taxon_id'], ['taxa.id'], name=op.f('prediction_changes_taxon_id_fkey')),
    sa.PrimaryKeyConstraint('operation_id', 'observation_id', name=op.f('prediction_changes_pkey'))
    )
    op.create_index(op.f('prediction_changes_after_id_idx'), 'prediction_changes', ['after_id'], unique=False)
    op.create_index(op.f('prediction_changes_before_id_idx'), 'prediction_changes', ['before_id'], unique=False)
    op.create_index('prediction_changes_observation_idx', 'prediction_changes', ['observation_id', 'number'], unique=False)
    op.create_index(op.f('prediction_changes_taxon_id_idx'), 'prediction_changes', ['taxon_id'], unique=False)
    op.create_index('classifications_results_idx', 'classifications', ['classification_project_id', 'received_batch_id'], unique=False, postgresql_where="type = 'ai' and superseded_by_id is null")


def downgrade() -> None:
    op.drop_index('classifications_results_idx', table_name='classifications', postgresql_where="type = 'ai' and superseded_by_id is null")
    op.drop_index(op.f('prediction_changes_taxon_id_idx'), table_name='prediction_changes')
    op.drop_index('prediction_changes_observation_idx', table_name='prediction_changes')
    op.drop_index(op.f('prediction_changes_before_id_idx'), table_name='prediction_changes')
    op.drop_index(op.f('prediction_changes_after_id_idx'), table_name='prediction_changes')
    op.drop_table('prediction_changes')
    op.drop_index(op.f('postprocessing_runs_undone_by_id_idx'), table_name='postprocessing_runs')
    op.drop_index(op.f('postprocessing_runs_classification_project_id_idx'), table_name='postprocessing_runs')
    op.drop_table('postprocessing_runs')
    op.drop_index(op.f('determination_changes_taxon_id_idx'), table_name='determination_changes')
    op.drop_index(op.f('determination_changes_occurrence_id_idx'), table_name='determination_changes')
    op.drop_table('determination_changes')
