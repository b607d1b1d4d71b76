"""`python -m ovsharp`."""

from ovsharp.cli.main import run

if __name__ == "__main__":
    run()
