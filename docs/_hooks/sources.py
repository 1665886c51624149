"""Pages that are made of what lies elsewhere: the API's from its list of names, notebooks, figures.

None of it is written down twice, and nothing of jaxelph is imported.
"""

import importlib.util
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

HERE = Path(__file__).parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE))

import api  # noqa: E402
import benchmark_figures  # noqa: E402

MATH_FONT = "css/STIXTwoMath-Regular.ttf"


def _math_font() -> bytes:
    """STIX Two Math, for readers whose computer has no font with the tables that equations need."""
    found = importlib.util.find_spec("ziamath")  # not imported: only its font is wanted
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf").read_bytes()


@event_priority(100)  # before the plugin that turns notebooks into pages
def on_files(files: Files, config: MkDocsConfig) -> Files:
    def add(name: str, content: str | bytes) -> None:
        files.append(File.generated(config, name, content=content))

    for name, content in api.pages(TOP / "jaxelph").items():
        add(f"api/{name}.md", content)
    for path in sorted((TOP / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{path.name}"
        files.append(File(name, str(TOP), config.site_dir, config.use_directory_urls))
    add("notebooks/index.md", (TOP / "notebooks" / "README.md").read_text(encoding="utf-8"))
    for name, content in benchmark_figures.drawn(TOP / "benchmarks" / "tables").items():
        add(f"benchmarks/{name}.svg", content)
    add(MATH_FONT, _math_font())
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Makes the public names, as users write them, targets of cross-references."""
    chapter = page.file.src_uri.removeprefix("api/").removesuffix(".md")
    for name, defined in api.names(TOP / "jaxelph").get(chapter, {}).items():
        anchor = f"jaxelph.{defined}"
        config.plugins["autorefs"].register_anchor(page, f"jaxelph.{name}", anchor, title=name)
    return html
