"""Tasks that wait for the limit of an agent, and costs that are estimated."""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    for table in ("task_runs", "attempts"):
        op.add_column(
            table,
            sa.Column("cost_estimated", sa.Boolean(), nullable=False, server_default=sa.false()),
        )
    op.add_column("task_runs", sa.Column("until", sa.BigInteger()))
