"""What of the metadata depends on where the project lives, told by JAXELPH_REPOSITORY, a URL.

A release sets it, see `.github/workflows/release.yml`: the project's addresses and absolute links
follow from it. Without it there are none, and the description is without images and relative links,
which would lead nowhere on an index.
"""

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)\n*")
_LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?!https?:|#)([^)]+)\)")
_TAG = re.compile(r'<img src="(?!https?:)([^"]+)"([^>]*)> *')


def description(readme: str, repository: str, revision: str) -> str:
    """The README as an index shows it."""
    if not repository:
        return _LINK.sub(r"\1", _TAG.sub("", _IMAGE.sub("", readme)))
    # From the page of a file two levels up are the project's own pages, its badges among them.
    readme = readme.replace("](../../", f"]({repository}/")
    readme = _TAG.sub(rf'<img src="{repository}/raw/{revision}/\1"\2> ', readme)
    readme = _IMAGE.sub(rf"![\1]({repository}/raw/{revision}/\2)\n\n", readme)
    return _LINK.sub(rf"[\1]({repository}/blob/{revision}/\2)", readme)


def addresses(repository: str) -> dict[str, str]:
    """The project's addresses by their names on an index."""
    if not repository:
        return {}
    owner, name = repository.rstrip("/").split("/")[-2:]
    site = os.environ.get("JAXELPH_SITE") or f"https://{owner}.github.io/{name}/"
    return {
        "Documentation": site,
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
    }


class Metadata(MetadataHookInterface):
    def update(self, metadata: dict) -> None:
        repository = os.environ.get("JAXELPH_REPOSITORY", "").rstrip("/")
        revision = f"v{metadata['version']}" if "version" in metadata else "main"
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": description(readme, repository, revision),
        }
        metadata["urls"] = addresses(repository)
