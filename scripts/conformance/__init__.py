"""The conformance kit: vectors made of the contract, a reader of its rules, and a driver of adapters."""
