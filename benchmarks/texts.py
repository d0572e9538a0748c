"""What benchmarks say: plain sentences of our own, with plenty of m, b and p."""

SENTENCES = (
    "Good morning, and welcome to the museum by the harbour.",
    "My name is Mira, and I am happy to help you plan your visit.",
    "The permanent exhibition opens at nine, and the last boat leaves at half past five.",
    "People often begin on the upper floor, where the maps and the big brass compass are.",
    "Please keep your bags in front of you, because some of the rooms are quite small.",
    "Would you prefer a map in English, or shall I simply point the way?",
    "Maybe you remember the old film about the baker who built a submarine.",
    "If the weather permits, a member of our team will show you the lamp room.",
    "Both stairs and lift bring you back to the shop, the cafe, and the playground.",
    "Thank you for coming, and have a pleasant trip home.",
)

MINUTE = " ".join(SENTENCES + SENTENCES[:4])
"""About a minute of speech at normal speed."""
