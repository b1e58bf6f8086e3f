"""A hook of MkDocs: a link from docs/ to a file outside of it leads to the repository instead.

Runs in the site's own environment: the standard library only.
"""

import re
from posixpath import dirname, join, normpath
from typing import Any

_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """The page's text with those links."""
    folder = join("docs", dirname(page.file.src_uri))
    return outside_links(markdown, folder, f"{config['repo_url']}/blob/main")


def outside_links(markdown: str, folder: str, repository: str) -> str:
    """The text of a page of `folder`, in which what lies outside of docs/ is linked in the repository."""

    def linked(link: re.Match[str]) -> str:
        target, mark, anchor = link[1].partition("#")
        path = normpath(join(folder, target))
        inside = not target or (path.startswith("docs/") and not path.startswith("docs/measured/"))
        return link[0] if inside else f"]({repository}/{path}{mark}{anchor})"

    return _LINK.sub(linked, markdown)
