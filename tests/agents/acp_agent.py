"""An agent written with the protocol's own library, which knows nothing of cc4tui.

It does what the lines of its prompt say: ``say TEXT``, ``write PATH``, ``ask PATH`` (writes it if
it may), ``sleep SECONDS``, ``stop REASON``, ``fail CODE``.
"""

import asyncio
import pathlib
import sys

import acp
from acp.schema import (
    AgentCapabilities,
    AuthMethodAgent,
    ForkSessionResponse,
    Implementation,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    SessionCapabilities,
    SessionForkCapabilities,
    ToolCallUpdate,
    Usage,
)


OPTIONS = [
    PermissionOption(option_id="always", name="Always", kind="allow_always"),
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
]


class ObedientAgent:
    """One session at a time."""

    def on_connect(self, conn):
        self.client = conn
        self.cancelled = asyncio.Event()

    async def initialize(self, protocol_version, **_: object):
        return InitializeResponse(
            protocol_version=protocol_version,
            agent_capabilities=AgentCapabilities(
                load_session="--forgetful" not in sys.argv,
                session_capabilities=None
                if "--forgetful" in sys.argv
                else SessionCapabilities(fork=SessionForkCapabilities()),
            ),
            auth_methods=[AuthMethodAgent(id="hand", name="By hand")],
            agent_info=Implementation(name="obedient", version="1"),
        )

    async def new_session(self, cwd, **_: object):
        if "--logged-out" in sys.argv:
            raise acp.RequestError.auth_required()
        self.cwd = pathlib.Path(cwd)
        return NewSessionResponse(session_id="s-1")

    async def load_session(self, cwd, session_id, **_: object):
        if session_id == "gone":
            raise acp.RequestError.resource_not_found(session_id)
        self.cwd = pathlib.Path(cwd)
        await self.tell(acp.update_agent_message_text("said long ago\n"), session_id)
        return LoadSessionResponse()

    async def fork_session(self, cwd, session_id, **_: object):
        self.cwd = pathlib.Path(cwd)
        return ForkSessionResponse(session_id=f"{session_id}-copy")

    async def prompt(self, session_id, prompt, **_: object):
        self.session = session_id
        reason = "end_turn"
        for line in "\n".join(block.text for block in prompt).splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "say":
                for piece in (rest[:3], rest[3:] + "\n"):
                    await self.tell(acp.update_agent_message_text(piece))
            elif word in ("write", "ask"):
                await self.write(rest, asks=word == "ask")
            elif word == "sleep":
                try:
                    await asyncio.wait_for(self.cancelled.wait(), float(rest))
                except TimeoutError:
                    continue
                return PromptResponse(stop_reason="cancelled")
            elif word == "stop":
                reason = rest
            elif word == "fail":
                raise acp.RequestError(int(rest), "it went wrong", {"message": "no luck"})
        usage = Usage(total_tokens=15, input_tokens=10, output_tokens=5)
        return PromptResponse(stop_reason=reason, usage=usage)

    async def cancel(self, session_id, **_: object):
        self.cancelled.set()

    async def write(self, path, *, asks):
        call = f"call-{path}"
        begun = acp.start_edit_tool_call(call, f"Write {path}", str(self.cwd / path), "content\n")
        await self.tell(begun)
        if asks:
            answer = await self.client.request_permission(
                session_id=self.session,
                tool_call=ToolCallUpdate(tool_call_id=call, kind="edit", title=f"Write {path}"),
                options=OPTIONS,
            )
            if getattr(answer.outcome, "option_id", None) != "yes":
                await self.tell(acp.update_tool_call(call, status="failed"))
                return
        (self.cwd / path).write_text("content\n")
        await self.tell(acp.update_tool_call(call, status="completed"))

    async def tell(self, update, session=None):
        await self.client.session_update(session_id=session or self.session, update=update)


if __name__ == "__main__":
    sys.exit(asyncio.run(acp.run_agent(ObedientAgent(), use_unstable_protocol=True)))
