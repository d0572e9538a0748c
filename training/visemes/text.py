"""English to train on: sentences of a small grammar over our own word lists, and random words of hibari's
dictionary, so that every sound meets every other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from hibari.g2p import G2P

PEOPLE = (
    "my mother|the old baker|our neighbour|Tom|Amelia|a young captain|the bus driver|her brother|this woman|"
    "the whole team|Benjamin|your friend Phoebe|the farmer|a famous painter|everybody|the mayor|a little boy|"
    "the nurse|Victor|the librarian|his father|the people upstairs|a visitor from Bombay|the bishop|Mabel"
).split("|")
THINGS = (
    "a paper map|the blue umbrella|five apples|the missing button|a cup of coffee|the film about bees|"
    "this broken lamp|both books|a thin blanket|the wooden box|their photographs|a bottle of milk|"
    "the shop window|an empty page|the final chapter|a bowl of soup|the brown envelope|my favourite jumper|"
    "a pair of gloves|the public telephone|some vegetables|the loose thread|a marble statue|the yellow jug|"
    "your new idea|a wild rose|the shallow pool|a machine that hums|the third path|something very beautiful"
).split("|")
VERBS = (
    "bought|will bring|has painted|remembers|would rather have|cannot find|put away|may keep|observed|"
    "finally opened|promised us|always carries|lost|measured|thought about|is looking for|moved|"
    "should have washed|described|gave away|picked up|never noticed|wants to repair|threw away|shared|"
    "used to love|has just sold|will probably choose"
).split("|")
PLACES = (
    "in the park|by the river|at home|behind the museum|under the bridge|on the way to work|near the harbour|"
    "above the valley|in front of the theatre|on a rainy afternoon|before breakfast|after the meeting|"
    "for a while|without a word|every other Monday|in the middle of February|at half past five|"
    "from the top of the tower|with both hands|between the houses|last Thursday|in the southern village"
).split("|")
OPENERS = (
    "I believe|Maybe|As far as I know|Of course|People say that|Believe me|To be honest|They told us that|"
    "We hope|It seems that|In my opinion|Once upon a time|However|By the way|Unfortunately|You know"
).split("|")
QUESTIONS = (
    "Where did {who} put {what}?|Have you ever seen {what} {where}?|Why does {who} want {what}?|"
    "Could you bring me {what}, please?|Who was it that {did} {what}?|Would {who} like {what} or {what2}?|"
    "Is it true that {who} {did} {what}?|How much is {what}?|What happened {where}?|"
    "When will {who} be back {where}?"
).split("|")
STATEMENTS = (
    "{who} {did} {what} {where}.|{open} {who} {did} {what}.|{who} {did} {what}, and {who2} {did2} {what2}.|"
    "{where}, {who} {did} {what}.|If {who} {did} {what}, then {who2} {did2} {what2} {where}.|"
    "{open}, nobody {did} {what} {where}.|There was {what} {where}.|Please give {who} {what}!|"
    "{who} and {who2} {did} {what}, {what2} and nothing more.|No, {who} {did} {what}!|"
    "Number {n}, {n2}: {what}.|At {n} o'clock {who} {did} {what}.|"
    "{who} said: {open} it is {n2} degrees {where}."
).split("|")
QUESTION_SHARE = 0.2
WORDS_SHARE = 0.4
"""Share of sentences that are random words."""
WORD_LENGTHS = (3, 11)
WORDS_PER_SENTENCE = (4, 10)
COMMA_WORDS = 6
"""A longer row of words has a comma in its middle."""
LARGEST_NUMBER = 1000

HELD_OUT = (
    "The morning bus was almost empty when we left the village.",
    "Would you mind opening the window a little bit?",
    "Every photograph on that wall has a story behind it.",
    "My grandmother kept her buttons in a round tin box.",
    "It rained for most of the week, but nobody complained.",
    "Both of the boys were late for football practice again.",
    "We have plenty of time, so please do not hurry.",
    "The price of bread has gone up by five percent.",
    "A thick fog covered the valley from dawn until noon.",
    "I'm afraid the manager is busy, may I take a message?",
    "She whispered something funny and everybody laughed.",
    "Remember to bring a warm jumper and a pair of boots.",
    "The committee will publish its report in September.",
    "He bought a map, folded it up, and never looked at it.",
    "Put the pepper beside the plates, and the bowl above them.",
    "Thousands of birds fly south through these mountains.",
    "What a beautiful view you have from up here!",
    "The other driver moved over and let the ambulance pass.",
    "Maybe we should have asked somebody for help first.",
    "My favourite number has always been twenty five.",
    "This old piano belonged to a famous composer.",
    "If you press the button twice, the lamp begins to blink.",
    "Nothing much happened until the middle of the film.",
    "They plan to build a bridge across the northern river.",
    "Good evening, and welcome to our weekly programme.",
    "Could I have a cup of black coffee without sugar, please?",
    "The baby slept through the whole performance.",
    "Three weeks of hard work are finally behind us.",
    "Be careful, the path becomes very narrow there.",
    "Her voice was calm, but her fingers were trembling.",
    "Most people prefer to live near the place where they work.",
    "The judge wanted to know the reason for the change.",
    "I believe they sell fresh fish at the harbour on Fridays.",
    "You may leave the table when you have finished your soup.",
    "Five brave women climbed the mountain without a rope.",
    "The museum is free, but you must book a visit in advance.",
    "An apple a day did not keep the dentist away from him.",
    "We used to swim in the pool behind the public library.",
    "Our neighbour's dog barks whenever the telephone rings.",
    "From the tower, one can observe the shape of the whole town.",
)
"""Never trained on."""

HELD_OUT_ELSEWHERE = {
    "es": (
        "Buenos días, ¿me puede ayudar a encontrar la estación?",
        "Mi hermano pequeño vive en un pueblo cerca de la montaña.",
        "El viernes por la tarde vamos a preparar una buena comida.",
        "Aunque llueva, me gusta pasear por el parque.",
        "Nadie sabe por qué el barco no ha llegado todavía.",
        "Por favor, apaga la luz antes de abrir la puerta.",
        "Mamá compró un poco de pan, leche y seis manzanas.",
        "Siempre bebemos agua fresca cuando hace mucho calor.",
    ),
    "fr": (
        "Bonjour, je voudrais une baguette et un peu de beurre.",
        "Ma petite soeur apprend à jouer du piano.",
        "Nous avons pris le bateau pour visiter les îles.",
        "Il fait beau, mais le vent vient de la montagne.",
        "Pouvez-vous fermer la fenêtre, s'il vous plaît ?",
        "Le public applaudit longtemps après le film.",
        "Personne ne se souvient du nom de ce village.",
        "Vendredi, le boulanger vend des pommes et du fromage.",
    ),
    "it": (
        "Buongiorno, vorrei un bicchiere d'acqua e un panino.",
        "Il bambino gioca con la palla davanti alla casa.",
        "Domani mattina partiamo presto per il mare.",
        "Mio nonno lavorava in una vecchia fabbrica di mobili.",
        "Perché non mi hai mai parlato di questo problema?",
        "La biblioteca è aperta ogni giorno fino alle sette.",
        "Abbiamo mangiato bene e bevuto un ottimo caffè.",
        "Le foglie del bosco cambiano colore in ottobre.",
    ),
    "pt": (
        "Bom dia, onde fica a biblioteca municipal?",
        "Minha avó sempre prepara um bolo muito bom.",
        "Amanhã vamos passar a tarde na praia com os amigos.",
        "O menino perdeu a bola perto da ponte.",
        "Você pode falar um pouco mais devagar, por favor?",
        "A empresa abriu uma fábrica nova na cidade.",
        "Nunca vi um filme tão bonito como esse.",
        "Choveu muito, mas ninguém ficou em casa.",
    ),
    "hi": (
        "नमस्ते, आप कैसे हैं?",
        "मेरा भाई बाज़ार से फल और सब्ज़ी लाया।",
        "आज मौसम बहुत अच्छा है, चलिए बाहर घूमते हैं।",
        "कृपया मुझे पानी का एक गिलास दीजिए।",
        "बच्चे बगीचे में गेंद से खेल रहे हैं।",
        "मुझे यह पुरानी किताब बहुत पसंद है।",
    ),
    "ja": (
        "おはようございます。今日はいい天気ですね。",
        "母は毎朝パンとバナナを食べます。",
        "駅までの道を教えていただけますか。",
        "友達と一緒に古い映画を見ました。",
        "ぼくの部屋の窓から港が見えます。",
        "冬になると、山はまっ白になります。",
        "もう少しゆっくり話してください。",
        "その本は図書館で借りました。",
    ),
    "zh": (
        "早上好，今天天气很不错。",
        "我妈妈每天早上都喝一杯绿茶。",
        "请问，去博物馆怎么走？",
        "明天我们一起去爬山，好吗？",
        "他把自行车放在学校门口了。",
        "办公室里没有人，门也关着。",
        "这部电影我看了三遍，非常喜欢。",
        "飞机八点半起飞，别忘了带护照。",
    ),
}
"""Never trained on, by language."""


def dictionary() -> tuple[str, ...]:
    """The words of hibari's American dictionary (Apache-2.0)."""
    return tuple(G2P(british=False).lexicon.golds.d)


