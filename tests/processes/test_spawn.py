"""Starting programs: what they get, what comes back, what cannot be started."""

import asyncio
import contextlib
import errno
import json
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessEnd, ProcessSpec
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.supervision import procfs


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]

SHOW_SURROUNDINGS = """
import json, os, signal, sys
json.dump({
    "argv": [os.fsencode(a).hex() for a in sys.argv[1:]],
    "environ": {os.fsencode(k).hex(): os.fsencode(v).hex() for k, v in os.environ.items()},
    "cwd": os.getcwd(),
    "session": os.getsid(0) == os.getpid(),
    "group": os.getpgrp() == os.getpid(),
    "ignored": [s for s in range(1, 32) if signal.getsignal(s) == signal.SIG_IGN],
    "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "oom": open("/proc/self/oom_score_adj").read().strip(),
    "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
}, sys.stdout)
"""


async def run(host: Supervisors, spec: ProcessSpec) -> ProcessEnd:
    async with asyncio.timeout(20):
        return await (await host.spawn(spec)).ended()


async def test_output_goes_into_files_and_the_exit_code_comes_back(host: Supervisors, sh: Spec):
    spec = sh("printf out; printf err >&2; exit 7")
    end = await run(host, spec)
    assert end == ProcessEnd(ExitStatus(7, "exited"), killed=0, out_size=3)
    assert (spec.folder / "out").read_bytes() == b"out"
    assert (spec.folder / "err").read_bytes() == b"err"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGPIPE])
async def test_a_signal_is_a_negative_code(host: Supervisors, sh: Spec, number: signal.Signals):
    assert (await run(host, sh(f"kill -{number} $$"))).status == ExitStatus(-number, "exited")


async def test_surroundings_are_exactly_what_was_asked_for(
    host: Supervisors, make_spec: Spec, folder: Path
):
    strange = os.fsdecode(b"caf\xc3\xa9 \xff\n'\"$")
    cwd = folder / "ein Ordner\nmit ü"
    cwd.mkdir()
    spec = make_spec(
        sys.executable,
        "-I",
        "-c",
        SHOW_SURROUNDINGS,
        strange,
        "",
        cwd=cwd,
        env={"A": strange, "E": ""},
    )
    assert (await run(host, spec)).status.code == 0, (spec.folder / "err").read_text()
    got = json.loads((spec.folder / "out").read_text())
    environ = {bytes.fromhex(k): bytes.fromhex(v) for k, v in got["environ"].items()}
    environ.pop(b"LC_CTYPE", None)  # set by the interpreter itself
    assert environ == {b"A": os.fsencode(strange), b"E": b"", b"CC4_TOKEN": spec.token.encode()}
    assert [bytes.fromhex(word) for word in got["argv"]] == [os.fsencode(strange), b""]
    assert got["cwd"] == str(cwd)
    assert got["session"]
    assert got["group"]
    assert got["blocked"] == 0
    assert set(got["ignored"]) <= {signal.SIGPIPE, signal.SIGXFSZ}  # by the interpreter itself
    assert int(got["oom"]) >= 300
    assert [fd for fd in got["fds"] if fd <= 2 or fd >= 198] == [0, 1, 2, 198]


async def test_no_descriptor_leaks_into_the_program(host: Supervisors, make_spec: Spec, sh: Spec):
    """Neither a lifeline nor another program's files: with them it would outlive the app."""
    neighbour = await host.spawn(sh("exec sleep 1000"))
    spec = make_spec("/bin/ls", "-l", "/proc/self/fd")
    await run(host, spec)
    neighbour.stop("done")
    links = [line.split(" -> ")[1] for line in (spec.folder / "out").read_text().splitlines()[1:]]
    own = {str(spec.folder / name) for name in ("out", "err", "sent")}
    assert sorted(link for link in links if "/proc/" not in link) == sorted({*own, "/dev/null"})


async def test_the_folder_is_private_and_holds_no_value_of_the_environment(
    host: Supervisors, sh: Spec
):
    spec = sh("echo hi", env={"PATH": os.environ["PATH"], "KEY": "sekret-value"})
    await run(host, spec)
    assert stat.S_IMODE(spec.folder.stat().st_mode) == 0o700
    names = {path.name for path in spec.folder.iterdir()}
    assert names == {"spec", "lock", "agent", "out", "err", "sent", "exit", "ended"}
    for path in spec.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"sekret" not in path.read_bytes()


