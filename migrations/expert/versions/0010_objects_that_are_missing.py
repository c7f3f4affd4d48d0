"""originals and blobs that the store has lost"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('resources', sa.Column('object_missing_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        'resources_object_missing_idx', 'resources', ['id'], postgresql_where='object_missing_at is not null'
    )
    op.add_column('received_batches', sa.Column('blob_missing_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        'received_batches_blob_missing_idx', 'received_batches', ['id'], postgresql_where='blob_missing_at is not null'
    )
    op.create_index('received_batches_sha256_idx', 'received_batches', ['sha256'])


def downgrade() -> None:
    op.drop_index('received_batches_sha256_idx', table_name='received_batches')
    op.drop_index('received_batches_blob_missing_idx', table_name='received_batches')
    op.drop_column('received_batches', 'blob_missing_at')
    op.drop_index('resources_object_missing_idx', table_name='resources')
    op.drop_column('resources', 'object_missing_at')