class English:
    """Random sentences.

    Args:
        dictionary: words to choose from.
        rng: where the randomness comes from.
    """

    def __init__(self, dictionary: Iterable[str], rng: np.random.Generator) -> None:
        self._rng = rng
        low, high = WORD_LENGTHS
        self._words = sorted(
            w for w in dictionary if w.isascii() and w.isalpha() and w.islower() and low <= len(w) <= high
        )

    def reseed(self, rng: np.random.Generator) -> None:
        """Go on with other randomness."""
        self._rng = rng

    def sentence(self) -> str:
        """One sentence."""
        if self._rng.random() < WORDS_SHARE:
            return self._random_words()
        return self._grammatical()

    def _grammatical(self) -> str:
        forms = QUESTIONS if self._rng.random() < QUESTION_SHARE else STATEMENTS
        said = self._one(forms).format(
            who=self._one(PEOPLE),
            who2=self._one(PEOPLE),
            did=self._one(VERBS),
            did2=self._one(VERBS),
            what=self._one(THINGS),
            what2=self._one(THINGS),
            where=self._one(PLACES),
            open=self._one(OPENERS),
            n=self._rng.integers(13),
            n2=self._rng.integers(LARGEST_NUMBER),
        )
        return said[0].upper() + said[1:]

    def _random_words(self) -> str:
        count = int(self._rng.integers(*WORDS_PER_SENTENCE))
        words = [self._one(self._words) for _ in range(count)]
        if count > COMMA_WORDS:
            words[count // 2] += ","
        said = " ".join(words)
        return said[0].upper() + said[1:] + self._one("..?!")

    def _one(self, choices: Sequence[str]) -> str:
        return choices[int(self._rng.integers(len(choices)))]