async def test_identity_is_the_program_s(
    host: Supervisors, make_spec: Spec, survivors: Survivors, mark: str, eventually: Eventually
):
    process = await host.spawn(make_spec("sleep", f"1000.{mark}"))
    identity = process.identity
    assert identity is not None
    await eventually(lambda: survivors() == [f"{identity.pid} sleep 1000.{mark}"])
    assert identity.start == procfs.start_time(identity.pid)
    assert identity.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    process.stop("done")
    await process.ended()
    assert process.identity == identity


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"argv": ("no-such-program",)}, errno.ENOENT),
        ({"argv": ("/no/such/program",)}, errno.ENOENT),
        ({"argv": ("/etc/passwd",)}, errno.EACCES),
        ({"argv": ("/",)}, errno.EACCES),
        ({"argv": ("a\0b",)}, errno.EINVAL),
        ({"cwd": Path("/no/such/folder")}, errno.ENOENT),
        ({"cwd": Path("/etc/passwd")}, errno.ENOTDIR),
        ({"stdin": "/no/such/input"}, errno.ENOENT),
    ],
)
async def test_what_cannot_be_started_tells_why(
    host: Supervisors, make_spec: Spec, fields: dict[str, object], code: int
):
    spec = replace(make_spec("/bin/true"), **fields)  # type: ignore[arg-type]
    process = await host.spawn(spec)
    assert process.identity is None
    assert await process.ended() == ProcessEnd(ExitStatus(None, "exec", code), 0, 0)


async def test_a_text_file_without_an_interpreter_line(
    host: Supervisors, make_spec: Spec, folder: Path
):
    script = folder / "script"
    script.write_text("echo hi\n")
    script.chmod(0o755)
    assert (await run(host, make_spec(str(script)))).status.errno == errno.ENOEXEC


async def test_programs_are_found_on_the_path_they_are_given(
    host: Supervisors, make_spec: Spec, folder: Path
):
    tool = folder / "my-tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    spec = make_spec("my-tool", env={"PATH": f"/no/such:{folder}"})
    assert (await run(host, spec)).status.code == 0
    assert (spec.folder / "out").read_text() == "found\n"


async def test_a_folder_is_used_once(host: Supervisors, sh: Spec):
    spec = sh("echo once >> ran")
    await run(host, spec)
    with pytest.raises(ProcessError, match=r"used before|supervisor already"):
        await host.spawn(spec)
    assert (spec.cwd / "ran").read_text() == "once\n"


async def test_a_folder_in_use_is_refused_and_its_program_left_alone(
    host: Supervisors, sh: Spec, eventually: Eventually
):
    spec = sh("echo once >> ran; exec sleep 1000")
    process = await host.spawn(spec)
    await eventually(lambda: (spec.cwd / "ran").exists() and (spec.cwd / "ran").read_text())
    with pytest.raises(ProcessError, match="has a supervisor already"):
        await host.spawn(spec)
    process.stop("done")
    assert (await process.ended()).status.why == "done"
    assert (spec.cwd / "ran").read_text() == "once\n"


async def test_a_revoked_folder_is_refused(host: Supervisors, sh: Spec):
    spec = sh("echo never > ran")
    spec.folder.mkdir()
    (spec.folder / "revoked").touch()
    with pytest.raises(ProcessError, match="revoked"):
        await host.spawn(spec)
    assert not (spec.cwd / "ran").exists()


async def test_a_folder_that_cannot_be_made(host: Supervisors, sh: Spec, folder: Path):
    (folder / "file").touch()
    with pytest.raises(ProcessError, match="cannot use the attempt folder"):
        await host.spawn(sh("true", folder=folder / "file" / "x"))


async def test_a_folder_deeper_than_a_socket_s_path_may_be(
    host: Supervisors, sh: Spec, folder: Path
):
    deep = folder / ("d" * 120) / ("ü" * 60) / "attempt"
    process = await host.spawn(sh("exec sleep 1000", folder=deep))
    assert (deep / "sock").is_socket()
    process.stop("done")
    assert (await process.ended()).status.why == "done"


