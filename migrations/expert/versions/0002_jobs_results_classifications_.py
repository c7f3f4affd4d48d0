"""Jobs, received batches, classifications, observations and predictions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ai_classification_jobs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('detection_provider_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('detect', name='jobkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('stage', sa.Enum('created', 'submitted', 'queued', 'running', 'fetch_results', 'ingesting', 'finished', 'failed', 'cancelled', name='jobstage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('stages', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('job_config', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('models_key', sa.Text(), nullable=False),
    sa.Column('parse_overrides', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('interactive', sa.Boolean(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('blank', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('cancelled', sa.Integer(), nullable=False),
    sa.Column('with_animals', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_look_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('manager_job_id', sa.Uuid(), nullable=True),
    sa.Column('manager_state', sa.Text(), nullable=True),
    sa.Column('progress', sa.Double(), nullable=False),
    sa.Column('eta_seconds', sa.Double(), nullable=True),
    sa.Column('images_per_second', sa.Double(), nullable=True),
    sa.Column('unacknowledged', sa.Integer(), nullable=False),
    sa.Column('manager_settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_print', sa.Text(), nullable=True),
    sa.CheckConstraint("(stage in ('finished', 'failed', 'cancelled')) = (closed_at is not null)", name=op.f('ai_classification_jobs_closed_at_check')),
    sa.CheckConstraint("stage <> 'failed' or error is not null", name=op.f('ai_classification_jobs_failed_says_why_check')),
    sa.CheckConstraint("stage in ('created', 'failed', 'cancelled') or manager_job_id is not null", name=op.f('ai_classification_jobs_submitted_check')),
    sa.CheckConstraint('total > 0', name=op.f('ai_classification_jobs_total_check')),
    sa.ForeignKeyConstraint(['classification_project_id', 'linked_collection_id'], ['classification_project_collections.classification_project_id', 'classification_project_collections.id'], name='ai_classification_jobs_linked_collection_of_the_project_fkey'),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('ai_classification_jobs_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['connection_id'], ['ai_provider_connections.id'], name=op.f('ai_classification_jobs_connection_id_fkey')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('ai_classification_jobs_created_by_fkey')),
    sa.ForeignKeyConstraint(['detection_provider_id'], ['ai_providers.id'], name=op.f('ai_classification_jobs_detection_provider_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('ai_classification_jobs_pkey')),
    sa.UniqueConstraint('created_by', 'idempotency_key', name=op.f('ai_classification_jobs_created_by_idempotency_key_key'))
    )
    op.create_index(op.f('ai_classification_jobs_connection_id_idx'), 'ai_classification_jobs', ['connection_id'], unique=False)
    op.create_index(op.f('ai_classification_jobs_detection_provider_id_idx'), 'ai_classification_jobs', ['detection_provider_id'], unique=False)
    op.create_index(op.f('ai_classification_jobs_linked_collection_id_idx'), 'ai_classification_jobs', ['linked_collection_id'], unique=False)
    op.create_index('ai_classification_jobs_list_idx', 'ai_classification_jobs', ['classification_project_id', 'id'], unique=False)
    op.create_index(op.f('ai_classification_jobs_manager_job_id_idx'), 'ai_classification_jobs', ['manager_job_id'], unique=False)
    op.create_index('ai_classification_jobs_open_idx', 'ai_classification_jobs', ['looked_at'], unique=False, postgresql_where="stage not in ('finished', 'failed', 'cancelled')")
    op.create_index('ai_classification_jobs_withdraw_idx', 'ai_classification_jobs', ['id'], unique=False, postgresql_where="manager_settled_at is null and stage in ('failed', 'cancelled')")
    op.create_table('received_batches',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('kept', 'applied', 'refused', name='receivedstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('times_applied', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('blank', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('with_animals', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'applied') = (applied_at is not null)", name=op.f('received_batches_applied_at_check')),
    sa.CheckConstraint("(state = 'refused') = (reason is not null)", name=op.f('received_batches_refused_says_why_check')),
    sa.ForeignKeyConstraint(['job_id'], ['ai_classification_jobs.id'], name=op.f('received_batches_job_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('received_batches_pkey')),
    sa.UniqueConstraint('job_id', 'batch_id', name=op.f('received_batches_job_id_batch_id_key'))
    )
    op.create_index('received_batches_kept_idx', 'received_batches', ['id'], unique=False, postgresql_where="state = 'kept'")
    op.create_index('received_batches_unacknowledged_idx', 'received_batches', ['id'], unique=False, postgresql_where='acknowledged_at is null')
    op.create_table('classifications',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('type', sa.Enum('final', 'ai', 'user', 'feedback', name='classificationtype', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=True),
    sa.Column('final_classification_id', sa.Uuid(), nullable=True),
    sa.Column('source_classification_id', sa.Uuid(), nullable=True),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('static_attributes', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=True),
    sa.Column('job_id', sa.Uuid(), nullable=True),
    sa.Column('received_batch_id', sa.Uuid(), nullable=True),
    sa.Column('batch_row', sa.Integer(), nullable=True),
    sa.Column('content_hash', sa.Text(), nullable=True),
    sa.Column('superseded_by_id', sa.Uuid(), nullable=True),
    sa.Column('locked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_approved', sa.Boolean(), nullable=True),
    sa.Column('approved_by_id', sa.Uuid(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_print', sa.Text(), nullable=True),
    sa.CheckConstraint("(type = 'ai') = (job_id is not null) and (type = 'ai') = (provider_id is not null) and (type = 'ai') = (received_batch_id is not null) and (type = 'ai') = (batch_row is not null) and (type = 'ai') = (content_hash is not null)", name=op.f('classifications_provenance_check')),
    sa.CheckConstraint("(type = 'final') = (final_classification_id is null)", name=op.f('classifications_belongs_to_final_check')),
    sa.CheckConstraint("(type = 'final') = (is_approved is not null) and (type = 'final') = (version is not null)", name=op.f('classifications_final_only_check')),
    sa.CheckConstraint("coalesce(is_approved, false) = (approved_at is not null) and (type <> 'final' or (is_approved = (source_classification_id is not null)))", name=op.f('classifications_approval_check')),
    sa.CheckConstraint("locked_at is null or type in ('ai', 'user')", name=op.f('classifications_locked_check')),
    sa.CheckConstraint("superseded_by_id is null or type = 'ai'", name=op.f('classifications_superseded_check')),
    sa.CheckConstraint("type <> 'feedback' or source_classification_id is not null", name=op.f('classifications_feedback_source_check')),
    sa.CheckConstraint("type in ('user', 'feedback') or owner_id is null", name=op.f('classifications_owner_check')),
    sa.CheckConstraint("type not in ('user', 'feedback') or owner_id is not null", name=op.f('classifications_owned_check')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['users.id'], name=op.f('classifications_approved_by_id_fkey')),
    sa.ForeignKeyConstraint(['classification_project_id', 'linked_collection_id'], ['classification_project_collections.classification_project_id', 'classification_project_collections.id'], name='classifications_linked_collection_of_the_project_fkey'),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('classifications_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('classifications_created_by_fkey')),
    sa.ForeignKeyConstraint(['final_classification_id'], ['classifications.id'], name=op.f('classifications_final_classification_id_fkey')),
    sa.ForeignKeyConstraint(['job_id'], ['ai_classification_jobs.id'], name=op.f('classifications_job_id_fkey')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('classifications_owner_id_fkey')),
    sa.ForeignKeyConstraint(['provider_id'], ['ai_providers.id'], name=op.f('classifications_provider_id_fkey')),
    sa.ForeignKeyConstraint(['received_batch_id'], ['received_batches.id'], name=op.f('classifications_received_batch_id_fkey')),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('classifications_resource_id_fkey')),
    sa.ForeignKeyConstraint(['source_classification_id'], ['classifications.id'], name=op.f('classifications_source_classification_id_fkey')),
    sa.ForeignKeyConstraint(['superseded_by_id'], ['classifications.id'], name=op.f('classifications_superseded_by_id_fkey'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('classifications_pkey')),
    sa.UniqueConstraint('created_by', 'idempotency_key', name=op.f('classifications_created_by_idempotency_key_key'))
    )
    op.create_index(op.f('classifications_approved_by_id_idx'), 'classifications', ['approved_by_id'], unique=False)
    op.create_index('classifications_current_ai_key', 'classifications', ['resource_id', 'classification_project_id', 'provider_id'], unique=True, postgresql_where="type = 'ai' and superseded_by_id is null")
    op.create_index(op.f('classifications_final_classification_id_idx'), 'classifications', ['final_classification_id'], unique=False)
    op.create_index('classifications_final_key', 'classifications', ['resource_id', 'classification_project_id'], unique=True, postgresql_where="type = 'final'")
    op.create_index(op.f('classifications_job_id_idx'), 'classifications', ['job_id'], unique=False)
    op.create_index(op.f('classifications_linked_collection_id_idx'), 'classifications', ['linked_collection_id'], unique=False)
    op.create_index('classifications_list_idx', 'classifications', ['classification_project_id', 'id'], unique=False)
    op.create_index(op.f('classifications_owner_id_idx'), 'classifications', ['owner_id'], unique=False)
    op.create_index(op.f('classifications_provider_id_idx'), 'classifications', ['provider_id'], unique=False)
    op.create_index(op.f('classifications_received_batch_id_idx'), 'classifications', ['received_batch_id'], unique=False)
    op.create_index('classifications_resource_idx', 'classifications', ['resource_id', 'classification_project_id', 'id'], unique=False)
    op.create_index(op.f('classifications_source_classification_id_idx'), 'classifications', ['source_classification_id'], unique=False)
    op.create_index(op.f('classifications_superseded_by_id_idx'), 'classifications', ['superseded_by_id'], unique=False)
    op.create_table('job_resources',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('auto', sa.Boolean(), nullable=False),
    sa.Column('outcome', sa.Enum('pending', 'done', 'blank', 'failed', 'cancelled', name='outcome', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('has_animals', sa.Boolean(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('received_batch_id', sa.Uuid(), nullable=True),
    sa.Column('batch_row', sa.Integer(), nullable=True),
    sa.CheckConstraint("(outcome = 'failed') = (code is not null)", name=op.f('job_resources_failed_says_why_check')),
    sa.ForeignKeyConstraint(['job_id'], ['ai_classification_jobs.id'], name=op.f('job_resources_job_id_fkey')),
    sa.ForeignKeyConstraint(['linked_collection_id'], ['classification_project_collections.id'], name=op.f('job_resources_linked_collection_id_fkey')),
    sa.ForeignKeyConstraint(['received_batch_id'], ['received_batches.id'], name=op.f('job_resources_received_batch_id_fkey')),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('job_resources_resource_id_fkey')),
    sa.PrimaryKeyConstraint('job_id', 'resource_id', name=op.f('job_resources_pkey'))
    )
    op.create_index('job_resources_auto_key', 'job_resources', ['linked_collection_id', 'resource_id'], unique=True, postgresql_where='auto')
    op.create_index('job_resources_outcome_idx', 'job_resources', ['job_id', 'outcome', 'resource_id'], unique=False)
    op.create_index(op.f('job_resources_received_batch_id_idx'), 'job_resources', ['received_batch_id'], unique=False)
    op.create_index(op.f('job_resources_resource_id_idx'), 'job_resources', ['resource_id'], unique=False)
    op.create_table('observations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('classification_id', sa.Uuid(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=True),
    sa.Column('classification_type', sa.Text(), nullable=False),
    sa.Column('is_current', sa.Boolean(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=True),
    sa.Column('captured_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('observation_level', sa.Enum('object', 'group', name='observationlevel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('observation_type', sa.Enum('animal', 'human', 'vehicle', 'blank', 'unknown', 'unclassified', name='observationtype', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('taxon_id', sa.Uuid(), nullable=True),
    sa.Column('label', sa.Text(), nullable=True),
    sa.Column('sex', sa.Enum('female', 'male', name='sex', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('life_stage', sa.Enum('adult', 'subadult', 'juvenile', name='lifestage', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('behaviour', sa.Text(), nullable=True),
    sa.Column('count', sa.Integer(), nullable=True),
    sa.Column('individual_id', sa.Text(), nullable=True),
    sa.Column('bbox_x', sa.Double(), nullable=True),
    sa.Column('bbox_y', sa.Double(), nullable=True),
    sa.Column('bbox_width', sa.Double(), nullable=True),
    sa.Column('bbox_height', sa.Double(), nullable=True),
    sa.Column('first_frame_index', sa.Integer(), nullable=True),
    sa.Column('distance_m', sa.Double(), nullable=True),
    sa.Column('distance_uncertainty_m', sa.Double(), nullable=True),
    sa.Column('detection_confidence', sa.Double(), nullable=True),
    sa.Column('classification_confidence', sa.Double(), nullable=True),
    sa.Column('attribute_confidences', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('custom_attributes', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('tags', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('carried_over', sa.Boolean(), nullable=False),
    sa.Column('copied_from_id', sa.Uuid(), nullable=True),
    sa.Column('matched_to_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("observation_level <> 'group' or (bbox_x is null and bbox_y is null and bbox_width is null and bbox_height is null)", name=op.f('dynattrs_group_rows_have_no_bboxes')),
    sa.CheckConstraint("observation_level <> 'group' or (count is not null and count > 0)", name=op.f('dynattrs_group_rows_positive_count')),
    sa.CheckConstraint("observation_level <> 'group' or individual_id is null", name=op.f('dynattrs_group_rows_null_individual_id')),
    sa.CheckConstraint("observation_level <> 'object' or (observation_type in ('blank', 'unclassified')) or (bbox_x is not null and bbox_y is not null and bbox_width is not null and bbox_height is not null and first_frame_index is not null)", name=op.f('observations_object_has_box_check')),
    sa.CheckConstraint('(bbox_x is null and bbox_y is null and bbox_width is null and bbox_height is null) or (bbox_x is not null and bbox_y is not null and bbox_width is not null and bbox_height is not null and bbox_x >= -1e-6 and bbox_y >= -1e-6 and bbox_width >= 0 and bbox_height >= 0 and bbox_x + bbox_width <= 1 + 1e-6 and bbox_y + bbox_height <= 1 + 1e-6)', name=op.f('observations_box_inside_check')),
    sa.CheckConstraint('count is null or count > 0', name=op.f('observations_count_check')),
    sa.CheckConstraint('detection_confidence between 0 and 1 and classification_confidence between 0 and 1', name=op.f('observations_confidences_check')),
    sa.CheckConstraint('distance_m >= 0 and distance_uncertainty_m >= 0', name=op.f('observations_distance_check')),
    sa.CheckConstraint('first_frame_index >= 0', name=op.f('observations_frame_check')),
    sa.ForeignKeyConstraint(['classification_id'], ['classifications.id'], name=op.f('observations_classification_id_fkey')),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('observations_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['copied_from_id'], ['observations.id'], name=op.f('observations_copied_from_id_fkey'), initially='DEFERRED', deferrable=True),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('observations_deployment_id_fkey')),
    sa.ForeignKeyConstraint(['linked_collection_id'], ['classification_project_collections.id'], name=op.f('observations_linked_collection_id_fkey')),
    sa.ForeignKeyConstraint(['matched_to_id'], ['observations.id'], name=op.f('observations_matched_to_id_fkey'), initially='DEFERRED', deferrable=True),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('observations_resource_id_fkey')),
    sa.ForeignKeyConstraint(['taxon_id'], ['taxa.id'], name=op.f('observations_taxon_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('observations_pkey'))
    )
    op.create_index(op.f('observations_classification_id_idx'), 'observations', ['classification_id'], unique=False)
    op.create_index(op.f('observations_copied_from_id_idx'), 'observations', ['copied_from_id'], unique=False)
    op.create_index(op.f('observations_deployment_id_idx'), 'observations', ['deployment_id'], unique=False)
    op.create_index(op.f('observations_linked_collection_id_idx'), 'observations', ['linked_collection_id'], unique=False)
    op.create_index(op.f('observations_matched_to_id_idx'), 'observations', ['matched_to_id'], unique=False)
    op.create_index('observations_project_list_idx', 'observations', ['classification_project_id', 'is_current', 'id'], unique=False)
    op.create_index(op.f('observations_resource_id_idx'), 'observations', ['resource_id'], unique=False)
    op.create_index(op.f('observations_taxon_id_idx'), 'observations', ['taxon_id'], unique=False)
    op.create_index('observations_type_list_idx', 'observations', ['classification_project_id', 'observation_type', 'id'], unique=False)
    op.create_table('predictions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('observation_id', sa.Uuid(), nullable=False),
    sa.Column('algorithm_id', sa.Uuid(), nullable=False),
    sa.Column('taxon_id', sa.Uuid(), nullable=True),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('score', sa.Double(), nullable=False),
    sa.Column('top_k', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('terminal', sa.Boolean(), nullable=False),
    sa.Column('applied_to_id', sa.Uuid(), nullable=True),
    sa.Column('rule', sa.Text(), nullable=True),
    sa.Column('output_row', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('score between 0 and 1', name=op.f('predictions_score_check')),
    sa.ForeignKeyConstraint(['algorithm_id'], ['algorithms.id'], name=op.f('predictions_algorithm_id_fkey')),
    sa.ForeignKeyConstraint(['applied_to_id'], ['predictions.id'], name=op.f('predictions_applied_to_id_fkey')),
    sa.ForeignKeyConstraint(['observation_id'], ['observations.id'], name=op.f('predictions_observation_id_fkey')),
    sa.ForeignKeyConstraint(['taxon_id'], ['taxa.id'], name=op.f('predictions_taxon_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('predictions_pkey'))
    )
    op.create_index(op.f('predictions_algorithm_id_idx'), 'predictions', ['algorithm_id'], unique=False)
    op.create_index(op.f('predictions_applied_to_id_idx'), 'predictions', ['applied_to_id'], unique=False)
    op.create_index(op.f('predictions_observation_id_idx'), 'predictions', ['observation_id'], unique=False)
    op.create_index(op.f('predictions_taxon_id_idx'), 'predictions', ['taxon_id'], unique=False)
    op.create_index('predictions_terminal_key', 'predictions', ['observation_id'], unique=True, postgresql_where='terminal')


def downgrade() -> None:
    op.drop_index('predictions_terminal_key', table_name='predictions', postgresql_where='terminal')
    op.drop_index(op.f('predictions_taxon_id_idx'), table_name='predictions')
    op.drop_index(op.f('predictions_observation_id_idx'), table_name='predictions')
    op.drop_index(op.f('predictions_applied_to_id_idx'), table_name='predictions')
    op.drop_index(op.f('predictions_algorithm_id_idx'), table_name='predictions')
    op.drop_table('predictions')
    op.drop_index('observations_type_list_idx', table_name='observations')
    op.drop_index(op.f('observations_taxon_id_idx'), table_name='observations')
    op.drop_index(op.f('observations_resource_id_idx'), table_name='observations')
    op.drop_index('observations_project_list_idx', table_name='observations')
    op.drop_index(op.f('observations_matched_to_id_idx'), table_name='observations')
    op.drop_index(op.f('observations_linked_collection_id_idx'), table_name='observations')
    op.drop_index(op.f('observations_deployment_id_idx'), table_name='observations')
    op.drop_index(op.f('observations_copied_from_id_idx'), table_name='observations')
    op.drop_index(op.f('observations_classification_id_idx'), table_name='observations')
    op.drop_table('observations')
    op.drop_index(op.f('job_resources_resource_id_idx'), table_name='job_resources')
    op.drop_index(op.f('job_resources_received_batch_id_idx'), table_name='job_resources')
    op.drop_index('job_resources_outcome_idx', table_name='job_resources')
    op.drop_index('job_resources_auto_key', table_name='job_resources', postgresql_where='auto')
    op.drop_table('job_resources')
    op.drop_index(op.f('classifications_superseded_by_id_idx'), table_name='classifications')
    op.drop_index(op.f('classifications_source_classification_id_idx'), table_name='classifications')
    op.drop_index('classifications_resource_idx', table_name='classifications')
    op.drop_index(op.f('classifications_received_batch_id_idx'), table_name='classifications')
    op.drop_index(op.f('classifications_provider_id_idx'), table_name='classifications')
    op.drop_index(op.f('classifications_owner_id_idx'), table_name='classifications')
    op.drop_index('classifications_list_idx', table_name='classifications')
    op.drop_index(op.f('classifications_linked_collection_id_idx'), table_name='classifications')
    op.drop_index(op.f('classifications_job_id_idx'), table_name='classifications')
    op.drop_index('classifications_final_key', table_name='classifications', postgresql_where="type = 'final'")
    op.drop_index(op.f('classifications_final_classification_id_idx'), table_name='classifications')
    op.drop_index('classifications_current_ai_key', table_name='classifications', postgresql_where="type = 'ai' and superseded_by_id is null")
    op.drop_index(op.f('classifications_approved_by_id_idx'), table_name='classifications')
    op.drop_table('classifications')
    op.drop_index('received_batches_unacknowledged_idx', table_name='received_batches', postgresql_where='acknowledged_at is null')
    op.drop_index('received_batches_kept_idx', table_name='received_batches', postgresql_where="state = 'kept'")
    op.drop_table('received_batches')
    op.drop_index('ai_classification_jobs_withdraw_idx', table_name='ai_classification_jobs', postgresql_where="manager_settled_at is null and stage in ('failed', 'cancelled')")
    op.drop_index('ai_classification_jobs_open_idx', table_name='ai_classification_jobs', postgresql_where="stage not in ('finished', 'failed', 'cancelled')")
    op.drop_index(op.f('ai_classification_jobs_manager_job_id_idx'), table_name='ai_classification_jobs')
    op.drop_index('ai_classification_jobs_list_idx', table_name='ai_classification_jobs')
    op.drop_index(op.f('ai_classification_jobs_linked_collection_id_idx'), table_name='ai_classification_jobs')
    op.drop_index(op.f('ai_classification_jobs_detection_provider_id_idx'), table_name='ai_classification_jobs')
    op.drop_index(op.f('ai_classification_jobs_connection_id_idx'), table_name='ai_classification_jobs')
    op.drop_table('ai_classification_jobs')
