"""What an avatar is: the bundle format, the store, and the avatars that ship with the program."""
