"""MuseTalk v1.5: the face that a network draws, from the sound and the avatar's own picture.

The networks: what they are and where they come from (``package``, ``sizes``, ``weights``, ``checkpoint``,
``model``), each of them (``unet``, ``decoder``, ``latents``), pixels (``colour``), and batches of frames as
CUDA graphs (``renderer``).
"""