async def test_relative_paths_mean_ours(
    host: Supervisors, sh: Spec, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    Path("input").write_text("from a relative file")
    spec = sh("cat; pwd", folder=Path("attempt"), cwd=Path(), stdin="input")
    await run(host, spec)
    assert (folder / "attempt" / "out").read_text() == f"from a relative file{folder}\n"


async def test_twenty_at_once(host: Supervisors, sh: Spec):
    specs = [sh(f"echo {n} >> started; exit {n}") for n in range(20)]
    ends = await asyncio.gather(*(run(host, spec) for spec in specs))
    assert [end.status.code for end in ends] == list(range(20))
    started = (specs[0].cwd / "started").read_text().split()
    assert sorted(map(int, started)) == list(range(20))


async def test_large_output_is_complete_and_its_size_exact(host: Supervisors, sh: Spec):
    spec = sh("head -c 50000000 /dev/zero; head -c 1000 /dev/zero >&2; printf end")
    assert (await run(host, spec)).out_size == 50_000_003
    assert (spec.folder / "out").stat().st_size == 50_000_003
    assert (spec.folder / "err").stat().st_size == 1000


async def test_a_large_environment_and_a_long_argument(host: Supervisors, make_spec: Spec):
    env = {f"N{n}": "v" * 1000 for n in range(300)}
    spec = make_spec(
        "/bin/sh",
        "-c",
        'printf %s "$1$N299" | wc -c',
        "sh",
        "a" * 100_000,
        env={**env, "PATH": "/bin:/usr/bin"},
    )
    await run(host, spec)
    assert (spec.folder / "out").read_text().strip() == "101000"


async def test_ended_may_be_awaited_by_several_and_again(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("sleep 0.1; exit 3"))
    ends = await asyncio.gather(process.ended(), process.ended(), process.ended())
    assert {end.status.code for end in ends} == {3}
    assert await process.ended() == ends[0]


async def test_a_waiter_that_is_cancelled_disturbs_nobody(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("sleep 0.2; exit 3"))
    waiter = asyncio.create_task(process.ended())
    other = asyncio.create_task(process.ended())
    await asyncio.sleep(0)
    waiter.cancel()
    assert (await other).status.code == 3


async def test_no_descriptor_stays_open(host: Supervisors, sh: Spec, open_fds: Callable[[], int]):
    await run(host, sh("true"))
    before = open_fds()
    for number in range(10):
        await run(host, sh(f"exit {number}"))
    await run(host, sh("true", cwd=Path("/no/such")))
    assert open_fds() <= before


async def test_a_closed_host_starts_nothing_and_leaves_no_zygote(
    folder: Path, sh: Spec, survivors: Survivors, mark: str, open_fds: Callable[[], int]
):
    before, children = open_fds(), {*psutil.Process().children()}
    host = Supervisors(folder / "log")
    await host.spawn(sh(f"exec sleep 1000.{mark}"))
    await host.close()
    assert survivors() == []
    assert {*psutil.Process().children()} <= children
    assert open_fds() <= before
    with pytest.raises(ProcessError, match="closed"):
        await host.spawn(sh("true"))
    await host.close()


async def test_a_cancelled_spawn_leaves_nothing(
    host: Supervisors, sh: Spec, survivors: Survivors, mark: str
):
    """Whenever the cancellation comes, nothing runs when it has been delivered."""
    await host.start()
    for turns in range(12):
        task = asyncio.create_task(host.spawn(sh(f"exec sleep 1000.{mark}")))
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001 * (turns % 6))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            process = await task  # it may have been quicker
            process.stop("not wanted any more")
            await process.ended()
        assert survivors() == []


async def test_the_interpreter_for_the_zygote_is_missing(
    folder: Path, sh: Spec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    host = Supervisors(folder / "log")
    with pytest.raises(ProcessError, match="cannot start the supervisor program"):
        await host.start()
    await host.close()


async def test_a_zygote_that_does_not_come_up(
    folder: Path, sh: Spec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    host = Supervisors(folder / "log")
    with pytest.raises(ProcessError, match=r"no supervisor answered for '/bin/sh'; .*log"):
        await host.spawn(sh("true"))
    await host.close()
