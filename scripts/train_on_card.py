"""Trains many networks at once on a graphics card, for so many minutes, without a network.

    sh kit/train.sh --out OUT --minutes 8 [--only call-codec call-codec-fast]

`kit/` is what scripts/pack_kit.py packed. All cores damage patches, which stay in the card's
memory; networks of equal damage share them, and each begins with the weights that ship, as soon as
its first patches are there. The networks take turns, a step each; rates go by the time that is
spent. Every minute each is validated, and the best weights of all are written to OUT/part-N.pt, the
scores to OUT/log.jsonl: scripts/unpack_kit.py makes a folder of each network. Without a card it
does the same on the processor, slowly.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def main() -> None:
    """Train for the given minutes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kit = Path(__file__).parent.parent
    parser.add_argument("--kit", type=Path, default=kit, help="folder that pack_kit.py made")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and the log")
    parser.add_argument("--minutes", type=float, default=8.0, help="until all end; 8")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--device", help="cuda or cpu; cuda where there is a card")
    parser.add_argument("--batch", type=int, default=1, help="times the recipe's patches a step; 1")
    parser.add_argument("--steps", type=int, default=0, help="of each network at most, for trying")
    options = parser.parse_args()

    # Here, so that the processes that make patches need not import it.
    import torch
    from card_patches import one_thread
    from card_training import Card

    from ovsharp.errors import OvsharpError

    options.out.mkdir(parents=True, exist_ok=True)
    if any(options.out.iterdir()):
        parser.error(f"{options.out} is not empty: name a new folder")
    workers = max(1, (os.cpu_count() or 1) - 1)
    # Not forked: the card's driver, and the libraries that code, have threads by now.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=one_thread)
    try:
        card = Card(
            options.kit,
            options.out,
            only=options.only,
            device=options.device or ("cuda" if torch.cuda.is_available() else "cpu"),
            minutes=options.minutes,
            limit=options.steps,
            batch=options.batch,
            pool=pool,
            workers=workers,
        )
        card.train()
        print(card.summary())
        if card.failed:
            sys.exit("error: " + "; ".join(card.failed.values()))
    except OvsharpError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
