"""The recipe of a release: recipe/meta.yaml with the hash of the sdist that is published.

`python recipe/fill.py dist/jaxelph-0.1.0.tar.gz` prints it. The release workflow does so with the
very file that it uploads; until there is a release the recipe in the repository has no hash.
"""

import hashlib
import re
import sys
from pathlib import Path

RECIPE = Path(__file__).parent / "meta.yaml"
#: What stands in the recipe where the hash belongs.
BLANK = "OF_THE_SDIST"


def filled(sdist: Path) -> str:
    """The text of the recipe for one sdist.

    Args:
        sdist: the file that the index serves.

    Raises:
        ValueError: a file of another version, or a recipe without its blank.
    """
    recipe = RECIPE.read_text(encoding="utf-8")
    version = re.search(r'set version = "(\S+)"', recipe)
    if version is None or sdist.name != f"jaxelph-{version[1]}.tar.gz":
        told = "none" if version is None else version[1]
        raise ValueError(f"{sdist.name}: the recipe is of version {told}.")
    head, blank, tail = recipe.partition(f"sha256: {BLANK}\n")
    if not blank or BLANK in tail:
        raise ValueError(f"{RECIPE}: there is no line 'sha256: {BLANK}', or more than one.")
    return f"{head}sha256: {hashlib.sha256(sdist.read_bytes()).hexdigest()}\n{tail}"


if __name__ == "__main__":
    try:
        _, path = sys.argv
        print(filled(Path(path)), end="")
    except ValueError as error:
        sys.exit(f"fill.py SDIST: {error}")
