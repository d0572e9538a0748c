"""What a T4 is predicted to do, by the counts and the rule of ``benchmarks/gpu_schedule``."""

from __future__ import annotations

from benchmarks.gpu_schedule.cards import T4, T4_SMALL, UNET_FLOP, VAE_FLOP, costs_on
from benchmarks.result import Row
from streaming.gpu.admission import TAESD, Wish, plan
from streaming.gpu.calibration import in_words

PREDICTION = "PREDICTION: operations at 24 TFLOP/s, bytes at 80% of 320 GB/s, a little for each kernel"
MOST = Wish(sessions=32)
STEPS = (1, 4)


def rows_of_t4() -> list[Row]:
    """Nothing of this was measured."""
    costs = costs_on(T4)
    rows = [
        Row(f"T4, predicted: taesd, batch {size}", size / seconds, "fps", better="higher", note=PREDICTION)
        for size, seconds in costs.face[TAESD].items()
    ]
    best = max(size / seconds for size, seconds in costs.face[TAESD].items())
    recipe = T4.half / (UNET_FLOP + VAE_FLOP)
    note = "PREDICTION: its operations alone; users report 11 to 12"
    rows += [
        Row("T4, predicted: recipe", recipe, "fps", better="higher", note=note),
        Row("T4, predicted: against the recipe", best / recipe, "x", better="higher", note=PREDICTION),
    ]
    for card in (T4, T4_SMALL):
        costs = costs_on(card)
        planned, talker = plan(costs, MOST), card.talker.upper()
        rows += [
            Row(
                f"T4, predicted: speech of {talker}, {count} sessions",
                costs.speech[count] * 1e3,
                "ms",
                note=PREDICTION,
            )
            for count in STEPS
        ]
        note = f"PREDICTION: {in_words(planned, costs)}; simulated in gpu_schedule.json"
        rows.append(Row(f"T4, predicted: sessions beside {talker}", planned.sessions, "sessions", note=note))
    return rows
