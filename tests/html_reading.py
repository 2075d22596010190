"""What a browser makes of a page: its elements, its text, and what each character of the text stands in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "meta"}


@dataclass
class Reading(HTMLParser):
    """Elements in order; each stretch of text with the elements that are open around it."""

    elements: list = field(default_factory=list)
    stretches: list = field(default_factory=list)
    open: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, "elements are closed in the order in which they were opened"

    def handle_data(self, data):
        self.stretches.append((data, list(self.open)))

    def text(self, without=()):
        """The text, without that in elements of some tags."""
        return "".join(data for data, around in self.stretches if not {tag for tag, _ in around} & {*without})


def read(markup):
    reading = Reading()
    reading.feed(markup)
    reading.close()
    assert not reading.open
    return reading
