"""How many sessions cards carry with both models: a simulation with predicted step costs."""
