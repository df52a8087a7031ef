"""The first schema."""

import sqlalchemy as sa
from alembic import op


revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _runs()
    _task_runs()
    _attempts()
    _events()
    _requests()
    _notes()


def _usage() -> list[sa.Column[object]]:
    return [
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.Float()),
    ]


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("plan_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger()),
        sa.Column("land", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("owner", sa.JSON(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started", "runs", ["started"])


def _task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text()),
        sa.Column("branch", sa.Text()),
        sa.Column("merged_as", sa.Text()),
        sa.Column("reason_code", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Float()),
        *_usage(),
        sa.PrimaryKeyConstraint("run", "task", name="pk_task_runs"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_task_runs_run"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("worktree", sa.Text()),
        sa.Column("branch", sa.Text()),
        sa.Column("pid", sa.BigInteger()),
        sa.Column("pid_start", sa.BigInteger()),
        sa.Column("boot", sa.Text()),
        sa.Column("started", sa.BigInteger()),
        sa.Column("finished", sa.BigInteger()),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason_code", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("saved_ref", sa.Text()),
        sa.Column("commit", sa.Text()),
        sa.Column("merged_old", sa.Text()),
        sa.Column("merged_new", sa.Text()),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("session", sa.Text()),
        *_usage(),
        sa.PrimaryKeyConstraint("run", "task", "attempt", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["run", "task"], ["task_runs.run", "task_runs.task"], name="fk_attempts_run_task"
        ),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_events_run"),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("task", sa.Text()),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_requests_run"),
    )
    op.create_index("ix_requests_run_taken", "requests", ["run", "taken"])


def _notes() -> None:
    op.create_table(
        "ideas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text()),
        sa.Column("task", sa.Text()),
        sa.Column("deleted", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_ideas"),
    )
    op.create_table(
        "lessons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("deleted", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_lessons"),
    )
