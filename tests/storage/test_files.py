"""Whose files these are: private, ours, on a local disk; everything else is one clear sentence."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cc4tui.errors import UnfitError
from cc4tui.storage import disks, files
from cc4tui.storage.store import open_store


def mode(path: Path) -> int:
    """Permission bits."""
    return path.stat().st_mode & 0o777


async def test_folder_and_files_are_private_whatever_the_umask(path: Path):
    before = os.umask(0)
    try:
        store = await open_store(path)
        await store.add_idea("x")
        names = sorted(name.name for name in path.parent.iterdir())
        assert names == ["cc4tui.db", "cc4tui.db-shm", "cc4tui.db-wal"]
        assert {mode(name) for name in path.parent.iterdir()} == {0o600}
        assert mode(path.parent) == 0o700
        await store.close()
    finally:
        os.umask(before)


async def test_permissions_that_were_opened_are_closed_again(path: Path):
    await (await open_store(path)).close()
    path.chmod(0o666)
    path.parent.chmod(0o755)
    await (await open_store(path)).close()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


async def test_a_path_of_odd_letters(tmp_path: Path):
    path = tmp_path / "a b?c#d%20e'\"ü\n" / "cc4tui.db"
    store = await open_store(path)
    await store.add_idea("x")
    await store.close()
    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]


async def test_a_path_that_is_not_utf8(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")) / "cc4tui.db"
    store = await open_store(path)
    await store.add_idea("x")
    await store.close()
    assert path.exists()


async def test_a_link_in_place_of_the_database_is_refused(path: Path, tmp_path: Path):
    path.parent.mkdir()
    target = tmp_path / "victim"
    target.write_text("precious")
    path.symlink_to(target)
    with pytest.raises(UnfitError, match=r"cc4tui\.db is a symbolic link: replace it"):
        await open_store(path)
    assert target.read_text() == "precious"


async def test_a_dangling_link_makes_no_file(path: Path, tmp_path: Path):
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnfitError, match="symbolic link"):
        await open_store(path)
    assert not (tmp_path / "elsewhere").exists()


async def test_a_link_in_place_of_the_folder_is_refused(path: Path, tmp_path: Path):
    (tmp_path / "real").mkdir()
    path.parent.symlink_to(tmp_path / "real")
    with pytest.raises(UnfitError, match="state is a symbolic link"):
        await open_store(path)
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("end", files.SIDE_FILES)
async def test_a_link_beside_the_database_is_refused(path: Path, tmp_path: Path, end: str):
    await (await open_store(path)).close()
    target = tmp_path / "victim"
    target.write_text("precious")
    files.side(path, end).symlink_to(target)
    for read_only in (False, True):
        with pytest.raises(UnfitError, match=f"{end} is a symbolic link"):
            await open_store(path, read_only=read_only)
    assert target.read_text() == "precious"


async def test_what_is_no_file_is_refused(path: Path):
    path.mkdir(parents=True)
    with pytest.raises(UnfitError, match="is not what belongs there: move it away"):
        await open_store(path)


async def test_a_socket_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch):
    path.parent.mkdir()
    monkeypatch.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
        with pytest.raises(UnfitError, match="is not what belongs there"):
            await open_store(path)


async def test_a_file_in_place_of_the_folder_is_a_sentence(path: Path):
    path.parent.write_text("x")
    with pytest.raises(UnfitError, match=r"cannot be used .*CC4TUI_STATE_DIR"):
        await open_store(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["file", "folder"])
async def test_somebody_elses_is_refused(path: Path, which: str):
    await (await open_store(path)).close()
    os.chown(path if which == "file" else path.parent, 12345, -1)
    with pytest.raises(UnfitError, match="belongs to another user"):
        await open_store(path)


async def test_names_of_copies_are_free_ones(path: Path):
    path.parent.mkdir()
    names = []
    for _ in range(3):
        names.append(files.stamped(path, "damaged"))
        names[-1].touch()
    assert len(set(names)) == 3
    assert all(name.name.startswith("cc4tui.db.damaged.2") for name in names)


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:50 / /home rw shared:2 - nfs4 server:/home rw
31 30 8:2 / /home/me/local\\040disk rw - ext4 /dev/sdb rw
32 22 0:51 / /mnt/share rw master:1 propagate_from:2 - cifs //server/share rw
33 32 0:52 / /mnt/share rw - ext4 /dev/sdc rw
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib", None),
        ("/home", "nfs4"),
        ("/home/me/.local/state", "nfs4"),
        ("/homeless", None),
        ("/home/me/local disk/state", None),
        ("/mnt/share/x", None),
    ],
)
def test_network_disks_are_known(tmp_path: Path, place: str, kind: str | None):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert disks.network_disk(Path(place), mounts) == kind


def test_without_proc_every_disk_counts_as_local(tmp_path: Path):
    assert disks.network_disk(Path("/home"), tmp_path / "none") is None


def test_this_machine_can_be_read():
    assert disks.network_disk(Path("/proc/self")) is None


async def test_a_network_disk_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "network_disk", lambda folder: "nfs4")
    with pytest.raises(UnfitError, match=r"on a network disk \(nfs4\).*CC4TUI_STATE_DIR"):
        await open_store(path)
    assert not path.exists()


def mounts_are_allowed() -> bool:
    """Whether this machine lets us make a disk of our own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    test = subprocess.run([unshare, "-Urm", "mount", "-t", "tmpfs", "x", "/mnt"], check=False)
    return test.returncode == 0


