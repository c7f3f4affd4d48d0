"""leases in hand carry the job's configuration and the models beside it"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    def convert(lease: dict[str, Any]) -> dict[str, Any]:
        stages = lease.pop('stages', [])
        config = {'version': 1, 'stages': [stage['stage'] for stage in stages]}
        return lease | {'job_config': config, 'models': [stage['model'] for stage in stages]}

    _rewrite(convert)


def downgrade() -> None:
    def convert(lease: dict[str, Any]) -> dict[str, Any]:
        pairs = zip(lease.pop('job_config', {}).get('stages', []), lease.pop('models', []))
        return lease | {'stages': [{'stage': stage, 'model': model} for stage, model in pairs]}

    _rewrite(convert)


def _rewrite(convert: Any) -> None:
    connection = op.get_bind()
    for run_id, lease in connection.execute(sa.text('select id, lease from runs where lease is not null')).all():
        changed = json.dumps(convert(json.loads(lease)))
        connection.execute(sa.text('update runs set lease = :lease where id = :id'), {'lease': changed, 'id': run_id})
