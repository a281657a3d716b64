"""The intents of each capability, the steps that lead to its decision, and the policies."""
