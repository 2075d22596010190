"""The colours of the pages stand out from their ground, light or dark (WCAG 2.2, 1.4.3)."""

import re
from importlib.resources import files

import pytest

STYLE = files("spanbert.workflows.pages").joinpath("page.css").read_text(encoding="utf-8")
SCHEMES = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{.*?\}", STYLE, re.S)
]


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_text_and_lines_stand_out_from_the_ground(scheme):
    names = ["ink", "quiet", "link", *(f"colour-{number}" for number in range(6))]
    found = {name: contrast(scheme[name], scheme["ground"]) for name in names}
    assert min(found.values()) >= 4.5, found
