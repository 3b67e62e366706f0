"""HTML and SVG built as a tree, so that every text is escaped and every element is closed."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

Child = Element | str | None


def tag(name: str, /, *children: Child, **attributes: object) -> Element:
    """An element; ``class_`` and ``stroke_width`` become ``class`` and ``stroke-width``.

    Children that are None are left out.
    """
    named = {key.strip("_").replace("_", "-"): str(value) for key, value in attributes.items()}
    element = Element(name, named)
    for child in children:
        if isinstance(child, str):
            _append(element, child)
        elif child is not None:
            element.append(child)
    return element


def document(title: str, style: str, *body: Child) -> str:
    """A whole page that needs nothing from outside."""
    root = Element("html", {"lang": "en"})
    head = SubElement(root, "head")
    head.append(tag("meta", charset="utf-8"))
    head.append(tag("meta", name="viewport", content="width=device-width, initial-scale=1"))
    head.append(tag("meta", name="color-scheme", content="light dark"))
    head.append(tag("title", title))
    head.append(tag("style", style))
    root.append(tag("body", *body))
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html")


def _append(element: Element, text: str) -> None:
    """Text belongs to the element, or after its last child."""
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text
