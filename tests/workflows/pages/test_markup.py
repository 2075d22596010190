import re

from html_reading import read
from spanbert.workflows.pages.markup import Html, element, join, page

HOSTILE = "<script>alert(\"1\")</script> & 'x'"


def test_text_and_attributes_are_escaped():
    made = element("p", HOSTILE, title=HOSTILE)
    reading = read(made)
    assert [tag for tag, _ in reading.elements] == ["p"]
    assert reading.text() == HOSTILE
    assert reading.elements[0][1]["title"] == HOSTILE


def test_markup_is_not_escaped_again():
    assert element("p", element("b", "1 < 2")) == "<p><b>1 &lt; 2</b></p>"
    assert join("<", Html("<br>")) == "&lt;<br>"


def test_names_of_attributes():
    assert (
        element("td", class_="number", aria_label="x", id=None) == '<td class="number" aria-label="x"></td>'
    )
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_page_refers_to_nothing_outside_of_it_and_has_no_script():
    made = page("Title", element("p", "Text"))
    tags = [tag for tag, _ in read(made).elements]
    assert not {"script", "link", "img", "iframe", "object"} & {*tags}
    assert not re.search(r"url\(|@import|https?:|//", made)
    policy = next(given for _, given in read(made).elements if "http-equiv" in given)
    assert policy["content"].startswith("default-src 'none'")
    assert made.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in read(made).elements
