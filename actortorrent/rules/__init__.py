"""Decisions: pure functions and ledgers; the time and the dice are arguments."""
