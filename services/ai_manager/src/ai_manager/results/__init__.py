"""Results that workers save and the Expert fetches."""
