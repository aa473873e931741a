"""The kernels under verification and the host functions that launch them through hip-python.

    rope.hip                  rope.py                  rotates one tensor
    position_embeddings.hip   position_embeddings.py   rotates queries and keys in one launch

Nothing in here imports rocverify, except the contracts in `kernels.contracts`.
"""
