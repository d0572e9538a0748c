"""From a script to clauses that can be spoken, with every word's span in the script kept."""
