"""``python -m headrace_cli``."""

from headrace_cli.main import run

if __name__ == "__main__":
    run()
