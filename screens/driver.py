"""The terminal, also after cc4tui was stopped by somebody else (`kill -STOP`) and continued."""

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Takes the terminal again after every stop.

    Textual expects to be stopped by SIGTSTP, for which it lets the terminal go first. Continued
    after a SIGSTOP, it would start a second time beside the first: two threads then read the
    keys, and one of them never ends.
    """

    _taking_again = False

    def _sigcont_application(self, *args: object) -> None:
        if self._taking_again:  # stopped meanwhile, because the terminal was another's
            return
        if not self._auto_restart or self._must_signal_resume:
            super()._sigcont_application(*args)
            return
        self._taking_again = True
        try:
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()
        finally:
            self._taking_again = False
