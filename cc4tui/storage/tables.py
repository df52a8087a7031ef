"""The tables. Portable: the full-text index, which only SQLite has, is made in `search`."""

import sqlalchemy as sa

from cc4tui.domain.notes import IdeaStatus
from cc4tui.domain.run import AttemptOutcome, ReasonCode, RunStatus, TaskRunState
from cc4tui.storage.columns import Choice, Document, Instant, Strings, Words


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _usage() -> tuple[sa.Column[int], sa.Column[int], sa.Column[int], sa.Column[float]]:
    """Tokens and money; NULL means that the agent did not say."""
    return (
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("cached_input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cost_usd", sa.Float),
    )


def _estimated() -> sa.Column[bool]:
    """Whether the money comes from the price list."""
    return sa.Column("cost_estimated", sa.Boolean, nullable=False, server_default=sa.false())


schema_version = sa.Table(
    "schema_version",
    metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="schema_version_pkc"),
)
"""Alembic's version table under our name, with the columns Alembic gives it."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("plan", Words, nullable=False),
    sa.Column("plan_key", Words, nullable=False),
    sa.Column("status", Choice(RunStatus), nullable=False),
    sa.Column("base", Words, nullable=False),
    sa.Column("branch", Words, nullable=False),
    sa.Column("target", Words, nullable=False),
    sa.Column("workers", sa.Integer, nullable=False),
    sa.Column("mode", Words, nullable=False),
    sa.Column("agent", Words, nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("finished", Instant),
    sa.Column("land", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("options", Document, nullable=False),
    sa.Column("owner", Document, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Index("ix_runs_started", "started"),
)
"""`last_seq` counts the run's events: raising it hands out numbers without gaps."""

task_runs = sa.Table(
    "task_runs",
    metadata,
    sa.Column("run", Words, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("task", Words, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("batch", Words, nullable=False),
    sa.Column("state", Choice(TaskRunState), nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("agent", Words, nullable=False),
    sa.Column("commit", Words),
    sa.Column("branch", Words),
    sa.Column("merged_as", Words),
    sa.Column("reason_code", Choice(ReasonCode)),
    sa.Column("reason", Words, nullable=False),
    sa.Column("waits_for", Strings, nullable=False),
    sa.Column("files", Strings, nullable=False),
    sa.Column("seconds", sa.Float),
    *_usage(),
    _estimated(),
    sa.Column("until", Instant),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run", Words, primary_key=True),
    sa.Column("task", Words, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("agent", Words, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("token", Words, nullable=False),
    sa.Column("folder", Words, nullable=False),
    sa.Column("worktree", Words),
    sa.Column("branch", Words),
    sa.Column("pid", sa.BigInteger),
    sa.Column("pid_start", sa.BigInteger),
    sa.Column("boot", Words),
    sa.Column("started", Instant),
    sa.Column("finished", Instant),
    sa.Column("outcome", Choice(AttemptOutcome)),
    sa.Column("reason_code", Choice(ReasonCode)),
    sa.Column("reason", Words, nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("saved_ref", Words),
    sa.Column("commit", Words),
    sa.Column("merged_old", Words),
    sa.Column("merged_new", Words),
    sa.Column("step", Words, nullable=False),
    sa.Column("session", Words),
    *_usage(),
    _estimated(),
    sa.ForeignKeyConstraint(["run", "task"], ["task_runs.run", "task_runs.task"]),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("run", Words, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ts", Instant, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("task", Words),
    sa.Column("attempt", sa.Integer),
    sa.Column("data", Document, nullable=False),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", Words, nullable=False),
    sa.Column("run", Words, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("task", Words),
    sa.Column("data", Document, nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("taken", Instant),
    sa.Index("ix_requests_run_taken", "run", "taken"),
)

ideas = sa.Table(
    "ideas",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", Words, nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("tags", Strings, nullable=False),
    sa.Column("priority", Words),
    sa.Column("status", Choice(IdeaStatus), nullable=False),
    sa.Column("plan", Words),
    sa.Column("task", Words),
    sa.Column("deleted", Instant),
)

lessons = sa.Table(
    "lessons",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", Words, nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("source", Words, nullable=False),
    sa.Column("tags", Strings, nullable=False),
    sa.Column("deleted", Instant),
)
