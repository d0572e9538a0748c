"""Which of the 468 face mesh points are what.

The numbering is that of MediaPipe's canonical face model. "Right" is the person's right, the picture's left.
Contours run from the picture's left to its right.
"""

EYE_OUTER_RIGHT, EYE_OUTER_LEFT = 33, 263
EYE_INNER_RIGHT, EYE_INNER_LEFT = 133, 362
MOUTH_RIGHT, MOUTH_LEFT = 61, 291
LIP_UPPER_INNER, LIP_LOWER_INNER = 13, 14
NOSE_BASE, NOSE_TIP = 2, 4
NOSE_WINGS = (129, 358)
CHIN, FOREHEAD = 152, 10

OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)

JAW_RIGHT = (152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234)
JAW_LEFT = (152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
CHIN_FRONT = (18, 200, 199, 175, 83, 313, 201, 421, 208, 428, 194, 418, 182, 406)
CHEEKS_RIGHT = (212, 216, 207)
CHEEKS_LEFT = (432, 436, 427)
CHEEK_PATCHES = (205, 425, 50, 280)

UPPER_FACE = (
    *(
        1,
        2,
        98,
        327,
        4,
        5,
        6,
        168,
        195,
        48,
        278,
        64,
        294,
        129,
        358,
        33,
        133,
        362,
        263,
        145,
        374,
        119,
        348,
        118,
    ),
    *(347, 101, 330, 100, 329, 50, 280, 123, 352),
)
"""Nose, eyes and upper cheeks: what stays put when the mouth moves."""

EYE_UPPER_RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133)
EYE_LOWER_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133)
EYE_UPPER_LEFT = (362, 398, 384, 385, 386, 387, 388, 466, 263)
EYE_LOWER_LEFT = (362, 382, 381, 380, 374, 373, 390, 249, 263)
CREASE_RIGHT = (247, 30, 29, 27, 28, 56, 190)
CREASE_LEFT = (414, 286, 258, 257, 259, 260, 467)
BROW_RIGHT = (46, 53, 52, 65, 55)
BROW_LEFT = (285, 295, 282, 283, 276)
BROW_TOPS = (105, 334)

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The face's outline, clockwise from the top of the forehead."""
