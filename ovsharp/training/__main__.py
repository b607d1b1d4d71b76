"""`python -m ovsharp.training --data photos/ --val other-photos/ --out runs/sharp`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ovsharp.training.loop import Plan, train


def main() -> None:
    """Read the fields of `Plan` from the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m ovsharp.training")
    kinds = {"Path": Path, "int": int, "float": float, "str": str}
    for field in dataclasses.fields(Plan):
        if field.type == "bool":
            parser.add_argument(f"--{field.name}", action="store_true")
            continue
        required = field.default is dataclasses.MISSING
        parser.add_argument(
            f"--{field.name}",
            type=kinds[str(field.type)],
            required=required,
            default=None if required else field.default,
            help="" if required else f"default: {field.default}",
        )
    print(train(Plan(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
