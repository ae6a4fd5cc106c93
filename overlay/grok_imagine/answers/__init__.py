"""The one door for answers: what came over the wire becomes plain, bounded values, or an error."""
