"""`python -m cc4tui` and the console script."""


def main() -> None:
    """Run the command line."""
    from cc4tui.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
