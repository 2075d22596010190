"""Training features point at gold answers and at nothing else; windows leave no piece of a passage unread."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.question_answering.examples import GoldAnswer, QaExample
from spanbert.tasks.question_answering.features import QaEncoder, QaFeature, QaTrainingSet, collate
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.alignment import chars_of_pieces
from spanbert.text.spans import Span

SENTENCE = "the river runs through paris . "


def gold(passage, text, start=0):
    start = passage.index(text, start)
    return GoldAnswer(text, Span(start, start + len(text)))


def covered(feature, target):
    """The characters of the passage that a target stands for."""
    return chars_of_pieces(
        feature.passage, target.shift(feature.window.pieces.start - feature.passage_piece_start)
    )


def identity(pieces):
    return pieces.ids.tobytes() + pieces.char_starts.tobytes() + pieces.char_ends.tobytes()


def same(left, right):
    return all(
        np.array_equal(one.piece_ids, other.piece_ids) and one.targets == other.targets
        for one, other in zip(left, right, strict=True)
    )


@st.composite
def gold_examples(draw, texts):
    """Questions about drawn passages; answers are any stretches of them that are not blank."""
    examples = []
    for number in range(draw(st.integers(1, 3))):
        passage = draw(texts)
        answers = []
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(passage)))
            end = min(len(passage), start + draw(st.integers(0, 30)))
            if passage[start:end].strip():
                answers.append(GoldAnswer(passage[start:end], Span(start, end)))
        examples.append(QaExample(f"q{number}", "what runs ?", passage, tuple(answers), "article"))
    return examples


SETTINGS = st.builds(
    QaSettings,
    window_pieces=st.integers(48, 60),
    training_pieces=st.sampled_from([0, 8, 40]),
    whole_passages=st.sampled_from([0.0, 0.5, 1.0]),
    contrast=st.sampled_from([0.0, 1.0]),
    contrast_within=st.sampled_from([0.0, 1.0]),
)


@given(st.data(), SETTINGS, st.integers(0, 50))
def test_targets_are_gold_answers(tokenizer, texts, data, settings, seed):
    examples = data.draw(gold_examples(texts))
    answers = {}  # of all passages that are cut into the same pieces at the same places
    for example in examples:
        answers.setdefault(identity(tokenizer.encode(example.passage)), []).extend(example.answers)
    try:
        training = QaTrainingSet(examples, tokenizer, settings)
    except DataError:  # every gold answer was lost
        assert all(example.answers for example in examples)
        return
    for feature in training.epoch(seed, 0):
        assert feature.piece_count <= settings.window_pieces
        for target in feature.targets:
            found = covered(feature, target)
            shift = feature.window.pieces.start - feature.passage_piece_start
            starts = feature.passage.char_starts[target.start + shift : target.end + shift]
            ends = feature.passage.char_ends[target.start + shift : target.end + shift]
            assert any(
                holds_all_of(feature.passage, found, answer.chars)
                and starts[-1] < answer.chars.end
                and ends[0] > answer.chars.start
                for answer in answers[identity(feature.passage)]
            )


def holds_all_of(pieces, found, gold_chars):
    """Whether every piece that touches the gold characters lies in `found`."""
    return all(
        found.start <= start and end <= found.end
        for start, end in zip(pieces.char_starts.tolist(), pieces.char_ends.tolist(), strict=True)
        if start < gold_chars.end and end > gold_chars.start
    )


@given(st.data(), SETTINGS, st.integers(0, 50))
def test_every_question_with_gold_is_asked_once_an_epoch_and_finds_an_answer(
    tokenizer, texts, data, settings, seed
):
    settings = settings.model_copy(update={"contrast": 0.0, "contrast_within": 0.0})
    examples = data.draw(gold_examples(texts))
    try:
        training = QaTrainingSet(examples, tokenizer, settings)
    except DataError:
        return
    features = training.epoch(seed, 0)
    assert len(features) == len(training.examples) == len(training)
    for feature, example in zip(features, training.examples, strict=True):
        assert bool(feature.targets) == bool(example.answers)
        if settings.training_pieces and not settings.whole_passages:
            longest = max((len(span) for span in example.answers), default=0)
            assert len(feature.window.pieces) <= max(settings.training_pieces, longest)


def many_questions(count=40):
    """Two articles of several paragraphs; each name stands in some paragraphs only."""
    names = ["paris", "capital", "france", "the river"]
    examples = []
    for number in range(count):
        filler = SENTENCE.replace("paris", "able").replace("the river", "a city") * (1 + number % 9)
        name = names[number % 4]
        passage = f"{filler}{name} . {filler} {number}"
        answers = (gold(passage, name),) if number % 5 else ()
        examples.append(QaExample(str(number), "what runs ?", passage, answers, f"article {number % 2}"))
    return examples


def test_an_epoch_is_a_pure_function_of_seed_and_number(tokenizer):
    settings = QaSettings(window_pieces=60, training_pieces=20, contrast=0.5, whole_passages=0.3)
    training = QaTrainingSet(many_questions(), tokenizer, settings)
    first = training.epoch(3, 1)
    training.epoch(3, 2)
    np.random.seed(0)
    assert same(first, training.epoch(3, 1))
    assert same(first, QaTrainingSet(many_questions(), tokenizer, settings).epoch(3, 1))
    for seed, epoch in ((3, 2), (4, 1)):
        other = training.epoch(seed, epoch)
        assert len(other) != len(first) or not same(first, other)


def test_a_question_keeps_its_features_when_others_come_after_it(tokenizer):
    settings = QaSettings(window_pieces=60, training_pieces=20)
    few = QaTrainingSet(many_questions(10), tokenizer, settings).epoch(0, 0)
    many = QaTrainingSet(many_questions(20), tokenizer, settings).epoch(0, 0)
    assert same(few, many[:10])


def test_contrast_asks_other_paragraphs_of_the_article_that_lack_the_answer(tokenizer):
    examples = many_questions()
    of_passage = {identity(tokenizer.encode(example.passage)): example for example in examples}
    plain = QaTrainingSet(examples, tokenizer, QaSettings(window_pieces=60))
    training = QaTrainingSet(examples, tokenizer, QaSettings(window_pieces=60, contrast=1.0))
    features = training.epoch(0, 0)
    assert len(plain.epoch(0, 0)) == len(examples) < len(features) <= 2 * len(examples)
    index = -1
    contrasted = 0
    for feature in features:
        shown = of_passage[identity(feature.passage)]
        if index + 1 < len(examples) and shown is examples[index + 1]:
            index += 1
            continue
        asked = examples[index]
        contrasted += 1
        assert shown is not asked
        assert shown.article == asked.article
        assert feature.targets == ()
        assert all(answer.text not in shown.passage for answer in asked.answers)
    assert contrasted > len(examples) // 2


def test_contrast_takes_the_passage_that_is_most_like_the_question(tokenizer):
    near, far = "the river runs through able", "able able able able able"
    asked = QaExample(
        "1", "what runs through ?", "the city is paris", (gold("the city is paris", "paris"),), "a"
    )
    others = [
        QaExample(name, "?", text, (), "a") for name, text in (("2", far), ("3", near), ("4", far + " un"))
    ]
    features = QaTrainingSet([asked, *others], tokenizer, QaSettings(contrast=1.0)).epoch(0, 0)
    assert identity(features[1].passage) == identity(tokenizer.encode(near))
    assert features[1].targets == ()


def test_contrast_within_reads_the_own_passage_without_its_answer(tokenizer):
    settings = QaSettings(window_pieces=60, training_pieces=36, contrast_within=1.0)
    filler = "the capital city of france runs through able " * 6
    passage = f"{filler}paris . {filler}"
    example = QaExample("1", "what runs ?", passage, (gold(passage, "paris"),))
    training = QaTrainingSet([example], tokenizer, settings)
    for epoch in range(20):
        whole, beside = training.epoch(0, epoch)
        assert whole.targets
        assert beside.targets == ()
        assert len(beside.window.pieces) == 36
        shown = beside.passage.ids[beside.window.pieces.start : beside.window.pieces.end]
        assert not np.isin(tokenizer.encode("paris").ids, shown).all()
    repeated = (
        f"{passage}paris {filler[:20]}"  # the same words again, unmarked: nobody knows whether they answer
    )
    example = QaExample("1", "what runs ?", repeated, (gold(repeated, "paris"),))
    settings = QaSettings(contrast_within=1.0)
    assert all(feature.targets for feature in QaTrainingSet([example], tokenizer, settings).epoch(0, 0))


def test_contrast_minds_case_and_needs_an_article(tokenizer):
    settings = QaSettings(contrast=1.0)
    passages = ["PARIS runs", "paris runs fast"]
    alike = [
        QaExample(str(n), "what ?", text, (gold(text, text[:5]),), "a") for n, text in enumerate(passages)
    ]
    assert len(QaTrainingSet(alike, tokenizer, settings).epoch(0, 0)) == 2
    apart = [
        QaExample("1", "what ?", "paris", (gold("paris", "paris"),)),
        QaExample("2", "who ?", "river", ()),
    ]
    assert len(QaTrainingSet(apart, tokenizer, settings).epoch(0, 0)) == 2


def test_every_gold_answer_inside_the_stretch_is_a_target(tokenizer):
    passage = SENTENCE * 3
    answers = tuple(gold(passage, "paris", start) for start in (0, 31, 62))
    training = QaTrainingSet([QaExample("q", "what ?", passage, answers)], tokenizer, QaSettings())
    (feature,) = training.epoch(0, 0)
    assert [covered(feature, target) for target in feature.targets] == [answer.chars for answer in answers]


def test_lost_gold_is_counted_and_never_taught_as_no_answer(tokenizer):
    long = SENTENCE * 20
    examples = [
        QaExample("1", "what ?", "paris \u200b runs", (GoldAnswer("\u200b", Span(6, 7)),)),
        QaExample("2", "what ?", long, (gold(long, long),)),
        QaExample("3", "what ?", long, (gold(long, long), gold(long, "paris"))),
        QaExample("4", "what ?", long),
        QaExample("5", "what ?", long, ()),
    ]
    training = QaTrainingSet(examples, tokenizer, QaSettings(window_pieces=60))
    assert dict(training.lost_gold) == {
        "questions without gold": 1,
        "answers without a piece": 1,
        "answers longer than a window": 2,
    }
    assert [bool(feature.targets) for feature in training.epoch(0, 0)] == [True, False]


def test_training_needs_gold(tokenizer):
    with pytest.raises(DataError, match="training needs questions with gold answers"):
        QaTrainingSet([QaExample("1", "what ?", "paris")], tokenizer, QaSettings())


@given(st.data(), st.integers(48, 60), st.integers(0, 40))
def test_windows_show_every_piece_of_the_passage_once_as_owned(tokenizer, texts, data, size, overlap):
    encoder = QaEncoder(tokenizer, QaSettings(window_pieces=size, overlap_pieces=overlap))
    ((question, passage),) = encoder.encode([QaExample("q", "what runs ?", data.draw(texts) * 3)])
    features = encoder.features(question, passage)
    owned = np.concatenate([np.arange(one.window.owned.start, one.window.owned.end) for one in features])
    assert owned.tolist() == list(range(len(passage)))
    for feature in features:
        window = feature.window.pieces
        assert feature.piece_count == len(window) + len(question) + 3 <= size
        expected = [tokenizer.start_id, *question.ids, tokenizer.end_id,
                    *passage.ids[window.start : window.end], tokenizer.end_id]  # fmt: skip
        assert feature.piece_ids.tolist() == expected
        assert feature.passage_piece_start == len(question) + 2
        assert feature.targets is None


def test_long_passages_are_windowed_truncated_or_refused(tokenizer):
    example = QaExample("q", "what runs ?", SENTENCE * 20)

    def features(on_long):
        encoder = QaEncoder(tokenizer, QaSettings(window_pieces=48, overlap_pieces=8, on_long=on_long))
        ((question, passage),) = encoder.encode([example])
        return encoder.features(question, passage)

    assert len(features("window")) > 2
    (first,) = features("truncate")
    assert first.window.pieces.start == 0
    assert first.piece_count == 48
    with pytest.raises(DataError, match=r"the passage has \d+ pieces, a window holds \d+"):
        features("error")


def test_a_question_that_leaves_no_room_is_refused(tokenizer):
    encoder = QaEncoder(tokenizer, QaSettings(window_pieces=60))
    assert encoder.window_size(tokenizer.encode("paris " * 25)) == 32
    with pytest.raises(DataError, match="a question of 26 pieces leaves no room"):
        encoder.window_size(tokenizer.encode("paris " * 26))
    asked = QaExample("q7", "paris " * 26, "paris", (gold("paris", "paris"),))
    with pytest.raises(DataError, match="question 'q7': a question of 26 pieces"):
        QaTrainingSet([asked], tokenizer, encoder.settings)


def test_a_batch_lays_out_what_may_be_answered(tokenizer):
    encoder = QaEncoder(tokenizer, QaSettings())
    passage = SENTENCE * 2
    examples = [
        QaExample("1", "what ?", passage, (gold(passage, "paris"), gold(passage, "river"))),
        QaExample("2", "what runs ?", "paris", (gold("paris", "paris"),)),
        QaExample("3", "what runs ?", "", ()),
    ]
    features = QaTrainingSet(examples, tokenizer, QaSettings()).epoch(0, 0)
    batch = collate(features)
    assert batch.answerable.sum(dim=1).tolist() == [1 + len(encoder.tokenizer.encode(passage)), 2, 1]
    assert batch.answerable[:, 0].all()
    assert not batch.answerable[0, 1 : features[0].passage_piece_start].any()
    assert batch.targets.tolist() == [
        [[features[0].targets[0].start, features[0].targets[0].end - 1],
         [features[0].targets[1].start, features[0].targets[1].end - 1]],
        [[5, 5], [-1, -1]],
        [[0, 0], [-1, -1]],
    ]  # fmt: skip
    rows = batch.pieces.mask.rows(batch.pieces.segment_ids[..., None].float())[..., 0]
    for row, feature in zip(rows, features, strict=True):
        kinds = row[: feature.piece_count].tolist()
        assert kinds == [0.0] * feature.passage_piece_start + [1.0] * (
            feature.piece_count - feature.passage_piece_start
        )
    unknown = QaFeature(features[0].piece_ids, 3, features[0].window, features[0].passage)
    assert collate([unknown]).targets is None
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.targets, batch.targets)
