# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import torch

from streaming.speech.qwen3.sampling import Choice, ChoiceRows, Noise, Sampling, TalkerRows

VOCABULARY = 64
CPU = torch.device("cpu")


def noise(seed: int) -> torch.Tensor:
    return torch.empty(1, VOCABULARY).exponential_(generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "choice",
    [Choice(top_k=5), Choice(top_k=0, top_p=0.6), Choice(top_k=9, top_p=0.5, temperature=2.0), Choice()],
)
def test_a_choice_is_that_of_transformers(choice: Choice) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    warpers = [transformers.TemperatureLogitsWarper(choice.temperature)]
    if choice.top_k:
        warpers.append(transformers.TopKLogitsWarper(choice.top_k))
    if choice.top_p < 1:
        warpers.append(transformers.TopPLogitsWarper(choice.top_p))
    rows = ChoiceRows(1, VOCABULARY, CPU)
    rows.set(0, choice)
    for seed in range(50):
        logits = torch.randn(1, VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 3
        scores = logits
        for warper in warpers:
            scores = warper(None, scores)
        generator = torch.Generator().manual_seed(seed)
        expected = torch.multinomial(scores.softmax(-1), 1, generator=generator)[0]
        assert torch.equal(rows.choose(logits, noise(seed)), expected)


def test_rows_have_choices_of_their_own() -> None:
    logits = torch.randn(4, VOCABULARY, generator=torch.Generator().manual_seed(0))
    choices = (Choice(do_sample=False), Choice(top_k=3), Choice(top_p=0.4), Choice(top_k=0, temperature=3))
    rows = ChoiceRows(4, VOCABULARY, CPU)
    drawn = torch.cat([torch.ones(1, VOCABULARY), noise(1), noise(2), noise(3)])
    expected = []
    for row, choice in enumerate(choices):
        rows.set(row, choice)
        alone = ChoiceRows(1, VOCABULARY, CPU)
        alone.set(0, choice)
        expected.append(alone.choose(logits[row : row + 1], drawn[row : row + 1]))
    assert torch.equal(rows.choose(logits, drawn), torch.cat(expected))
    assert expected[0] == logits[0].argmax()


def test_what_was_made_without_a_nucleus_takes_none() -> None:
    rows = ChoiceRows(1, VOCABULARY, CPU, nucleus=False)
    with pytest.raises(ValueError, match="nucleus=True"):
        rows.set(0, Choice(top_p=0.9))


@pytest.mark.parametrize("wrong", [{"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}, {"temperature": 0.0}])
def test_choices_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="top_k"):
        Choice(**wrong)  # pyright: ignore[reportArgumentType]


def test_first_codes_are_penalised_suppressed_and_counted() -> None:
    vocabulary, end = 2000, 1500
    rows = TalkerRows(2, vocabulary, end, CPU)
    for row in range(2):
        rows.reset(row, Sampling(Choice(do_sample=False), repetition_penalty=2.0))
    logits = torch.zeros(2, vocabulary)
    logits[:, 7], logits[:, 8], logits[:, 1999], logits[:, end] = 4.0, 3.0, 9.0, 2.5
    plain, counts = torch.ones(2, vocabulary), torch.tensor([1, 0])
    assert rows.choose(logits, plain, counts).tolist() == [7, 7]
    assert rows.choose(logits, plain, counts).tolist() == [8, 7]
    assert rows.choose(logits, plain, counts).tolist() == [end, 7]
    rows.end_bias[:] = torch.tensor([-torch.inf, 5.0])
    assert rows.choose(logits, plain, counts).tolist() == [7, end]


def test_noise_is_drawn_only_for_what_is_drawn() -> None:
    drawn = Noise(2, 30, 20, 3, CPU)
    drawn.draw(1, Sampling(Choice(do_sample=False), Choice()), torch.Generator().manual_seed(1))
    assert (drawn.talker == 1).all() and (drawn.predictor[:, 0] == 1).all()
    assert (drawn.predictor[:, 1] != 1).all()
    drawn.clear(1)
    assert (drawn.predictor == 1).all()


def test_settings_of_a_checkpoint() -> None:
    read = Sampling.from_generation_config(
        {"do_sample": False, "top_k": 20, "subtalker_temperature": 0.5, "max_new_tokens": 100}
    )
    assert read == Sampling(Choice(False, 20), Choice(temperature=0.5), 1.05, 2, 99)
    assert Sampling.from_generation_config({}) == Sampling()
