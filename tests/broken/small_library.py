"""A copy of the small library to break, with the two product tables that are kept packed."""

import gzip
import shutil
from pathlib import Path

__all__ = ["SMALL_LIBRARY", "copy_library"]

SMALL_LIBRARY = Path(__file__).parent / "library"
_TABLES = {"rxnorm-products.csv.gz": "rxcui", "ndc-ingredients.csv.gz": "ndc"}


def copy_library(target: Path) -> Path:
    """Copy the small library below a folder; returns the copy."""
    folder = target / "library"
    shutil.copytree(SMALL_LIBRARY, folder)
    for name, code in _TABLES.items():
        table = gzip.compress(f"{code},ingredient_rxcuis,route\n1,36567,oral\n".encode(), mtime=0)
        (folder / "terminology" / name).write_bytes(table)
    return folder
