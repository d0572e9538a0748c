"""Media side of the face: from a patch to a finished frame, in the encoder's pixel format."""
