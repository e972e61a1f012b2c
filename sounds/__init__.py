"""The comfort noise a callee hears while no agent is free, and the tools that make and check it."""
