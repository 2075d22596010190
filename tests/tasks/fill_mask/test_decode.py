import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.tasks.fill_mask.decode import decode, readable
from spanbert.tasks.fill_mask.examples import parse_example
from spanbert.tasks.fill_mask.features import Ask, Choice
from spanbert.tasks.fill_mask.layout import FillMaskEncoder
from spanbert.tasks.fill_mask.settings import FillMaskSettings


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["walk", "##ing", "water"], "walking water"),
        (["##ing"], "ing"),
        (["北", "京", "的"], "北京的"),
        (["北", "paris"], "北 paris"),
        (["paris", ",", "france"], "paris, france"),
        (["(", "paris", ")"], "(paris)"),
        (["don", "'", "t"], "don't"),
        (["well", "-", "known"], "well-known"),
        ([",", "and"], ", and"),
    ],
)
def test_pieces_are_made_readable(pieces, text):
    assert readable(pieces) == text


@given(st.lists(st.sampled_from(["the", "##s", "是", ".", "(", "'", "river", "##un"]), min_size=1))
def test_readable_text_loses_no_letter(pieces):
    letters = "".join(piece.removeprefix("##") for piece in pieces)
    assert readable(pieces).replace(" ", "") == letters


def predicted(tokenizer, item, answer, **options):
    chosen = FillMaskSettings(**options)
    example = parse_example(item, "item", 1)
    features = FillMaskEncoder(tokenizer, chosen).features(example)
    return decode(example, features, [answer(feature) for feature in features], chosen)


def ids(tokenizer, *pieces):
    return [tokenizer.backend.token_to_id(piece) for piece in pieces]


def test_fills_of_all_lengths_are_ranked_by_their_chance_every_length_being_equally_likely(tokenizer):
    def answer(feature):
        filled = [["city"], ["the", "city"]] if len(feature.places) == 1 else [["the", "river"]]
        filled = [pieces for pieces in filled if len(pieces) == len(feature.places)]
        chance = {1: [0.1], 2: [0.2, 0.8]}[len(feature.places)]
        return np.asarray([[ids(tokenizer, *pieces), np.log(chance)] for pieces in filled])

    made = predicted(tokenizer, {"text": "é [MASK...]!"}, answer, longest_span=2)
    assert [fill.text for fill in made.masks[0].fills] == ["the river", "city"]
    best, other = made.masks[0].fills
    assert (best.probability, other.probability) == pytest.approx((0.16 / 2, 0.1 / 2))
    assert (best.log_probability, other.log_probability) == pytest.approx((math.log(0.16), math.log(0.1)))
    assert made.text == "é the river!"
    assert made.covered_chars == len("é [MASK...]!")


def test_the_whole_text_takes_the_pieces_that_fit_each_other(tokenizer):
    def answer(feature):
        both = ids(tokenizer, "paris", "city") if feature.ask is Ask.APART else ids(tokenizer, "the", "river")
        return np.asarray([[both, np.log([0.5, 0.25])], [ids(tokenizer, "what", "what"), np.log([0.1, 0.4])]])

    made = predicted(tokenizer, {"text": "[MASK] 🎻 [MASK]"}, answer)
    assert made.text == "the 🎻 river"
    assert [[(fill.text, round(fill.probability, 2)) for fill in mask.fills] for mask in made.masks] == [
        [("paris", 0.5), ("what", 0.1)],
        [("what", 0.4), ("city", 0.25)],
    ]


def test_candidates_are_all_given_with_the_product_over_their_pieces(tokenizer):
    def answer(feature):
        first = feature.places[0] == 2 and feature.piece_count == 4
        return np.log([0.1] if first else [0.4 if feature.places[0] == 2 else 0.9])

    made = predicted(tokenizer, {"text": "the [MASK]", "candidates": ["city", "paris city"]}, answer, fills=1)
    fills = made.masks[0].fills
    assert [fill.text for fill in fills] == ["paris city", "city"]
    assert [fill.probability for fill in fills] == pytest.approx([0.36, 0.1])
    assert made.text == "the paris city"


def test_a_mask_behind_what_was_read_stays_as_it_is(tokenizer):
    text = "the [MASK] " + "city " * 60 + "[MASK...]"

    def answer(feature):
        return np.asarray([[ids(tokenizer, "river"), [-1.0]]])

    made = predicted(tokenizer, {"text": text}, answer, window_pieces=36, on_long="truncate")
    assert made.text.startswith("the river city")
    assert made.text.endswith("[MASK...]")
    assert made.masks[1].fills == ()
    assert made.windows == 1
    assert text[: made.covered_chars].split()[-1] == "city"
    assert made.covered_chars == len("the [MASK] " + "city " * 28) - 1


