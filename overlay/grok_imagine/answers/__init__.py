"""HTTP answers: each becomes plain, bounded values, or an error."""
