"""Tests of Amends."""
