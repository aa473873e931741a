"""References of common operations, for contracts to name: each computes in the element type that it is given.

    from rocverify.references import rows

    class Softmax:
        x = InOut("rows columns", F32)
        reference = staticmethod(rows.softmax)
        wrong = staticmethod(rows.wrong_softmax)

A contract's `reference` is called with float64 values and with the stored ones (see
`rocverify.oracle.contract`). Parameters are matched with the contract's arrays by name; where those have
other names, write `def reference(self, scores): return rows.softmax(scores)`. A function
`wrong_<operation>` gives the results of plausible mistakes by their names, for a contract's `wrong`.

Modules: `elementwise`, `reductions` (sums, scans, sorting), `rows` (softmax, norms), `products` (matmul,
attention), `rotary`, `quantised`.
"""
