"""Put a trained `mini` into the package: int8 rows instead of float32, a quarter of the size.

python recipes/mini/package.py runs/mini/model src/spanbert/models/mini
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from spanbert.checkpoint.folder import write_compact


def main() -> None:
    """Write the compact folder with the model card beside the weights."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    write_compact(source, target)
    if (source / "README.md").exists():
        shutil.copyfile(source / "README.md", target / "README.md")
    (target / "vocab.txt").unlink()  # tokenizer.json holds it
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