needs_mounts = pytest.mark.skipif(not mounts_are_allowed(), reason="no user namespaces here")

READ_ONLY = """
import asyncio, subprocess, sys
from pathlib import Path
from cc4tui.errors import UnfitError
from cc4tui.storage.store import open_store

folder = Path(sys.argv[1])

async def main():
    store = await open_store(folder / "state" / "cc4tui.db")
    await store.add_idea("kept")
    await store.close()
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    for path in (folder / "state" / "cc4tui.db", folder / "new" / "cc4tui.db"):
        for read_only in (False, True):
            try:
                store = await open_store(path, read_only=read_only)
                print("opened", [idea.text for idea in await store.ideas()])
                await store.close()
            except UnfitError as error:
                print(error)

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M,mode=700", "x", folder], check=True)
asyncio.run(main())
"""

FULL = """
import asyncio, subprocess, sys
from pathlib import Path
from cc4tui.errors import UnfitError
from cc4tui.storage.store import open_store

folder = Path(sys.argv[1])

async def main():
    path = folder / "state" / "cc4tui.db"
    store = await open_store(path)
    (folder / "ballast").write_bytes(b"x" * 500_000)
    stored = []
    for n in range(1000):
        try:
            stored.append((await store.add_idea(f"{n} " + "x" * 3000)).text)
        except UnfitError as error:
            print(str(error).replace(str(folder), ""))
            break
    assert [idea.text for idea in await store.ideas()] == stored[::-1]
    (folder / "ballast").unlink()
    stored.append((await store.add_idea("after")).text)
    await store.close()
    store = await open_store(path)
    assert [idea.text for idea in await store.ideas()] == stored[::-1]
    await store.close()
    print(store.notice)

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M,mode=700", "x", folder], check=True)
asyncio.run(main())
"""


async def in_a_namespace(script: str, folder: Path) -> str:
    """Run a script that may mount; the mounts vanish with it."""
    folder.mkdir()
    process = await asyncio.create_subprocess_exec(
        *("unshare", "-Urm", sys.executable, "-W", "error", "-c", script, str(folder)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0
    return out.decode()


@pytest.mark.integration
@needs_mounts
async def test_a_read_only_disk_is_a_sentence(tmp_path: Path):
    lines = (await in_a_namespace(READ_ONLY, tmp_path / "disk")).splitlines()
    assert len(lines) == 4
    assert "cannot be used (it is read-only): make it writable" in lines[0]
    assert "cc4tui.db cannot be opened: check that its folder" in lines[1]
    assert "cannot be used (Read-only file system): make it writable" in lines[2]
    assert "There is no database" in lines[3]


@pytest.mark.integration
@needs_mounts
async def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_space(tmp_path: Path):
    lines = (await in_a_namespace(FULL, tmp_path / "disk")).splitlines()
    assert lines[0].startswith("The disk of /state/cc4tui.db is full: free some space.")
    assert lines[1] == "None"
