"""Every link within the finished site leads somewhere, be it from a notebook or an API page.

MkDocs checks the links of Markdown; this looks at what readers get. It stops the build.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError


class _Page(HTMLParser):
    def __init__(self, path: Path):
        super().__init__()
        self.targets: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.targets.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken(site: Path) -> list[str]:
    """Links that lead nowhere, one sentence each."""
    pages = {path.resolve(): _Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links are those of the server's root
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            where = path.relative_to(site.resolve())
            if not target.exists():
                found.append(f"{where}: {link} leads nowhere")
            elif parts.fragment and target in pages:
                if unquote(parts.fragment) not in pages[target].targets:
                    found.append(f"{where}: {link} has no such heading")
    return found


def on_post_build(config: MkDocsConfig) -> None:
    found = broken(Path(config.site_dir))
    if found:
        raise PluginError("\n".join(found))
