"""`python -m cc4tui` and the console script."""

INTERRUPTED = 130
"""`errors.ExitCode.INTERRUPTED`, without importing anything."""


def main() -> None:
    """Run the command line."""
    try:
        from cc4tui.cli.main import main as run
    except KeyboardInterrupt:  # before anything that could say it better is there
        raise SystemExit(INTERRUPTED) from None
    run()


if __name__ == "__main__":
    main()