def test_characters_of_overlapping_windows_are_counted_once(tokenizer):
    text = "[MASK] " + "city " * 34 + "[MASK]" + " city" * 100 + " [MASK]  "

    def answer(feature):
        return np.asarray([[ids(tokenizer, *["river"] * len(feature.places)), [-1.0] * len(feature.places)]])

    made = predicted(tokenizer, {"text": text}, answer, window_pieces=36, overlap_pieces=16)
    assert made.windows == 3
    words = [found.span() for found in re.finditer(r"\S+", text)]
    chars = set()
    for first in (0, 18, len(words) - 34):  # the first window, the owner of the second mask, the last window
        chars |= set(range(words[first][0], words[first + 33][1]))
    assert made.covered_chars == len(chars) + len("  ")


@pytest.mark.parametrize(
    ("text", "pieces", "filled"),
    [
        ("run[MASK][MASK]!", ["##er", "##s"], "runers!"),
        ("run[MASK][MASK]!", ["##er", "city"], "runer city!"),
        ("the [MASK][MASK...]", ["city", "##s"], "the citys"),
        ("the [MASK] [MASK]", ["city", "city"], "the city city"),
        ("是[MASK][MASK]", ["的", "的"], "是的的"),
    ],
)
def test_fills_of_masks_right_behind_each_other_are_read_together(tokenizer, text, pieces, filled):
    def answer(feature):
        found = [pieces[mask] for mask in feature.masks]
        return np.asarray([[ids(tokenizer, *found), [-1.0] * len(found)]])

    assert predicted(tokenizer, {"text": text}, answer, longest_span=1).text == filled


@pytest.mark.parametrize(("goes_on", "filled"), [(True, "the walking"), (False, "the walk ing")])
def test_a_candidate_behind_a_mask_goes_on_with_a_word_where_that_is_likelier(tokenizer, goes_on, filled):
    likely = [Choice(0, False), Choice(1, goes_on)]

    def answer(feature):
        return np.asarray([0.0 if choice == likely[feature.masks[0]] else -9.0 for choice in feature.choices])

    item = {"text": "the [MASK][MASK]", "candidates": ["walk", "ing"]}
    assert predicted(tokenizer, item, answer).text == filled


@pytest.mark.parametrize(
    ("item", "lost"),
    [
        ({"text": "a [MASK] [MASK]", "answers": ["x", "🦄"]}, {"answers outside the vocabulary": 1}),
        (
            {"text": "[MASK] " + "city " * 60 + "[MASK]", "answers": ["the", "the"]},
            {"answers behind what is read of the text": 1},
        ),
        ({"text": "[MASK]", "answers": ["the " * 20]}, {"answers too long for a window": 1}),
        ({"text": "[MASK]", "answers": ["the " * 19]}, {}),
        ({"text": "[MASK]"}, {}),
    ],
)
def test_gold_that_is_not_scored_is_counted_mask_by_mask(tokenizer, item, lost):
    def answer(feature):
        count = len(feature.places)
        if feature.ask is Ask.SCORE:
            return np.zeros((2, count))
        return np.asarray([[ids(tokenizer, *["the"] * count), [-1.0] * count]])

    assert predicted(tokenizer, item, answer, window_pieces=36, on_long="truncate").lost_gold == lost


@given(st.text("the [MASK]é是\u0301🎻 ", min_size=1).map(lambda text: f"[MASK]{text}[MASK...]"))
@settings(max_examples=40)
def test_everything_but_the_masks_is_kept(tokenizer, text):
    def answer(feature):
        return np.asarray([[ids(tokenizer, *["##s"] * len(feature.places)), [-1.0] * len(feature.places)]])

    example = parse_example({"text": text}, "item", 1)
    made = predicted(tokenizer, {"text": text}, answer)
    rest, filled = text, made.text
    for mask in reversed(example.masks):
        rest = rest[: mask.chars.start] + "s" + rest[mask.chars.end :]
    assert filled == rest
    assert [(mask.chars.start, mask.chars.end) for mask in made.masks] == [
        (mask.chars.start, mask.chars.end) for mask in example.masks
    ]
