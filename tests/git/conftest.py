"""Real repositories of every kind, and a person with a home of their own."""

import asyncio
import os
import stat
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from cc4tui.services.git.merging import Conflict, MergeCandidate, Merger
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.repository import Repository
from cc4tui.services.git.tasks import SavedWork, TaskBranches
from cc4tui.services.git.trailers import merge_message
from cc4tui.services.git.worktrees import Lease, WorktreePool


@dataclass
class Repo:
    """A repository as the person has it; `git` runs there as the person would."""

    path: Path

    def git(self, *args: str, check: bool = True, stdin: str | None = None) -> str:
        """Run git in it; standard output without the last newline."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            check=False,
            capture_output=True,
            input=stdin and stdin.encode(),
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {args}: {done.returncode} {done.stderr.decode()}")
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, name: str, data: str | bytes = "text\n") -> Path:
        """Write a file below it."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def commit(self, message: str = "work") -> str:
        """Commit everything; the new commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def refs(self, *patterns: str) -> dict[str, str]:
        """Full names to object ids."""
        lines = self.git(
            "for-each-ref", "--format=%(refname) %(objectname)", *patterns
        ).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def files(self, revision: str) -> dict[str, str]:
        """Every path of a commit with its blob."""
        out = self.git("ls-tree", "-r", "-z", revision)
        entries = (entry.split("\t", 1) for entry in out.split("\0") if entry)
        return {path: f"{head.split()[0]} {head.split()[2]}" for head, path in entries}

    def content(self, revision: str, path: str) -> bytes:
        return subprocess.run(
            ["git", "cat-file", "blob", f"{revision}:{path}"],
            cwd=self.path,
            check=True,
            capture_output=True,
        ).stdout

    def assert_sound(self) -> None:
        """No corruption, none of our worktrees, branches or locks."""
        self.git("fsck", "--strict", "--no-dangling")
        listed = self.git("worktree", "list", "--porcelain")
        assert "cc4tui" not in listed
        common = Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir"))
        assert not [*common.rglob("*.lock")]
        assert not [*common.rglob("bulk-fsync*")]


@dataclass
class Session:
    """One run on one repository, as the pipeline would hold it."""

    repo: Repo
    repository: Repository
    private: PrivateGit
    run: str = "r1"
    branches: TaskBranches = field(init=False)
    merger: Merger = field(init=False)

    def __post_init__(self) -> None:
        self.branches = TaskBranches(self.private)
        self.merger = Merger(self.private, self.run)

    def pool(self, size: int = 4, **options: object) -> WorktreePool:
        return WorktreePool(self.private, self.repository.head, size=size, **options)  # type: ignore[arg-type]

    def name(self, task: str = "t", attempt: int = 1) -> AttemptName:
        return AttemptName(self.run, task, attempt)

    async def attempt(
        self,
        pool: WorktreePool,
        act: Callable[[Lease], object],
        task: str = "t",
        base: str | None = None,
        attempt: int = 1,
    ) -> SavedWork:
        """Lease, begin, let the agent act, save, release."""
        lease = await pool.acquire(self.name(task, attempt))
        try:
            branch = await self.branches.begin(
                lease, self.run, task, attempt, base or self.repository.head
            )
            await asyncio.to_thread(act, lease)
            return await self.branches.save(lease, branch, f"{task}: leftovers\n")
        finally:
            pool.release(lease)

    async def merge(
        self, work: SavedWork, lease: Lease, task: str = "t"
    ) -> MergeCandidate | Conflict:
        """Prepare and advance; a conflict is returned."""
        message = merge_message(plan="plan.md", run=self.run, task=task, attempt=1, title=task)
        result = await self.merger.prepare(work.oid, message, lease, base=work.base, tree=work.tree)
        if isinstance(result, MergeCandidate):
            assert await self.merger.advance(result)
        return result

    async def settled(self, pool: WorktreePool, free: int) -> None:
        """Wait until that many slots are clean and free."""
        while len(pool._free) < free:
            await asyncio.sleep(0.005)


@dataclass
class Canary:
    """A program that must never run."""

    program: Path
    log: Path

    @property
    def sang(self) -> bool:
        return self.log.exists()


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a git configuration, and an environment that names nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Pat Person\n\temail = pat@example.org\n"
        '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n'
    )
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., Repo]:
    """Makes a repository with one commit; `name` may hold any character."""

    def make(name: str = "repo", *options: str, commit: bool = True) -> Repo:
        path = tmp_path / name
        path.mkdir(parents=True)
        repo = Repo(path)
        repo.git("init", "-q", *options)
        if commit:
            repo.write("README.md", "hello\n")
            repo.write("src/a.txt", "one\ntwo\nthree\n")
            repo.commit("first")
        return repo

    return make


@pytest.fixture
def repo(make_repo: Callable[..., Repo]) -> Repo:
    return make_repo()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest_asyncio.fixture
async def open_session(state_dir: Path) -> AsyncIterator[Callable[..., Awaitable[Session]]]:
    """Opens a session on a repository; call it after the repository is as it should be."""
    opened: list[Session] = []

    async def start(repo: Repo, run: str = "r1") -> Session:
        repository = await Repository.open(repo.path)
        private = PrivateGit(repository, state_dir)
        await private.prepare()
        session = Session(repo, repository, private, run)
        opened.append(session)
        return session

    yield start
    for session in opened:
        session.repository.runner.close()


@pytest_asyncio.fixture
async def session(repo: Repo, open_session: Callable[..., Awaitable[Session]]) -> Session:
    return await open_session(repo)


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    program, log = tmp_path / "canary.sh", tmp_path / "canary.log"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> "{log}"\ncat\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Canary(program, log)


def _agent_git(lease: Lease, *args: str) -> str:
    return Repo(lease.worktree).git(*args)


@pytest.fixture
def agent_git() -> Callable[..., str]:
    """Plain git in a worktree, as an agent uses it."""
    return _agent_git
