"""The mouth atlas of an avatar whose head moves: made from one frame of its loop, fitted to all of them."""
