"""HTML from Python: text is escaped unless it is known to be markup."""

from __future__ import annotations

from html import escape
from importlib.resources import files

VOID = frozenset({"br", "meta"})
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Html(str):
    """Markup: put into a page as it is, where every other string is escaped."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | int | None) -> Html:
    """`<name attribute="...">children</name>`.

    Args:
        name: of the element.
        children: text, which is escaped, and markup.
        attributes: values are escaped, None leaves one out; `class_` is `class`, `aria_label` `aria-label`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Text and markup one after the other."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def page(title: str, *body: str, lang: str = "en") -> Html:
    """A whole document that refers to nothing outside of itself.

    Args:
        title: for the browser's tab.
        body: content of the page's `main`.
        lang: language of the page's own words.
    """
    style = files("spanbert.workflows.pages").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Html(style)),
    )
    document = element("html", head, element("body", element("main", *body)), lang=lang)
    return Html(f"<!DOCTYPE html>\n{document}\n")
