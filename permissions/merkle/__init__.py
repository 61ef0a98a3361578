"""The Merkle log over all shards: hashing, proofs, signed checkpoints (RFC 9162)."""
