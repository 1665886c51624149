"""The picture of the page on the site: `python tests/site_explore.py` writes docs/explore.png.

It needs the extra 'browser' and a Chromium.
"""

from pathlib import Path

import browser

PICTURE = Path(__file__).parents[1] / "docs" / "explore.png"
#: The state that is shown: niobium a little above its Tc, at the edge of stability.
SHOWN = "?peaks=13.2:3:0.76,21.5:1.6:0.18&T=10&mu_star=0.12"


def main() -> None:
    with browser.browsing() as page, browser.serving("--example", "niobium") as (address, _):
        page.open(address + SHOWN)
        page.wait("() => window.location.search.includes('least')")
        page.page.wait_for_timeout(2000)
        page.page.screenshot(path=PICTURE)
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
