"""How loud each of Kokoro's voices is by itself, so that all can be brought to one loudness."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TARGET_LUFS = -20.0
"""Where people expect speech in a browser; the other engines speak at it, too."""
MAX_GAIN = 3.0
USUAL_LUFS = -21.0
"""The median voice, for one that is not listed."""

LUFS: Mapping[str, float] = MappingProxyType(
    {
        "af_alloy": -19.9,
        "af_aoede": -17.8,
        "af_bella": -25.1,
        "af_heart": -22.6,
        "af_jessica": -22.7,
        "af_kore": -20.1,
        "af_nicole": -19.0,
        "af_nova": -23.7,
        "af_river": -19.1,
        "af_sarah": -19.8,
        "af_sky": -23.2,
        "am_adam": -19.4,
        "am_echo": -20.8,
        "am_eric": -22.3,
        "am_fenrir": -20.3,
        "am_liam": -21.8,
        "am_michael": -23.8,
        "am_onyx": -24.4,
        "am_puck": -18.0,
        "am_santa": -20.0,
        "bf_alice": -19.5,
        "bf_emma": -19.8,
        "bf_isabella": -15.9,
        "bf_lily": -19.2,
        "bm_daniel": -20.8,
        "bm_fable": -21.1,
        "bm_george": -20.4,
        "bm_lewis": -22.1,
        "ef_dora": -23.4,
        "em_alex": -22.9,
        "em_santa": -22.3,
        "ff_siwis": -19.1,
        "hf_alpha": -13.7,
        "hf_beta": -14.3,
        "hm_omega": -14.1,
        "hm_psi": -14.9,
        "if_sara": -11.6,
        "im_nicola": -20.4,
        "jf_alpha": -27.8,
        "jf_gongitsune": -19.8,
        "jf_nezumi": -28.2,
        "jf_tebukuro": -22.7,
        "jm_kumo": -23.6,
        "pf_dora": -23.0,
        "pm_alex": -22.8,
        "pm_santa": -22.7,
        "zf_xiaobei": -21.0,
        "zf_xiaoni": -26.1,
        "zf_xiaoxiao": -16.5,
        "zf_xiaoyi": -19.3,
        "zm_yunjian": -25.7,
        "zm_yunxi": -22.3,
        "zm_yunxia": -22.7,
        "zm_yunyang": -24.6,
    }
)
"""Integrated loudness by ITU-R BS.1770 of two or three sentences in the voice's own language."""


def gain_of(voice: str) -> float:
    """What the samples of a voice are multiplied by."""
    return min(MAX_GAIN, 10 ** ((TARGET_LUFS - LUFS.get(voice, USUAL_LUFS)) / 20))
